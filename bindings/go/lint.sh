#!/usr/bin/env bash
# lint.sh WORK: gofmt, go vet, and no exported name without a comment.
set -euo pipefail
cd "$(dirname "$0")"
command -v go >/dev/null || { echo "go: not on this machine"; exit 0; }
export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false
unformatted=$(gofmt -l .)
[[ -z $unformatted ]] || { echo "gofmt: $unformatted" >&2; exit 1; }
go vet ./...
go run ./lint .
