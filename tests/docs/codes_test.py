"""codes_test.py ROOT LLMQ: docs/troubleshooting.md has a heading for each status of llmq.h, and for no other; and whoever reads what
the program LLMQ says of a failure of the library finds the heading by the name in it."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

root, program = Path(sys.argv[1]), sys.argv[2]
header = (root / "include/llmq/llmq.h").read_text(encoding="utf-8")
codes = set(re.findall(r"^  (LLMQ_ERR_\w+) = -\d+", header, re.M))
document = (root / "docs/troubleshooting.md").read_text(encoding="utf-8")
headings = re.findall(r"^### (LLMQ_ERR_\w+)$", document, re.M)
bad = [f"{code} has no heading" for code in sorted(codes - set(headings))]
bad += [f"{code} is no status" for code in sorted(set(headings) - codes)]
bad += [f"{code} has two headings" for code in sorted(set(headings)) if headings.count(code) > 1]
if len(codes) < 33:
    bad.append(f"only {len(codes)} statuses were found in llmq.h")

NO_KEY = '{"models": [{"name": "m", "provider": "openai"}]}'
NO_MODEL = '{"models": [{"name": "m", "provider": "mock", "fallback": {"models": ["n"]}}]}'
SMALL = '{"models": [{"name": "m", "provider": "mock", "tpm": 10}]}'
LINE = ('{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions",'
        ' "body": {"model": "m", "messages": [], "max_tokens": 100}}\n')
SAID = [  # arguments, standard input, the code and what stands around it
    (["check", "config.json"], '{"max_pendin": 1}', r"max_pendin.* \[LLMQ_ERR_UNKNOWN_KEY\]$"),
    (["check", "config.json"], NO_MODEL, r'"n".* \[LLMQ_ERR_INVALID_VALUE\]$'),
    (["check", "config.json"], NO_KEY, r"warning: .* \[LLMQ_ERR_INVALID_VALUE\]$"),
    (["doctor", "--offline", "--config", "config.json"], NO_MODEL, r"fail  settings .*\[LLMQ_ERR_UNSUPPORTED\]$"),
    (["run", "-", "--dry-run", "--config", "config.json"], SMALL, r"line 1: .* \[LLMQ_ERR_OVERSIZE\]$"),
    (["explain", "--provider", "openai"], "", r'"code":"LLMQ_ERR_INVALID_VALUE"'),
]
environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "LLMQ"))}
with tempfile.TemporaryDirectory() as work:
    for arguments, config, expected in SAID:
        (Path(work) / "config.json").write_text(config, encoding="utf-8")
        given = LINE if arguments[0] == "run" else "no answer\n"
        done = subprocess.run([program, *arguments], input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, cwd=work, env=environment, timeout=60)
        if not re.search(expected, done.stdout, re.M):
            bad.append(f"llmq {' '.join(arguments)}: nothing like {expected} in:\n{done.stdout}")
print("\n".join(bad) or f"{len(codes)} statuses, each with its heading")
sys.exit(1 if bad else 0)
