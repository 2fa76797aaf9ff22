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

# What is published: the packages of all platforms in one. That of the other platform is this one under its name.
here_is=$(node -p 'process.platform + "-" + process.arch')
other=linux-arm64
[[ $here_is != "$other" ]] || other=linux-x64
rm -rf "$work/merge"
mkdir -p "$work/merge/other"
tar -C "$work/merge/other" -xzf "$work/llmq.tgz"
mv "$work/merge/other/package/prebuilt/$here_is" "$work/merge/other/package/prebuilt/$other"
tar -C "$work/merge/other" -czf "$work/merge/other.tgz" package
GITHUB_SERVER_URL=https://host GITHUB_REPOSITORY=own/er \
  "$here/merge.sh" "$work/merge/all/llmq.tgz" "$work/llmq.tgz" "$work/merge/other.tgz"
tar -C "$work/merge" -xzf "$work/merge/all/llmq.tgz"
for file in {"$here_is","$other"}/{llmq.node,libllmq.so}; do [[ -s $work/merge/package/prebuilt/$file ]]; done
[[ $(cd "$work/merge/package" && npm pkg get repository.url) == '"git+https://host/own/er.git"' ]]
"$here/merge.sh" "$work/merge/half.tgz" "$work/llmq.tgz" 2>"$work/merge/half.log" &&
  { echo "half a package was made"; exit 1; }
grep -q "there is no llmq.node for $other" "$work/merge/half.log"
rm -rf "$work/merge"

# The examples, as they are, against the mock. Each must print a line like this, and leave with 0.
declare -A says=(
  [advanced.mjs]='^[89] completed$' # the ninth is the permit: its end may be told by then
  [anthropic.mjs]='^Mock answer to request '
  [basic.mjs]='^[1-9][0-9]* tokens, waited [0-9.]+ ms$'
  [batch.mjs]='^[1-9][0-9]* completed, [1-9][0-9]* failed$'
  [errors.mjs]='^LLMQ_ERR_SERVER: .* \(2 attempts\)$'
  [fire_and_forget.mjs]='^10 done$'
  [limits.mjs]='^both: 20 of 20 in [0-9]+ ms$'
  [openai.mjs]='^[1-9][0-9]* output tokens$'
  [stream.mjs]='^[1-9][0-9]* tokens, the first after [0-9.]+ ms$'
  [typed.js]='^5 words$'
)
: >"$work/mock.log" # by now: what an earlier run left tells another address
"$LLMQ_PROGRAM" mock >>"$work/mock.log" 2>&1 &
mock=$!
trap 'kill "$mock"' EXIT
until grep -q listening "$work/mock.log"; do kill -0 "$mock"; done
LLMQ_MOCK_URL=$(grep -o 'http://[0-9.:]*/v1' "$work/mock.log")
export LLMQ_MOCK_URL
examples=0
for example in examples/*.mjs out/examples/*.js; do
  timeout 60 node "$example" >"$work/example.log" 2>&1 ||
    { echo "$example failed:"; cat "$work/example.log"; exit 1; }
  name=$(basename "$example")
  grep -Eq "${says[$name]:?has no line of $name}" "$work/example.log" ||
    { echo "$example did not print ${says[$name]}:"; cat "$work/example.log"; exit 1; }
  examples=$((examples + 1))
done
((examples == ${#says[@]})) || { echo "only $examples of ${#says[@]} examples are there"; exit 1; }
echo "examples: $examples passed"
