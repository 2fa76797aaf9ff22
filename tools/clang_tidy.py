#!/usr/bin/env python3
"""clang_tidy.py BUILD FILE...: clang-tidy over each FILE, as BUILD's compile_commands.json compiles it.

A file that was found clean is not read again while nothing changes that the answer depends on: the file
and all that it includes, how it is compiled, clang-tidy and its settings. What is known is kept in
$XDG_CACHE_HOME/llmq/clang-tidy (default ~/.cache), one empty file each, and forgotten after 30 days.
"""

import functools
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

ARGUMENTS = ["--quiet", "--warnings-as-errors=*", "--extra-arg=-Wno-ignored-optimization-argument"]
KEPT_SECONDS = 30 * 24 * 3600
ROOT = pathlib.Path(__file__).resolve().parent.parent


@functools.lru_cache(maxsize=None)
def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


@functools.lru_cache(maxsize=None)
def fixed_parts():
    version = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True, text=True).stdout
    return [version, digest(ROOT / ".clang-tidy"), *ARGUMENTS]


def included(command):
    """All files that the compiler opens for this command, by its own word."""
    arguments = shlex.split(command["command"])
    output = arguments.index("-o")
    del arguments[output : output + 2]
    made = subprocess.run(
        [*arguments, "-M"], cwd=command["directory"], check=True, capture_output=True, text=True
    ).stdout
    names = made.replace("\\\n", " ").split()[1:]
    return {os.path.normpath(os.path.join(command["directory"], name)) for name in names}


def fingerprint(command):
    """The same in every checkout: also the order of the files does not tell where it lies."""
    files = sorted(included(command), key=lambda name: name.replace(str(ROOT), "."))
    parts = [*fixed_parts(), command["command"], *files, *map(digest, files)]
    return hashlib.sha256("\0".join(parts).replace(str(ROOT), ".").encode()).hexdigest()


def check(build, command, known):
    """The complaints about one file; none when it is clean."""
    stamp = known / fingerprint(command)
    if stamp.exists():
        stamp.touch()
        return ""
    ran = subprocess.run(
        ["clang-tidy", "-p", str(build), *ARGUMENTS, command["file"]], cwd=ROOT, capture_output=True, text=True
    )
    if ran.returncode == 0:
        stamp.touch()
        return ""
    return ran.stdout or ran.stderr


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: clang_tidy.py BUILD FILE...")
    folder = pathlib.Path(sys.argv[1]).resolve()
    # A source may be compiled more than once, alike but for the name of its object: the first will do.
    commands = {}
    for command in json.loads((folder / "compile_commands.json").read_text()):
        commands.setdefault(command["file"], command)
    chosen = []
    for name in sys.argv[2:]:
        path = pathlib.Path(name).resolve()
        if not path.exists():
            sys.exit(f"clang_tidy.py: there is no {name}")
        if str(path) in commands:
            chosen.append(commands[str(path)])
        else:  # another system's, or one of a choice
            print(f"clang_tidy.py: {name} is not compiled in {sys.argv[1]}: not read", file=sys.stderr)
    # clang-tidy reads its own copy, in which every file stands once.
    build = folder / "clang-tidy"
    build.mkdir(exist_ok=True)
    (build / "compile_commands.json").write_text(json.dumps(list(commands.values())))

    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    known = cache / "llmq" / "clang-tidy"
    known.mkdir(parents=True, exist_ok=True)
    for stamp in known.iterdir():
        if stamp.stat().st_mtime < time.time() - KEPT_SECONDS:
            stamp.unlink(missing_ok=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [text for text in pool.map(lambda command: check(build, command, known), chosen) if text]
    print("".join(complaints), end="")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
