#!/usr/bin/env python3
"""libllmq_3.py TEMPLATE HEADER VERSION: libllmq(3), its list of functions taken from the header."""

import re
import sys
from pathlib import Path

SECTION = re.compile(r"^/\* -{20,}\n \* (.*)\n", re.M)
FUNCTION = re.compile(r"^/\*\*(?P<doc>(?:(?!\*/).)*)\*/\nLLMQ_API [^;]*?\b(?P<name>llmq_\w+)\(", re.M | re.S)


def roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in ".'" else text


def summary(doc: str) -> str:
    lines = [line.strip().lstrip("*").strip() for line in doc.splitlines()]
    text = " ".join(line for line in lines if line).split(" @", 1)[0].removeprefix("@")
    return re.split(r"(?<=[.]) ", text, maxsplit=1)[0]


def functions(header: str) -> str:
    marks = sorted(
        [(match.start(), None, match) for match in SECTION.finditer(header)]
        + [(match.start(), match["name"], match) for match in FUNCTION.finditer(header)],
        key=lambda mark: mark[0],
    )
    out, title = [], ""
    for _, name, match in marks:
        if name is None:
            title = match[1]
            continue
        if title:
            out.append(f".SS {roff(title)}")
            title = ""
        out += [".TP", f".B {roff(name)}", roff(summary(match["doc"]))]
    return "\n".join(out)


def main() -> None:
    template, header, version = sys.argv[1:]
    page = Path(template).read_text(encoding="utf-8")
    page = page.replace("@VERSION@", version)
    print(page.replace("@FUNCTIONS@", functions(Path(header).read_text(encoding="utf-8"))), end="")


if __name__ == "__main__":
    main()
