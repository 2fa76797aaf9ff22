#!/usr/bin/env bash
# reproducible.sh WORK: builds the committed tree twice, in two directories whose paths differ in length, without ccache, and
# compares library, program and packages byte by byte. Takes as long as two builds.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: reproducible.sh WORK" >&2; exit 1; }
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
work=$(cd "$1" && pwd)
commit=$(git -C "$root" rev-parse HEAD) # the same for both, whatever is committed meanwhile
export CCACHE_DISABLE=1
trees=("$work/one" "$work/another/of/a/longer/path")
for tree in "${trees[@]}"; do
  begun=$SECONDS
  rm -rf "$tree"
  mkdir -p "$tree"
  git -C "$root" archive "$commit" | tar -xf - -C "$tree"
  "$tree/tools/package.sh" "$tree/build" >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
  mkdir -p "$tree/made"
  cp -L "$tree"/build/packages/*.{deb,rpm} "$tree/build/libllmq.so" "$tree/build/libllmq.a" "$tree/build/llmq" "$tree/made"
  (cd "$tree/made" && sha256sum -- *) >"$tree.sha256"
  echo "reproducible: built in ${tree#"$work"/} ($((SECONDS - begun)) s)"
done
diff "${trees[0]}.sha256" "${trees[1]}.sha256" || { echo "reproducible.sh: the two builds differ" >&2; exit 1; }
cat "${trees[0]}.sha256"
