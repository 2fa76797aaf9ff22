#!/usr/bin/env bash
# demo.sh LLMQ: runs examples/data/requests.jsonl against `llmq mock` on a free loopback port, under limits
# that bind, and judges the run by what the mock counted.
set -euo pipefail
llmq=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
mock=
finish() {
  [[ -z $mock ]] || kill "$mock" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

limits=(--limit requests=180/5s --limit tokens=33000/5s --limit concurrency=64)
"$llmq" mock "${limits[@]}" --latency 50ms..150ms --stats "$work/stats.json" \
  >"$work/url" 2>"$work/mock.log" &
mock=$!
for ((i = 0; i < 200; i++)); do
  [[ -s $work/url ]] && break
  kill -0 "$mock" 2>/dev/null || { cat "$work/mock.log" >&2; exit 1; }
  sleep 0.05
done
url=$(sed -n 's/^listening on //p' "$work/url")
echo "mock provider at $url, ${limits[*]//--limit /}"
echo "\$ llmq run examples/data/requests.jsonl -o out.jsonl --base-url $url ${limits[*]}"
"$llmq" run examples/data/requests.jsonl -o "$work/out.jsonl" --base-url "$url" "${limits[@]}" \
  --summary "$work/summary.json"
kill -TERM "$mock"
wait "$mock" || true
mock=
cat "$work/mock.log"

# A number of a flat JSON file.
number() { sed -nE "s/.*\"$2\":([0-9.]+).*/\1/p" "$1"; }
lines=$(wc -l <examples/data/requests.jsonl)
answers=$(wc -l <"$work/out.jsonl")
completed=$(number "$work/summary.json" completed)
failed=$(number "$work/summary.json" failed)
ratio=$(number "$work/stats.json" last_over_ideal)
refused=$(sed -nE 's/.*"429":([0-9]+).*/\1/p' "$work/stats.json")
echo
echo "completed $completed of $lines, failed $failed, 429s ${refused:-0}, last call accepted at $ratio x ideal"
if ((answers != lines || completed != lines || failed != 0 || ${refused:-0} != 0)); then
  echo "demo: not every request was answered at the first attempt" >&2
  exit 1
fi
awk -v ratio="$ratio" 'BEGIN { exit !(ratio <= 1.10) }' || {
  echo "demo: $ratio x ideal is more than 1.10" >&2
  exit 1
}
