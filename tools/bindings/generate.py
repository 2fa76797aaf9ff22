#!/usr/bin/env python3
"""generate.py [--check] [--root DIR]: writes what the bindings take from llmq.h, constants above all.

--check writes nothing, says which files differ from what would be written, and fails if one does.
"""

import argparse
import difflib
import pathlib
import sys
from typing import Callable, Dict

import emit_cdef
import emit_go
import emit_node
import emit_python
import emit_ruby
import emit_rust
from header import Header, HeaderError, parse

FILES: Dict[str, Callable[[Header], str]] = {
    "bindings/llmq.cdef": emit_cdef.emit,
    "bindings/go/constants.go": emit_go.emit,
    "bindings/go/functions.h": emit_go.functions,
    "bindings/node/src/constants.ts": emit_node.emit,
    "bindings/python/src/llmq/_constants.py": emit_python.emit,
    "bindings/ruby/lib/llmq/constants.rb": emit_ruby.constants,
    "bindings/ruby/lib/llmq/native_functions.rb": emit_ruby.functions,
    "bindings/rust/llmq-sys/src/generated.rs": emit_rust.emit,
}


def check(root: pathlib.Path, header: Header) -> int:
    stale = 0
    for name, emit in FILES.items():
        path = root / name
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        made = emit(header)
        diff = list(difflib.unified_diff(there.splitlines(), made.splitlines(), name, "llmq.h", lineterm="", n=1))
        if diff:
            stale += 1
            print("\n".join(diff[:30]))
    if stale:
        print(f"{stale} files do not say what include/llmq/llmq.h says: run tools/bindings/generate.py, and commit"
              " its files together with the header")
    return 1 if stale else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    options = parser.parse_args()
    include = options.root / "include" / "llmq"
    try:
        header = parse((include / "llmq.h").read_text(encoding="utf-8"),
                       (include / "version.h").read_text(encoding="utf-8"))
    except HeaderError as error:
        print(f"llmq.h: {error}")
        return 1
    if options.check:
        return check(options.root, header)
    for name, emit in FILES.items():
        path = options.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(emit(header), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
