"""Reads include/llmq/llmq.h: constants, types, structs and functions, each with its comment.

The header keeps to a few forms (no varargs, no macros, no bitfields), so a scanner of these forms is enough.
Whatever has another form is an error that names the line.
"""

import re
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple


class HeaderError(Exception):
    """The header has a form that this reader does not know."""


@dataclass
class Constant:
    name: str
    value: int
    doc: str


@dataclass
class Group:
    """One anonymous enum. `prefix` is what all its names begin with, "STATE" of LLMQ_STATE_."""

    prefix: str
    doc: str
    constants: List[Constant] = field(default_factory=list)

    def short(self, constant: Constant) -> str:
        """The name within its group: PENDING of LLMQ_STATE_PENDING, TIMEOUT of LLMQ_ERR_TIMEOUT."""
        name = constant.name[len("LLMQ_") :]
        return name[len(self.prefix) + 1 :] if name.startswith(self.prefix + "_") else name


@dataclass
class Variable:
    """A parameter or a struct member. `ctype` is written with single spaces, stars at the end."""

    ctype: str
    name: str
    doc: str = ""
    count: int = 0  # of an array; 0 = none


@dataclass
class Opaque:
    name: str
    tag: str
    doc: str


@dataclass
class Alias:
    name: str
    ctype: str
    doc: str


@dataclass
class Callback:
    name: str
    result: str
    params: List[Variable]
    doc: str


@dataclass
class Struct:
    name: str
    tag: str
    members: List[Variable]
    doc: str


@dataclass
class Function:
    name: str
    result: str
    params: List[Variable]
    doc: str
    param_docs: List[Tuple[str, str]]  # names as written ("key, type (out)"), text
    tags: Dict[str, str]  # return, Ownership, Threads, Blocks, since

    @property
    def blocks(self) -> bool:
        return not self.tags["Blocks"].startswith("never")


@dataclass
class Header:
    version: List[Constant] = field(default_factory=list)
    groups: List[Group] = field(default_factory=list)
    opaques: List[Opaque] = field(default_factory=list)
    aliases: List[Alias] = field(default_factory=list)
    callbacks: List[Callback] = field(default_factory=list)
    structs: List[Struct] = field(default_factory=list)
    functions: List[Function] = field(default_factory=list)

    def struct(self, name: str) -> Struct:
        return next(struct for struct in self.structs if struct.name == name)


_DOC = re.compile(r"/\*\*(?!<)(.*?)\*/", re.S)
_PLAIN = re.compile(r"/\*(?!\*).*?\*/", re.S)
_TRAILING = re.compile(r"[ \t]*\n?[ \t]*/\*\*<(.*?)\*/", re.S)
_OPAQUE = re.compile(r"typedef struct (\w+) (\w+);")
_CALLBACK = re.compile(r"typedef ([\w ]+?\**) ?\(\*(\w+)\)\((.*?)\);", re.S)
_ALIAS = re.compile(r"typedef (\w+) (\w+);")
_STRUCT = re.compile(r"typedef struct (\w+) \{(.*?)\n\} (\w+);", re.S)
_ENUM = re.compile(r"enum \{\n(.*?)\n\};", re.S)
_FUNCTION = re.compile(r"LLMQ_API ([\w ]+?\**) ?(llmq_\w+)\((.*?)\);", re.S)
_CONSTANT = re.compile(r"\s*(LLMQ_\w+) = (-?\d+),?")
_MEMBER = re.compile(r"\s*((?:const )?\w+ \**)(\w+)(?:\[(\d+)\])?;")
_TAG = re.compile(r"@(?:param(\[out\])?|par (\w+)|(return|since))\s", re.S)


def clean(text: str) -> str:
    """The text of a comment: paragraphs of one line each."""
    lines = [re.sub(r"^\s*\* ?", "", line).strip() for line in text.strip().split("\n")]
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).strip()


def _ctype(text: str) -> str:
    return re.sub(r" ?\*", "*", " ".join(text.split()))


def _params(text: str) -> List[Variable]:
    result: List[Variable] = []
    for part in " ".join(text.split()).split(","):
        if part.strip() == "void":
            continue
        match = re.fullmatch(r"\s*(.*[ *])(\w+)\s*", part)
        if match is None:
            raise HeaderError(f"parameter {part!r}")
        result.append(Variable(_ctype(match.group(1)), match.group(2)))
    return result


def _prefix(names: List[str]) -> str:
    """What the names of an enum have in common; of a single one, its first word. Statuses are OK and ERR_."""
    short = [name[len("LLMQ_") :] for name in names if name != "LLMQ_OK"]
    words = [name.split("_") for name in short]
    if len(short) == 1:
        return words[0][0]
    common: List[str] = []
    for column in zip(*(word[:-1] for word in words)):
        if len(set(column)) != 1:
            break
        common.append(column[0])
    if not common:
        raise HeaderError(f"constants without a common prefix: {', '.join(names[:3])}")
    return "_".join(common)


def _function(match: "re.Match[str]", doc: str) -> Function:
    text, *rest = re.split(r"\n\s*\* (?=@)", doc)
    params: List[Tuple[str, str]] = []
    tags: Dict[str, str] = {}
    for tag in rest:
        head = _TAG.match(tag)
        if head is None:
            raise HeaderError(f"{match.group(2)}: unknown tag {tag.split()[0]}")
        body = clean(tag[head.end() :])
        if tag.startswith("@param"):
            names = re.match(r"(\w+(?:, \w+)*) (.*)", body, re.S)
            if names is None:
                raise HeaderError(f"{match.group(2)}: @param without a name")
            params.append((names.group(1) + (" (out)" if head.group(1) else ""), names.group(2)))
        else:
            tags[head.group(2) or head.group(3)] = body
    missing = [tag for tag in ("return", "Ownership", "Threads", "Blocks", "since") if not tags.get(tag)]
    if missing:
        raise HeaderError(f"{match.group(2)}: no text for {', '.join(missing)}")
    return Function(match.group(2), _ctype(match.group(1)), _params(match.group(3)), clean(text), params, tags)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.doc = ""
        self.header = Header()

    def take(self, pattern: "re.Pattern[str]") -> "Optional[re.Match[str]]":
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def trailing(self) -> str:
        match = self.take(_TRAILING)
        return clean(match.group(1)) if match else ""

    def body(self, text: str, pattern: "re.Pattern[str]", what: str) -> List[Tuple["re.Match[str]", str]]:
        """The items of an enum or a struct, each with the comment behind it."""
        inner = _Scanner(text)
        items: List[Tuple["re.Match[str]", str]] = []
        while inner.text[inner.at :].strip():
            if inner.take(re.compile(r"[ \t\n]*/\*(?!\*).*?\*/", re.S)):
                continue
            match = inner.take(pattern)
            if match is None:
                raise HeaderError(f"{what}: {inner.text[inner.at :].strip().splitlines()[0]!r} is not understood")
            items.append((match, inner.trailing()))
        return items

    def enum(self, match: "re.Match[str]") -> None:
        items = self.body(match.group(1), _CONSTANT, "enum")
        group = Group(_prefix([item.group(1) for item, _ in items]), clean(self.doc))
        for item, doc in items:
            if not doc:
                raise HeaderError(f"{item.group(1)} has no comment")
            group.constants.append(Constant(item.group(1), int(item.group(2)), doc))
        if not group.doc:
            raise HeaderError(f"the enum of {group.constants[0].name} has no comment")
        self.header.groups.append(group)

    def struct(self, match: "re.Match[str]") -> None:
        name = match.group(3)
        members: List[Variable] = []
        for item, doc in self.body(match.group(2), _MEMBER, name):
            if not doc:
                raise HeaderError(f"{name}.{item.group(2)} has no comment")
            members.append(Variable(_ctype(item.group(1)), item.group(2), doc, int(item.group(3) or 0)))
        self.header.structs.append(Struct(name, match.group(1), members, clean(self.doc)))

    def declaration(self) -> bool:
        header = self.header
        match = self.take(_OPAQUE)
        if match:
            header.opaques.append(Opaque(match.group(2), match.group(1), self.trailing()))
            return True
        match = self.take(_STRUCT)
        if match:
            self.struct(match)
            return True
        match = self.take(_CALLBACK)
        if match:
            header.callbacks.append(
                Callback(match.group(2), _ctype(match.group(1)), _params(match.group(3)), clean(self.doc))
            )
            return True
        match = self.take(_ALIAS)
        if match:
            header.aliases.append(Alias(match.group(2), match.group(1), self.trailing()))
            return True
        match = self.take(_ENUM)
        if match:
            self.enum(match)
            return True
        match = self.take(_FUNCTION)
        if match:
            header.functions.append(_function(match, self.doc))
            return True
        return False

    def run(self) -> Header:
        while True:
            self.take(re.compile(r"\s+"))
            if self.at == len(self.text):
                return self.header
            match = self.take(_DOC)
            if match:
                self.doc = match.group(1)
                continue
            if self.take(_PLAIN):
                continue
            if not self.declaration():
                line = self.text[self.at :].splitlines()[0]
                raise HeaderError(f"not understood: {line!r}")
            self.doc = ""


def parse(llmq_h: str, version_h: str) -> Header:
    """Reads the text of llmq.h and of version.h."""
    begin = llmq_h.index('extern "C" {\n#endif') + len('extern "C" {\n#endif')
    header = _Scanner(llmq_h[begin : llmq_h.rindex("#ifdef __cplusplus")]).run()
    for name, value in re.findall(r"^#define (LLMQ_\w+) (\d+)$", version_h, re.M):
        header.version.append(Constant(name, int(value), _VERSION_DOCS[name]))
    return header


_VERSION_DOCS = {
    "LLMQ_VERSION_MAJOR": "Major version of the header that this was made from.",
    "LLMQ_VERSION_MINOR": "Minor version of that header.",
    "LLMQ_VERSION_PATCH": "Patch version of that header.",
    "LLMQ_ABI_VERSION": "Number of the binary interface; compare with llmq_abi_version().",
}
