"""What the checks of the documents read of Markdown: headings, links and fenced blocks."""

import re
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^ {0,3}(```+|~~~+)\s*([\w+-]*)\s*$")
MARK = re.compile(r"^<!-- snippet: (.*) -->$")
HEADING = re.compile(r"^#{1,6} +(.*?)(?: +#+)?$")
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s>]+(?:\([^()\s]*\))?)>?(?: \"[^\"]*\")?\)")
MARKS = {"skip", "frame", "file", "exit", "says"}


@dataclass
class Block:
    """A fenced block, and what the mark on the line before it says."""

    line: int
    language: str
    text: str
    marks: dict = field(default_factory=dict)


def parse_mark(text: str, where: str) -> dict:
    """`name=value; name=value` of a mark."""
    marks = {}
    for part in text.split("; "):
        name, equals, value = part.partition("=")
        if name not in MARKS or not equals or not value:
            raise ValueError(f"{where}: a mark is one of {', '.join(sorted(MARKS))} with a value, not {part!r}")
        marks[name] = value
    return marks


def blocks(path: Path) -> list:
    """The fenced blocks of a document, in order."""
    found, fence, mark = [], None, {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if fence is not None:
            if line.strip() == fence:
                fence = None
                found[-1].text = "".join(text + "\n" for text in lines)
            else:
                lines.append(line)
            continue
        opens = FENCE.match(line)
        if opens:
            fence, lines = opens[1], []
            found.append(Block(number, opens[2], "", mark))
            mark = {}
            continue
        marked = MARK.match(line)
        if mark:
            raise ValueError(f"{path}:{number}: a mark stands on the line before its block")
        if marked:
            mark = parse_mark(marked[1], f"{path}:{number}")
        elif "<!-- snippet" in line:
            raise ValueError(f"{path}:{number}: not a mark: {line}")
    if fence is not None or mark:
        raise ValueError(f"{path}: the last block has no end")
    return found


def prose(path: Path) -> list:
    """(number, line) of what is in no fenced block."""
    out, fence = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        opens = FENCE.match(line)
        if fence is not None:
            if line.strip() == fence:
                fence = None
        elif opens:
            fence = opens[1]
        else:
            out.append((number, line))
    return out


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower().replace("`", "")).replace(" ", "-")


def anchors(path: Path) -> set:
    """All anchors of a document; a heading that comes twice is counted up."""
    found, seen = set(), {}
    for _, line in prose(path):
        heading = HEADING.match(line)
        if heading:
            name = slug(heading[1])
            seen[name] = seen.get(name, -1) + 1
            found.add(f"{name}-{seen[name]}" if seen[name] else name)
        found.update(re.findall(r'<a (?:id|name)="([^"]+)"', line))
    return found


def links(path: Path) -> list:
    """(number, target) of each link outside of code."""
    found = []
    for number, line in prose(path):
        bare = re.sub(r"`[^`]*`", lambda code: "`" * len(code[0]), line)
        found += [(number, target) for target in LINK.findall(bare)]
        found += [(number, target) for target in re.findall(r'(?:src|href)="([^"]+)"', bare)]
    return found
