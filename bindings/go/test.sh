#!/usr/bin/env bash
# test.sh PREFIX WORK: packs the module with the library of PREFIX, and from the packed module runs tests, scenarios,
# the tests against a real SDK, and the examples. All that it writes is in WORK and in Go's caches. GOTOOLCHAIN=go1.21.13
# runs them with that version of Go.
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

echo "== a real SDK in permit mode"
rm -rf "$work/sdktest"
cp -r "$here/sdktest" "$work/sdktest"
(cd "$work/sdktest" && go mod edit -replace llmq=../llmq && go test -count=1 -timeout 5m -v .)

echo "== examples"
rm -rf "$work/examples"
cp -r "$here/examples" "$work/examples"
mkdir -p "$work/bin"
(cd "$work/examples" && go mod edit -replace llmq=../llmq && go vet ./... && go build -o "$work/bin/" ./...)
for example in "$work"/examples/*/; do
  name=$(basename "$example")
  echo "-- $name"
  timeout 60 "$work/bin/$name" >"$work/$name.out" 2>&1 || { cat "$work/$name.out"; exit 1; }
  tail -n 3 "$work/$name.out"
done
