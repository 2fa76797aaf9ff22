#!/usr/bin/env python3
"""site.py ROOT SITE REPOSITORY: the documents of ROOT as a site of their own, in SITE: what is below docs/, and README.md as its
front page, index.md. Links that lead out of docs/ lead into REPOSITORY, the address of ROOT's files at this commit."""

import posixpath
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import markdown  # noqa: E402

REFERENCE = "\nThe C interface, function by function: [html/index.html](html/index.html).\n"


def moved(target: str, folder: str, here: str, repository: str) -> str:
    """Where a link of a document in FOLDER of the repository leads, for a page in HERE of the site."""
    if re.match(r"[a-z][a-z0-9+.-]*:|#", target):
        return target
    name, sharp, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(folder, name))
    page_of = "index.md" if path == "README.md" else path.removeprefix("docs/")
    if page_of == path:
        return f"{repository}/{path}{sharp}{anchor}"
    return posixpath.relpath(page_of, here or ".") + sharp + anchor


def page(document: Path, folder: str, here: str, repository: str) -> str:
    """A document with its links moved; what is in code stays."""
    lines = document.read_text(encoding="utf-8").splitlines()
    for number, line in markdown.prose(document):
        for target in {target for at, target in markdown.links(document) if at == number}:
            new = moved(target, folder, here, repository)
            line = line.replace(f"]({target}", f"]({new}").replace(f'="{target}"', f'="{new}"')
        lines[number - 1] = line
    # To Jekyll these open a piece of its own language, also in code.
    return "".join((f"{{% raw %}}{line}{{% endraw %}}" if re.search(r"\{[{%]", line) else line) + "\n" for line in lines)


def main() -> int:
    """Writes the site."""
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    root, site, repository = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].rstrip("/")
    docs = root / "docs"
    for document in sorted(docs.rglob("*.md")):
        here = document.parent.relative_to(docs).as_posix()
        here = "" if here == "." else here
        to = site / here / document.name
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(page(document, posixpath.join("docs", here), here, repository), encoding="utf-8")
    (site / "index.md").write_text(page(root / "README.md", "", "", repository) + REFERENCE, encoding="utf-8")
    shutil.copytree(docs / "img", site / "img", dirs_exist_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
