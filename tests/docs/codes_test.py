"""codes_test.py ROOT: docs/troubleshooting.md has a heading for each status of llmq.h, and for no other."""

import re
import sys
from pathlib import Path

root = Path(sys.argv[1])
header = (root / "include/llmq/llmq.h").read_text(encoding="utf-8")
codes = set(re.findall(r"^  (LLMQ_ERR_\w+) = -\d+", header, re.M))
document = (root / "docs/troubleshooting.md").read_text(encoding="utf-8")
headings = re.findall(r"^### (LLMQ_ERR_\w+)$", document, re.M)
bad = [f"{code} has no heading" for code in sorted(codes - set(headings))]
bad += [f"{code} is no status" for code in sorted(set(headings) - codes)]
bad += [f"{code} has two headings" for code in sorted(set(headings)) if headings.count(code) > 1]
if len(codes) < 33:
    bad.append(f"only {len(codes)} statuses were found in llmq.h")
print("\n".join(bad) or f"{len(codes)} statuses, each with its heading")
sys.exit(1 if bad else 0)
