#!/usr/bin/env bash
# test.sh PREFIX WORK: packs the module with the library of PREFIX, and from the packed module runs tests, scenarios,
# the tests of memory and threads, those against a real SDK, and the examples. All that it writes is in WORK and in Go's
# caches. GOTOOLCHAIN=go1.21.13 runs them with that version of Go.
set -euo pipefail
(($# == 2)) || { echo "usage: test.sh PREFIX WORK" >&2; exit 1; }
mkdir -p "$2"
prefix=$(cd "$1" && pwd)
work=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

skip() {
  echo "SKIP: $1"
  exit 77
}
command -v go >/dev/null || skip "there is no go"
command -v "${CC:-cc}" >/dev/null || skip "cgo needs a C compiler"
export CGO_ENABLED=1 GOTOOLCHAIN=${GOTOOLCHAIN:-local} GOFLAGS=-buildvcs=false
minor=$(go env GOVERSION | sed -nE 's/^go1\.([0-9]+).*/\1/p')
((${minor:-0} >= 21)) || skip "$(go env GOVERSION) is older than go1.21"
echo "$(go env GOVERSION)"
unset LLMQ_LIBRARY
export LLMQ_SCENARIOS=$here/../../tests/scenarios LLMQ_PROGRAM=$prefix/bin/llmq LLMQ_TEST_PREFIX=$prefix

"$here/package.sh" "$prefix" "$work/llmq"

echo "== tests and scenarios, with the race detector"
(cd "$work/llmq" && go vet . && go test -race -count=1 -timeout 10m -json . >"$work/tests.json") || failed=yes
passed=$(grep -c '"Action":"pass".*"Test":' "$work/tests.json" || true)
skipped=$(grep -c '"Action":"skip".*"Test":' "$work/tests.json" || true)
echo "$passed passed, $(grep -c '"Action":"fail".*"Test":' "$work/tests.json" || true) failed, $skipped skipped"
if [[ -n ${failed:-} ]]; then
  go run "$here/lint" -output "$work/tests.json"
  exit 1
fi

echo "== memory over 1,000,000 requests, threads while 10,000 goroutines wait; without the race detector"
(cd "$work/llmq" && go test -count=1 -timeout 10m -v -run '^(TestMemoryStays|TestTenThousandGoroutines)' . |
  tee "$work/scale.out")
(($(grep -c '^--- PASS: ' "$work/scale.out") == 2)) || { echo "not both were run" >&2; exit 1; }

echo "== a module that holds no library takes the system's, else the one that pkg-config knows"
if ldconfig -p 2>/dev/null | grep -q 'libllmq\.so'; then
  echo "left out: the system has one"
else
  rm -rf "$work/bare"
  cp -r "$work/llmq" "$work/bare"
  rm "$work/bare/bundle/libllmq.so"
  (cd "$work/bare" && go test -c -o "$work/load" .)
  # takes EXPECTED VARIABLE=VALUE...: what a program says of its library then.
  takes() {
    local said
    said=$(cd "$work" && env LLMQ_SUBPROCESS=load "${@:2}" "$work/load" -test.run '^TestSubprocess$')
    [[ $said == *"$1"* ]] || { printf '%s: expected %s, not\n%s\n' "${*:2}" "$1" "$said" >&2; exit 1; }
  }
  library=$(readlink -f "$prefix/lib/libllmq.so")
  soname=$prefix/lib/$(basename "${library%.*.*}")
  takes " of $soname"$'\nerror: <nil>' LD_LIBRARY_PATH="$prefix/lib" PKG_CONFIG_LIBDIR="$work/none"
  takes " of $soname"$'\nerror: <nil>' PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig"
  takes "LLMQ_LIBRARY is not set, this package holds none, the system has none" PKG_CONFIG_LIBDIR="$work/none"
fi

echo "== a real SDK in permit mode"
rm -rf "$work/sdktest"
cp -r "$here/sdktest" "$work/sdktest"
(cd "$work/sdktest" && go mod edit -replace llmq=../llmq && go test -count=1 -timeout 5m -v .)

echo "== examples"
rm -rf "$work/examples"
cp -r "$here/examples" "$work/examples"
mkdir -p "$work/bin"
(cd "$work/examples" && go mod edit -replace llmq=../llmq && go vet ./... && go build -o "$work/bin/" ./...)
# A line that each says, if it does what it is there for.
declare -A says=(
  [advanced]='^somebody waits +success shared: false$'
  [anthropic]='^[0-9]+ \+ [1-9][0-9]* tokens$'
  [basic]='^after .* in line and .* of work, [1-9][0-9]* output tokens$'
  [batch]='^2000 requests, [1-9][0-9]* output tokens$'
  [concurrent]='^five per second: 8 calls of 50 ms took [1-9]'
  [errors]='^too late: llmq: .*\(LLMQ_ERR_DEADLINE\)$'
  [forget]='^20 of 20 completed$'
  [limits]='"limit":"tokens/1d".*"pool":"account"'
  [openai]='^first output after '
  [typed]='^3 words$'
)
for example in "$work"/examples/*/; do
  name=$(basename "$example")
  echo "-- $name"
  timeout 60 "$work/bin/$name" >"$work/$name.out" 2>&1 || { cat "$work/$name.out"; exit 1; }
  tail -n 3 "$work/$name.out"
  grep -Eq -- "${says[$name]:?there is no line for it}" "$work/$name.out" ||
    { echo "$name does not say ${says[$name]}" >&2; exit 1; }
done
