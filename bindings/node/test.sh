#!/usr/bin/env bash
# test.sh PREFIX WORK: see bindings/README.md.
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: test.sh PREFIX WORK" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
for program in node npm cc; do
  command -v "$program" >/dev/null || { echo "SKIP: there is no $program"; exit 77; }
done
node -e 'const [a, b] = process.versions.node.split("."); process.exit(+a > 18 || (+a === 18 && +b >= 18) ? 0 : 1)' ||
  { echo "SKIP: Node 18.18 or newer is needed, not $(node --version)"; exit 77; }
prefix=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)

"$here/package.sh" "$prefix" "$work"

# What a user does: install the package, without the network and without scripts, and use it.
rm -rf "$work/app"
mkdir -p "$work/app"
cp -r "$here/test" "$here/examples" "$work/app/"
cp "$here/test/tsconfig.json" "$work/app/"
cd "$work/app"
printf '{"private": true, "dependencies": {"llmq": "file:../llmq.tgz"}}\n' >package.json
npm install --offline --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error
"$work/node_modules/.bin/tsc" -p .

unset LLMQ_LIBRARY LLMQ_LOG OPENAI_API_KEY ANTHROPIC_API_KEY
export LLMQ_PROGRAM=$prefix/bin/llmq LLMQ_SCENARIOS=$here/../../tests/scenarios LLMQ_BUNDLE=${LLMQ_BUNDLE:-}
node --test --test-reporter=spec out/test/*.test.js 2>&1 | tee "$work/test.log"

# The examples, as they are, against the mock.
"$LLMQ_PROGRAM" mock >"$work/mock.log" 2>&1 &
mock=$!
trap 'kill "$mock"' EXIT
until grep -q listening "$work/mock.log"; do kill -0 "$mock"; done
LLMQ_MOCK_URL=$(grep -o 'http://[0-9.:]*/v1' "$work/mock.log")
export LLMQ_MOCK_URL
examples=0
for example in examples/*.mjs out/examples/*.js; do
  timeout 60 node "$example" >"$work/example.log" 2>&1 ||
    { echo "$example failed:"; cat "$work/example.log"; exit 1; }
  examples=$((examples + 1))
done
echo "examples: $examples passed"
