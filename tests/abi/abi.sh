#!/usr/bin/env bash
# abi.sh check|seeds|renew SOURCE_DIR LIBRARY: the binary interface of LIBRARY, of which capi/ has debug information
# (target llmq_abi), against that of the baseline: a dump by abidw, and the constants of llmq.h with their values.
#   check  fails if a program that was built against the baseline may meet something else today
#   seeds  changes both as changes of the header would, and compiles one, and expects that check tells those that break
#          programs
#   renew  makes today's interface the baseline: at a release, and before 1.0 with a change that is meant
# Of types only those of llmq.h are compared: what handles point to is the library's own.
set -euo pipefail
command=$1 source=$(cd "$2" && pwd) library=$3
here=$source/tests/abi
baseline=$here/baseline
for tool in abidiff abidw python3 readelf; do
  command -v "$tool" >/dev/null || { echo "SKIP: $tool is not there (./dev test installs it)"; exit 77; }
done
readelf -h "$library" | grep -q 'Machine:.*X86-64' || { echo "SKIP: the baseline is that of x86-64"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# dump LIBRARY INCLUDE: what it offers by the headers in INCLUDE, without paths of the machine that built it.
dump() {
  abidw --headers-dir "$2/llmq" --drop-private-types --exported-interfaces-only --type-id-style hash \
    --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed "$1" | sed -E "s/ path='[^']*'/ path='capi'/"
}
# constants HEADER_DIR: a line "NAME VALUE" for each.
constants() {
  python3 -B - "$source/tools/bindings" "$1" <<'PYTHON'
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from header import parse
texts = [(pathlib.Path(sys.argv[2]) / name).read_text(encoding="utf-8") for name in ("llmq.h", "version.h")]
for group in parse(*texts).groups:
    for constant in group.constants:
        print(constant.name, constant.value)
PYTHON
}

# same OLD NEW: may programs of the dump OLD meet NEW? (abidiff's own suppression of appended members would forgive members
# that change places too.)
same() {
  local result=0
  python3 -B "$here/dump.py" "$1" "$2" >"$work/cut.abi" || exit 1
  abidiff --no-added-syms "$1" "$work/cut.abi" >"$work/report" || result=$?
  ((result & 3)) && { cat "$work/report"; echo "abi.sh: abidiff failed"; exit 1; } # 4 and 8 are of the interface
  return "$result"
}
# same_constants OLD NEW: none is gone, none has another value.
same_constants() {
  comm -23 <(sort "$1") <(sort "$2") >"$work/report"
  [[ ! -s $work/report ]]
}
# expect breaks|keeps WHAT COMMAND...
expect() {
  local verdict=$1 what=$2 got=breaks
  shift 2
  if "$@"; then got=keeps; fi
  [[ $got == "$verdict" ]] && return
  cat "$work/report"
  echo "abi.sh: \"$what\" was said to be what $got programs"
  exit 1
}

# compiled INCLUDE: the dump of a library of one function, as a compiler makes it of the headers in INCLUDE.
compiled() {
  cat >"$work/one.c" <<'C'
#include <llmq/llmq.h>
llmq_status_t llmq_response_usage(const llmq_response_t *response, llmq_usage_t *usage) {
  return response == 0 || usage->struct_size == 0 ? LLMQ_ERR_INVALID_ARG : LLMQ_OK;
}
C
  "${CC:-cc}" -std=c99 -g -shared -fPIC -I"$1" "$work/one.c" -o "$work/one.so"
  dump "$work/one.so" "$1"
}

dump "$library" "$source/include" >"$work/today.abi"
functions=$(grep -c "<function-decl name='llmq_" "$work/today.abi" || true)
exported=$(grep -c '^llmq_' "$source/capi/symbols.txt")
[[ $functions == "$exported" ]] || { echo "abi.sh: of $exported functions the dump has $functions"; exit 1; }
constants "$source/include/llmq" >"$work/today.constants"

case $command in
  check)
    same "$baseline/llmq.abi" "$work/today.abi" && same_constants "$baseline/constants" "$work/today.constants" || {
      cat "$work/report"
      echo "abi.sh: programs that exist would break"
      exit 1
    }
    ;;
  seeds)
    python3 -B "$here/seeds.py" "$work/today.abi" "$work" >"$work/seeds"
    while IFS=$'\t' read -r verdict file what; do
      expect "$verdict" "$what" same "$work/today.abi" "$file"
    done <"$work/seeds"
    cp -r "$source/include" "$work/include"
    compiled "$work/include" >"$work/first.abi"
    compiled "$work/include" >"$work/other.abi"
    expect keeps "the same header, compiled" same "$work/first.abi" "$work/other.abi"
    sed -i '/^typedef struct llmq_usage {/,/^}/ { /cost_micros;/ { h; d }; /reasoning_tokens;/ G }' "$work/include/llmq/llmq.h"
    compiled "$work/include" >"$work/other.abi"
    expect breaks "two members change places in the header" same "$work/first.abi" "$work/other.abi"
    sed 's/^LLMQ_ERR_CANCELLED -8$/LLMQ_ERR_CANCELLED -9/' "$work/today.constants" >"$work/other.constants"
    expect breaks "a constant has another value" same_constants "$work/today.constants" "$work/other.constants"
    grep -v '^LLMQ_EV_CHUNK ' "$work/today.constants" >"$work/other.constants"
    expect breaks "a constant is gone" same_constants "$work/today.constants" "$work/other.constants"
    { cat "$work/today.constants"; echo "LLMQ_MORE 1"; } >"$work/other.constants"
    expect keeps "a constant is added" same_constants "$work/today.constants" "$work/other.constants"
    ;;
  renew)
    cp "$work/today.abi" "$baseline/llmq.abi"
    cp "$work/today.constants" "$baseline/constants"
    ;;
  *)
    echo "usage: abi.sh check|seeds|renew SOURCE_DIR LIBRARY" >&2
    exit 1
    ;;
esac
