#!/usr/bin/env python3
"""stub.py LLMQ_H > stub.c: the header, with every function that it declares defined. What is built of it has the binary
interface of the header within a second, and so shows what a change of the header does to programs."""

import pathlib
import re
import sys

header = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
stub, functions = re.subn(r"^(LLMQ_API [^;{]*\));", r"\1 { __builtin_trap(); }", header, flags=re.MULTILINE)
if functions == 0:
    sys.exit(f"stub.py: {sys.argv[1]} declares no function")
# Types count as public by the file that they are in.
print(f'#line 1 "llmq.h"\n{stub}')
