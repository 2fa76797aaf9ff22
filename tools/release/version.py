#!/usr/bin/env python3
"""version.py [--tag TAG]: prints the version of version.h. Fails if a package of a binding says another one, or TAG is not
"v" and that version, or CHANGELOG.md has no section for it when a tag is given."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES = {
    "packaging/debian/changelog": r"^llmq \((\d+\.\d+\.\d+)",
    "bindings/python/pyproject.toml": r'^version = "([^"]+)"',
    "bindings/node/package.json": r'^  "version": "([^"]+)"',
    "bindings/rust/Cargo.toml": r'^version = "([^"]+)"',
    "bindings/ruby/lib/llmq/version.rb": r'^\s*VERSION = "([^"]+)"',
}


def version_of_header(root: Path) -> str:
    """MAJOR.MINOR.PATCH."""
    text = (root / "include/llmq/version.h").read_text(encoding="utf-8")
    return ".".join(re.search(rf"LLMQ_VERSION_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH"))


def complaints(root: Path, tag: str) -> list:
    """What does not agree with the header."""
    version, bad = version_of_header(root), []
    for name, pattern in PLACES.items():
        found = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.M)
        if found is None or found[1] != version:
            bad.append(f"{name} says {found and found[1]}, version.h says {version}")
    if tag and tag != f"v{version}":
        bad.append(f"the tag is {tag}, version.h says {version}")
    if tag and f"## [{version}]" not in (root / "CHANGELOG.md").read_text(encoding="utf-8"):
        bad.append(f"CHANGELOG.md has no section [{version}]")
    return bad


def main() -> int:
    """The version, or what is wrong."""
    arguments = sys.argv[1:]
    if arguments and (len(arguments) != 2 or arguments[0] != "--tag"):
        print(__doc__, file=sys.stderr)
        return 2
    bad = complaints(ROOT, arguments[1] if arguments else "")
    print("\n".join(bad), file=sys.stderr) if bad else print(version_of_header(ROOT))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
