#!/usr/bin/env bash
# lint.sh WORK: gofmt, go vet of the module and of the programs beside it, and no exported name without a comment. Exit
# code 77, after a line SKIP: why: there is no Go that can do it.
set -euo pipefail
cd "$(dirname "$0")"
skip() {
  echo "SKIP: $1"
  exit 77
}
command -v go >/dev/null || skip "there is no go"
command -v "${CC:-cc}" >/dev/null || skip "cgo needs a C compiler"
export CGO_ENABLED=1 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false
needed=$(sed -nE 's/^go 1\.([0-9]+).*/\1/p' go.mod)
minor=$(cd / && go env GOVERSION | sed -nE 's/^go1\.([0-9]+).*/\1/p')
((${minor:-0} >= needed)) || skip "$(cd / && go env GOVERSION) is older than go1.$needed"
unformatted=$(gofmt -l .)
[[ -z $unformatted ]] || { echo "gofmt: $unformatted" >&2; exit 1; }
# Modules of their own, which the first does not see.
for module in . examples sdktest; do
  (cd "$module" && go vet ./...)
done
go run ./lint .
