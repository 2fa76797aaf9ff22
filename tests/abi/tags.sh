#!/usr/bin/env bash
# tags.sh HEADER: the comment above every function says what it returns, who owns what, which threads may call it,
# whether it blocks, and since when it exists.
set -euo pipefail
awk '
  /^\/\*\*/ { text = ""; open = 1 }
  open { text = text $0 "\n"; if (/\*\//) open = 0; next }
  /^LLMQ_API/ {
    functions++
    for (i = 1; i <= 5; i++) {
      tag = substr("@return       @par Ownership@par Threads  @par Blocks   @since        ", (i - 1) * 14 + 1, 14)
      sub(/ +$/, "", tag)
      if (index(text, tag) == 0) { print FILENAME ":" FNR ": " tag " is missing: " $0; bad = 1 }
    }
    text = ""
  }
  END {
    if (functions < 50) { print "only " functions " functions were found"; bad = 1 }
    exit bad
  }' "$1"
