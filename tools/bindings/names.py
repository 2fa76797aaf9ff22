"""What every emitter needs: the names and widths of the groups of constants, and the layout of structs."""

from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from header import Group, Header, Struct, Variable


@dataclass
class Kind:
    name: str  # of the type in languages that have one, "EventType"
    ctype: str
    flags: bool
    internal: bool = False  # of no use to callers of a binding


_KINDS = {
    "ERR": Kind("Status", "llmq_status_t", False),
    "STATE": Kind("State", "int32_t", False),
    "PRIORITY": Kind("Priority", "int32_t", False),
    "OP": Kind("Operation", "int32_t", False),
    "REQUEST": Kind("RequestFlags", "uint32_t", True),
    "EVENT": Kind("EventFlags", "uint32_t", True),
    "REGISTER": Kind("RegisterFlags", "uint32_t", True),
    "SHUTDOWN": Kind("ShutdownMode", "int32_t", False),
    "EV": Kind("EventType", "int32_t", False, internal=True),
    "CQ_FD": Kind("CqFdKind", "int32_t", False, internal=True),
    "LOG": Kind("LogLevel", "int32_t", False),
    "FEATURE": Kind("Features", "uint64_t", True),
    "HOOK": Kind("HookType", "uint32_t", True),
    "BREAKER": Kind("BreakerState", "int32_t", False),
    "SIZEOF": Kind("SizeofKind", "int32_t", False, internal=True),
    "PROBE": Kind("ProbeFlags", "uint32_t", True),
}


def camel(name: str) -> str:
    """CqFd of CQ_FD."""
    return "".join(word.capitalize() for word in name.split("_"))


def kind(group: Group) -> Kind:
    """The row of the table; a group that is new in the header gets its names from what it is called there."""
    known = _KINDS.get(group.prefix)
    if known is not None:
        return known
    flags = group.doc.startswith(("Flags", "Bits"))
    return Kind(camel(group.prefix) + ("Flags" if flags else ""), "uint32_t" if flags else "int32_t", flags)


_SIZES = {"uint32_t": 4, "int32_t": 4, "uint64_t": 8, "int64_t": 8, "size_t": 8, "char": 1, "int": 4}


def resolve(header: Header, ctype: str) -> str:
    """The plain type behind llmq_status_t and the ids."""
    for alias in header.aliases:
        if alias.name == ctype:
            return alias.ctype
    return ctype


def pointer(header: Header, ctype: str) -> bool:
    """Data and function pointers."""
    return ctype.endswith("*") or any(callback.name == ctype for callback in header.callbacks)


def size_of(header: Header, member: Variable) -> int:
    return 8 if pointer(header, member.ctype) else _SIZES[resolve(header, member.ctype)]


def layout(header: Header, struct: Struct) -> Tuple[int, List[Tuple[Variable, int]]]:
    """Size and offsets on platforms with 64-bit pointers; tests/abi compares them with the compiler's."""
    at, widest, offsets = 0, 1, []
    for member in struct.members:
        size = size_of(header, member)
        at = (at + size - 1) // size * size
        offsets.append((member, at))
        at += size * (member.count or 1)
        widest = max(widest, size)
    return (at + widest - 1) // widest * widest, offsets


def struct_name(struct: Struct) -> str:
    """Event of llmq_event_t."""
    return camel(struct.name[len("llmq_") : -len("_t")])


def wrap(text: str, first: str, rest: Optional[str] = None, width: int = 100) -> List[str]:
    """Lines of a comment: `first` before the first one, `rest` (as first, if not given) before the others."""
    rest = first if rest is None else rest
    lines: List[str] = []
    for number, paragraph in enumerate(text.split("\n\n")):
        if number > 0:
            lines.append(rest.rstrip())
        line, empty = (first if not lines else rest), True
        for word in paragraph.split():
            if not empty and len(line) + 1 + len(word) > width:
                lines.append(line)
                line, empty = rest, True
            line += word if empty else " " + word
            empty = False
        lines.append(line)
    return lines


TAG_TITLES: Dict[str, str] = {
    "return": "Returns",
    "Ownership": "Ownership",
    "Threads": "Threads",
    "Blocks": "Blocks",
    "since": "Since",
}
