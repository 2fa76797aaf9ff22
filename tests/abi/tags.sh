#!/usr/bin/env bash
# tags.sh HEADER: the comment above every function says what it returns, who owns what, which threads may call it,
# whether it blocks, and since when it exists; in the words of the conventions, and without contradiction.
set -euo pipefail
awk '
  function complain(what) { print FILENAME ":" FNR ": " what ": " $0; bad = 1 }
  # The text of a tag up to the next one.
  function tag_text(tag,    rest) {
    rest = substr(text, index(text, tag) + length(tag))
    sub(/\n \* @.*/, "", rest)
    return rest
  }
  /^\/\*\*/ { text = ""; open = 1 }
  open { text = text $0 "\n"; if (/\*\//) open = 0; next }
  /^LLMQ_API/ {
    functions++
    n = split("@return,@par Ownership,@par Threads,@par Blocks,@since", tags, ",")
    for (i = 1; i <= n; i++) {
      if (index(text, tags[i]) == 0) complain(tags[i] " is missing")
      else if (tag_text(tags[i]) !~ /[A-Za-z0-9]/) complain(tags[i] " is empty")
    }
    threads = tag_text("@par Threads")
    blocks = tag_text("@par Blocks")
    returns = tag_text("@return")
    if (threads !~ /^ (any thread(, (not from a callback( of another manager)?|until .*))?|one at a time( per .*)?)$/)
      complain("Threads is none of the known words")
    if (blocks !~ /^ (never(; .*)?|up to timeout|up to one loop turn(; .*)?|until (drained|its thread runs)|for the reading of .*)$/)
      complain("Blocks is none of the known words")
    if ($2 == "llmq_status_t" && returns !~ /LLMQ_OK|As llmq_/)
      complain("@return does not name its statuses")
    if (threads ~ /not from a callback/ && returns !~ /WRONG_THREAD/)
      complain("@return lacks LLMQ_ERR_WRONG_THREAD")
    if (blocks ~ /timeout/ && returns !~ /TIMEOUT/) complain("@return lacks LLMQ_ERR_TIMEOUT")
    text = ""
  }
  END {
    if (functions < 50) { print "only " functions " functions were found"; bad = 1 }
    exit bad
  }' "$1"
