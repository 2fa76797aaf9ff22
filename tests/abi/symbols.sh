#!/usr/bin/env bash
# symbols.sh SOURCE_DIR LIBRARY NM: llmq.h, capi/symbols.txt and the library name the same functions.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Declarations may break before the name.
tr '\n' ' ' <"$1/include/llmq/llmq.h" | grep -oE 'LLMQ_API [^;(]*\(' | grep -oE 'llmq_[a-z0-9_]+\($|llmq_[a-z0-9_]+ *\(' |
  tr -d ' (' | sort >"$work/header"
grep -oE '^llmq_[a-z0-9_]+' "$1/capi/symbols.txt" | sort >"$work/list"
dynamic=(-D) defined=(-D --defined-only)
if [[ $(uname) == Darwin ]]; then # Mach-O has one table of symbols, and an underscore before each name of C
  dynamic=(-g) defined=(-g -U)
fi
"$3" "${defined[@]}" "$2" | awk '$2 != "A" { print $3 }' | sed 's/@.*//; s/^_llmq/llmq/' | sort >"$work/library"
# A sanitizer or the coverage runtime may add names of its own.
grep -E '^llmq' "$work/library" >"$work/library_llmq" || true
[[ -s $work/header ]] || { echo "no function was found in llmq.h"; exit 1; }
diff "$work/header" "$work/list" || { echo "llmq.h (<) and symbols.txt (>) differ"; exit 1; }
diff "$work/list" "$work/library_llmq" || { echo "symbols.txt (<) and the library (>) differ"; exit 1; }
if ! "$3" "${dynamic[@]}" "$2" | grep -qE '__(asan|tsan|gcov)'; then
  diff "$work/library_llmq" "$work/library" || { echo "the library exports more than its list"; exit 1; }
fi
grep -vE '^(#.*|llmq_[a-z0-9_]+ [0-9]+\.[0-9]+)$' "$1/capi/symbols.txt" && { echo "symbols.txt: bad line"; exit 1; }
(($(grep -c '^llmq' "$1/capi/symbols.txt") == $(sort -u "$work/list" | wc -l)))
