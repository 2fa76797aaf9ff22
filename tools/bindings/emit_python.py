"""bindings/python/src/llmq/_constants.py: plain numbers for the machinery, enumerations for people."""

from typing import List

from header import Constant, Group, Header
from names import kind, wrap

_WIDTH = 88


def _comment(doc: str, indent: str = "") -> List[str]:
    return wrap(doc, f"{indent}#: ", width=_WIDTH)


def _plain(constants: List[Constant]) -> List[str]:
    out: List[str] = []
    for constant in constants:
        out += _comment(constant.doc)
        out.append(f"{constant.name[len('LLMQ_'):]}: Final = {constant.value}")
    return out


def _enumeration(group: Group) -> List[str]:
    names = kind(group)
    base = "enum.IntFlag" if names.flags else "enum.IntEnum"
    # One sentence on a line of its own, as the linter wants it, then the rest.
    summary, _, rest = " ".join(group.doc.split()).partition(". ")
    out = ["", "", f"class {names.name}({base}):"]
    if rest:
        out += [f'    """{summary}.', ""] + wrap(rest, "    ", width=_WIDTH) + ['    """']
    else:
        out.append(f'    """{summary}"""')
    out.append("")
    for constant in group.constants:
        out += _comment(constant.doc, "    ")
        out.append(f"    {group.short(constant)} = {constant.value}")
    return out


def emit(header: Header) -> str:
    out = [
        "# Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit.",
        '"""The constants of the C API: without LLMQ_, as numbers and as enumerations."""',
        "",
        "from __future__ import annotations",
        "",
        "import enum",
        "from typing import Final",
        "",
    ]
    out += _plain(header.version)
    for group in header.groups:
        out += ["", f"# {kind(group).name}", ""]
        out += _plain(group.constants)
    for group in header.groups:
        if not kind(group).internal:
            out += _enumeration(group)
    return "\n".join(out) + "\n"
