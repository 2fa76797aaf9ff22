#!/usr/bin/env python3
"""paths.py ROOT: the C tests see each function of the C API go well and go wrong: those that answer a status with an LLMQ_ERR_
in a CHECK_STATUS or expect_error, those that answer something else, or nothing, with NULL or a handle of nobody."""

import re
import sys
from pathlib import Path

root = Path(sys.argv[1])
sys.dont_write_bytecode = True
sys.path.insert(0, str(root / "tools" / "bindings"))

from header import parse  # noqa: E402

POINTLESS = {"llmq_buf_free"}  # free(): NULL is all that it can be told apart from


def faults(header, tests: str) -> list:
    found = []
    for function in header.functions:
        name = function.name
        calls = re.findall(rf"\b{name}\((\w*)", tests)
        wrong = re.findall(rf"CHECK_STATUS\(\s*(?:LLMQ_ERR_\w+|k[A-Z]\w+),\s*{name}\(", tests)
        wrong += re.findall(rf"status = {name}\([^;]*;\s*expect_error\(LLMQ_ERR_", tests)
        if not calls:
            found.append(f"{name} is in no test")
        elif function.result == "llmq_status_t" and len(function.params) > 0:
            if not wrong:
                found.append(f"no test sees {name} go wrong")
            if len(wrong) == len(calls):
                found.append(f"no test sees {name} go well")
        elif function.params and name not in POINTLESS:
            if function.params[0].ctype.endswith("*") and not {"NULL", "JUNK", "wrong"} & set(calls):
                found.append(f"no test gives {name} what is nobody's")
    return found


def main() -> int:
    header = parse(*((root / "include/llmq" / name).read_text(encoding="utf-8") for name in ("llmq.h", "version.h")))
    tests = "\n".join(path.read_text(encoding="utf-8") for path in sorted((root / "tests/capi").glob("*.[ch]")))
    found = faults(header, tests)
    # Each kind of fault is told, if it is there.
    seeds = {
        "llmq_cancel is in no test": tests.replace("llmq_cancel(", "("),
        "no test sees llmq_cancel go wrong": re.sub(r"(?:LLMQ_ERR_\w+|k[A-Z]\w+)(,\s*llmq_cancel\()", r"LLMQ_OK\1", tests),
        "no test gives llmq_conf_free what is nobody's": re.sub(r"llmq_conf_free\((NULL|JUNK|wrong)", "llmq_conf_free(conf", tests),
    }
    found += [f"not told: {what}" for what, seed in seeds.items() if what not in faults(header, seed)]
    print("\n".join(found) or f"{len(header.functions)} functions, each seen to go well and to go wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
