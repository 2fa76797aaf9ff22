#!/usr/bin/env bash
# bench.sh PREFIX WORK: what Node adds to the cost of a request, measured with the package that test.sh has left in
# WORK, and the load of the machine meanwhile.
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: bench.sh PREFIX WORK" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
prefix=$(cd "$1" && pwd)
work=$(cd "$2" && pwd)
config=$(find "$prefix" -name llmq.pc -print -quit)
library=${config%/pkgconfig/llmq.pc}/libllmq.so
cc -O2 -I "$prefix/include" "$here/bench/cost.c" -o "$work/cost" "$library" -Wl,-rpath,"$(dirname "$library")"
cp "$here/bench/bench.mjs" "$work/app/"
node "$work/app/bench.mjs" "$work/cost"
uptime
