#!/usr/bin/env bash
# bench.sh PREFIX WORK: what Ruby adds to the cost of a request, measured with the gem of the library in PREFIX, and the
# load of the machine meanwhile.
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: bench.sh PREFIX WORK" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
"$here/../package.sh" "$1" "$2"
GEM_HOME=$(cd "$2" && pwd)/gems ruby "$here/bench.rb"
uptime
