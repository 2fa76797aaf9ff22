#!/usr/bin/env bash
# lint.sh WORK: formatting, lint and missing documentation. All that it writes is in WORK.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: lint.sh WORK" >&2; exit 1; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
cd "$(dirname "$0")"
export LLMQ_LINT_CACHE=$work
rubocop --fail-level convention --format simple .
ruby documented.rb lib
