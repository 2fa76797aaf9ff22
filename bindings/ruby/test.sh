#!/usr/bin/env bash
# test.sh PREFIX WORK: see bindings/README.md.
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: test.sh PREFIX WORK" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
command -v ruby >/dev/null || { echo "SKIP: there is no ruby"; exit 77; }
ruby -e 'exit(Gem::Version.new(RUBY_VERSION) >= Gem::Version.new("3.0"))' ||
  { echo "SKIP: Ruby 3.0 or newer is needed, not $(ruby -e 'print RUBY_VERSION')"; exit 77; }
for gem in ffi minitest faraday puma async; do
  ruby -e 'gem ARGV[0]' "$gem" 2>/dev/null || { echo "SKIP: there is no gem $gem"; exit 77; }
done
prefix=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)

"$here/package.sh" "$prefix" "$work"

unset LLMQ_LIBRARY LLMQ_LOG OPENAI_API_KEY ANTHROPIC_API_KEY RUBYLIB RUBYOPT GEM_PATH
export GEM_HOME=$work/gems LLMQ_PROGRAM=$prefix/bin/llmq LLMQ_SCENARIOS=$here/../../tests/scenarios
cd "$work"
ruby -w "$here/test/all.rb"

# The examples, as they are, against the mock.
: >"$work/mock.log" # by now: what an earlier run left tells another address
"$LLMQ_PROGRAM" mock >>"$work/mock.log" 2>&1 &
mock=$!
trap 'kill "$mock"' EXIT
until grep -q listening "$work/mock.log"; do kill -0 "$mock"; done
LLMQ_MOCK_URL=$(grep -o 'http://[0-9.:]*/v1' "$work/mock.log")
export LLMQ_MOCK_URL
examples=0
for example in "$here"/examples/*.rb; do
  timeout 60 ruby -w "$example" >"$work/example.log" 2>&1 && [[ -s $work/example.log ]] ||
    { echo "$(basename "$example") failed:"; cat "$work/example.log"; exit 1; }
  examples=$((examples + 1))
done
echo "examples: $examples passed"
