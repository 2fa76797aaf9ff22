#!/usr/bin/env bash
# run_tests.sh PRESET FAIL_ON_SKIP(yes|no) [CTEST_ARGUMENT...]: runs CTest in build/PRESET and ends with one plain line,
# "N passed, N failed, N skipped", after the reason of every skip.
set -uo pipefail
cd "$(dirname "$0")/.."
preset=$1
fail_on_skip=$2
shift 2
dir=build/$preset
log=$dir/test_run.log
export LLVM_PROFILE_FILE=/dev/null
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}

ctest --test-dir "$dir" --output-on-failure --no-tests=error -j "$(nproc)" "$@" \
  --output-junit "$PWD/$dir/test_run.xml" >"$log" 2>&1
code=$?
if ((code != 0)); then
  grep -vE '^ *(Start +[0-9]+:|[0-9]+/[0-9]+ Test .* Passed)' "$log"
fi

# Every skip gives its reason in its output: GTEST_SKIP() << "...", or "SKIP: ..." of a program. One that
# names "optional data" was beside no checkout of this machine; any other, the machine could have run.
skipped=$(awk '
  /<testcase / { on = /status="notrun"/; match($0, /name="[^"]*"/); name = substr($0, RSTART + 6, RLENGTH - 7); why = "" }
  on && why == "" && /SKIP: / { why = substr($0, index($0, "SKIP: ") + 6) }
  on && reason_next { why = $0; reason_next = 0 }
  on && why == "" && /: Skipped *$/ { reason_next = 1 }
  /<\/testcase>/ { if (on) print "  " name ": " (why == "" ? "no reason given" : why); on = 0 }' "$dir/test_run.xml")
skips=$(grep -c . <<<"$skipped")
[[ -z $skipped ]] || printf 'skipped:\n%s\n' "$skipped"
# Rust and Go of a distribution may be older than their bindings want, which is no fault of the checkout: told, whether
# skips fail or not. One that the distribution does not have could be another.
is_too_old() {
  [[ $1 =~ :\ (cargo|go)[\ 0-9.]+\ is\ older\ than\  ]] || return 1
  dpkg-query -S "$(readlink -f "$(command -v "${BASH_REMATCH[1]}")")" >/dev/null 2>&1
}
could_run=0
while IFS= read -r line; do
  if is_too_old "$line"; then
    echo "missing toolchain, this system's packages have no newer one:${line/#  / }"
  elif [[ -n $line && $line != *'optional data'* ]]; then
    could_run=$((could_run + 1))
  fi
done <<<"$skipped"
total=$(grep -cE '<testcase ' "$dir/test_run.xml")
failed=$(grep -cE '<testcase .*status="fail"' "$dir/test_run.xml")
echo "$((total - failed - skips)) passed, $failed failed, $skips skipped"
((code == 0)) || exit "$code"
if [[ $fail_on_skip == yes ]] && ((could_run > 0)); then
  echo "run_tests: a test was skipped that this machine could have run" >&2
  exit 1
fi
