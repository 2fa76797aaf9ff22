#!/usr/bin/env bash
# merge.sh OUT PACKAGE...: one npm package for all platforms that package.json names, from those that package.sh has made on
# each. In a workflow of GitHub it also says where it comes from: without that npm takes no provenance.
set -euo pipefail
(($# >= 2)) || { echo "usage: merge.sh OUT PACKAGE..." >&2; exit 1; }
mkdir -p "$(dirname "$1")"
out=$(realpath "$1")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
  echo "merge.sh: $*" >&2
  exit 1
}

for package in "$@"; do
  mkdir "$work/next"
  tar -C "$work/next" -xzf "$package"
  if [[ ! -d $work/package ]]; then
    mv "$work/next/package" "$work/package"
  else
    diff -r --exclude=prebuilt "$work/package" "$work/next/package" || die "$package is of other sources"
    mv "$work"/next/package/prebuilt/* "$work/package/prebuilt/"
  fi
  rm -r "$work/next"
done

cd "$work/package"
for platform in $(node -p 'const { os, cpu } = require("./package.json"); os.flatMap((o) => cpu.map((c) => `${o}-${c}`)).join(" ")'); do
  for file in llmq.node libllmq.so; do
    [[ -f prebuilt/$platform/$file ]] || die "there is no $file for $platform"
  done
done
if [[ -n ${GITHUB_REPOSITORY:-} ]]; then
  npm pkg set repository.type=git repository.url="git+$GITHUB_SERVER_URL/$GITHUB_REPOSITORY.git" \
    repository.directory=bindings/node
fi
npm pack --silent --pack-destination "$work" >/dev/null
mv "$work"/llmq-*.tgz "$out"
