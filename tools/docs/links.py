#!/usr/bin/env python3
"""links.py ROOT [SOURCES]: every relative link of every document leads to a file that is there, and to an anchor that it has; every
source that a document names in code exists; so does every document below docs/ that sources name. SOURCES is where these are, if not in ROOT: a site has documents alone."""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import markdown  # noqa: E402

NAMED = re.compile(r"\bdocs/[\w/]+\.md\b")
SOURCE = re.compile(r"`((?:src|capi|include|tests|tools|examples|bindings|cmake)/[\w./-]*|[\w./-]+\.(?:cc|h|hpp))`")
SOURCES = ("*.h", "*.hpp", "*.cc", "*.c", "*.md", "*.py", "*.rs", "*.go", "*.ts", "*.yml", "dev")


def tracked(root: Path, *patterns: str) -> list:
    """Files that git knows, or of a tree without git all."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        capture_output=True, text=True, check=False,
    )
    if listed.returncode == 0:
        return sorted(root / name for name in listed.stdout.splitlines() if (root / name).is_file())
    return sorted(path for pattern in patterns for path in root.rglob(pattern) if "build" not in path.parts)


def broken(document: Path, root: Path, known: dict) -> list:
    """What is wrong with the links of one document."""
    found = []
    for number, target in markdown.links(document):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if not path.exists() or root not in (path, *path.parents):
            found.append(f"{document.relative_to(root)}:{number}: {target}: there is no such file")
            continue
        if anchor and path.suffix == ".md":
            if path not in known:
                known[path] = markdown.anchors(path)
            if anchor not in known[path]:
                found.append(f"{document.relative_to(root)}:{number}: {target}: there is no such heading")
    return found


def gone(document: Path, root: Path, sources: Path, names: set) -> list:
    """Sources that a document names and that are not there: by their path, or those below src/ by their name alone."""
    found = []
    for number, line in markdown.prose(document):
        for name in SOURCE.findall(line):
            places = (sources / name, document.parent / name, sources / "src" / name, sources / "src/core" / name,
                      sources / "include" / name)
            if not any(place.exists() for place in places) and name not in names:
                found.append(f"{document.relative_to(root)}:{number}: {name}: there is no such source")
    return found


def main() -> int:
    """Prints what is broken; 1 if anything is."""
    root = Path(sys.argv[1]).resolve()
    sources = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else root
    # A site is no checkout, wherever it lies.
    documents, known, complaints = tracked(root, "*.md") if sources == root else sorted(root.rglob("*.md")), {}, []
    if not documents:
        complaints.append(f"{root}: there are no documents")
    names = {source.name for source in tracked(sources, "*.cc", "*.h", "*.hpp")}
    for document in documents:
        complaints += broken(document, root, known)
        if document.name != "CHANGELOG.md":  # it tells of what was
            complaints += gone(document, root, sources, names)
    for source in tracked(root, *SOURCES):
        for name in NAMED.findall(source.read_text(encoding="utf-8", errors="replace")):
            if not (sources / name).exists() and not (source.parent / name).exists():
                complaints.append(f"{source.relative_to(root)}: {name}: there is no such document")
    print("\n".join(sorted(set(complaints))) or f"{len(documents)} documents: all links lead somewhere")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
