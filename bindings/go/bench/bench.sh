#!/usr/bin/env bash
# bench.sh PREFIX WORK [-requests N] [-rounds N]: what the Go form costs, beside C with the same library.
set -euo pipefail
prefix=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)
shift 2
cd "$(dirname "$0")"
"${CC:-cc}" -O2 -I"$prefix/include" native/bare.c -o "$work/bare" -L"$prefix/lib" -lllmq -Wl,-rpath,"$prefix/lib"
GOTOOLCHAIN=local GOFLAGS=-buildvcs=false go build -o "$work/bench" .
LLMQ_LIBRARY=$prefix/lib/libllmq.so "$work/bench" -native "$work/bare" "$@"
