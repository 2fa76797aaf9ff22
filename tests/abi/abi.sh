#!/usr/bin/env bash
# abi.sh check|seeds|renew SOURCE_DIR: the binary interface of llmq.h against that of the baseline, a dump by abidw.
#   check  fails if a program that was built against the baseline's header may meet something else today
#   seeds  changes the header in ways that break programs, and expects that check notices each
#   renew  makes today's interface the baseline: at a release, and before 1.0 with a change that is meant
# What is compared is built of the header alone (stub.py), with debug information: the compiler holds the definitions
# in capi/ against the same header, and symbols.sh the names.
set -euo pipefail
command=$1 source=$(cd "$2" && pwd)
here=$source/tests/abi
baseline=$here/baseline/llmq.abi
for tool in abidiff abidw python3 "${CC:-cc}"; do
  command -v "$tool" >/dev/null || { echo "SKIP: $tool is not there (./dev test installs it)"; exit 77; }
done
[[ $(uname -m) == x86_64 ]] || { echo "SKIP: the baseline is that of x86-64"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# library HEADER_DIR: $work/llmq.so
library() {
  (cd "$work" && python3 "$here/stub.py" "$1/llmq/llmq.h" >stub.c &&
    "${CC:-cc}" -g -shared -fPIC -w -I"$1/llmq" -I"$1" -o llmq.so stub.c)
}

# same: may programs of the baseline meet $work/llmq.so? abidiff forgives a reordering too where a suppression for
# appended members is given, so the plain report is asked besides.
same() {
  abidiff --no-added-syms "$baseline" "$work/llmq.so" >"$work/report" && return 0
  abidiff --no-added-syms --suppressions "$here/appended.suppr" "$baseline" "$work/llmq.so" >"$work/left" || return 1
  ! grep -E '(member|parameter|type name|offset) (change|deletion)|changed from|deletion' "$work/report" |
    grep -vqE "^ *type size changed from [0-9]+ to [0-9]+ \(in bits\)$"
}

# seed WHAT FROM TO: replaces the first occurrence of an extended regular expression, over lines, in the header.
seed() {
  rm -rf "$work/include"
  cp -r "$source/include" "$work/include"
  python3 - "$work/include/llmq/llmq.h" "$2" "$3" <<'PYTHON'
import pathlib, re, sys
path = pathlib.Path(sys.argv[1])
text, found = re.subn(sys.argv[2], sys.argv[3], path.read_text(), count=1)
if not found:
    sys.exit(f"the header has nothing like {sys.argv[2]}")
path.write_text(text)
PYTHON
  library "$work/include"
}
must_fail() {
  seed "$@"
  if same; then
    echo "not noticed: $1"
    cat "$work/report"
    exit 1
  fi
}
must_pass() {
  seed "$@"
  same || { echo "not forgiven: $1"; cat "$work/report"; exit 1; }
}

case $command in
  check)
    library "$source/include"
    same || { cat "$work/report"; echo "abi.sh: programs that exist would break"; exit 1; }
    ;;
  seeds)
    cost='(  int64_t cost_micros;[^\n]*\n)' last='(  int64_t reasoning_tokens;[^\n]*\n)'
    must_fail "two members change places" "$cost$last" '\2\1'
    must_fail "a member is inserted" "$cost" '  int64_t more;\n\1'
    must_fail "a member is gone" "$last" ''
    must_fail "two members change places, and one is appended" "$cost$last" '\2\1  int64_t more;\n'
    must_fail "a member becomes wider" 'uint32_t( max_attempts;)' 'uint64_t\1'
    must_fail "a result becomes wider" 'uint32_t( llmq_version_num)' 'uint64_t\1'
    must_fail "a parameter is added" '(llmq_buf_free\()' '\1int more, '
    must_fail "a function is gone" 'LLMQ_API const char \*llmq_version_libraries\(void\);' ''
    must_pass "a member is appended to a struct that carries its size" "$last" '\1  int64_t more;\n'
    must_pass "a function is added" '(LLMQ_API uint32_t llmq_version_num)' 'LLMQ_API int llmq_more(void);\n\1'
    ;;
  renew)
    library "$source/include"
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs "$work/llmq.so" >"$baseline"
    ;;
  *)
    echo "usage: abi.sh check|seeds|renew SOURCE_DIR" >&2
    exit 1
    ;;
esac
