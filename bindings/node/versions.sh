#!/usr/bin/env bash
# versions.sh PREFIX WORK [VERSION...]: test.sh with other versions of Node, by default the oldest and the newest that
# the package is for. Their programs come from npm's package `node`.
set -euo pipefail
(($# >= 2)) || { echo "usage: versions.sh PREFIX WORK [VERSION...]" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
prefix=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)
shift 2
(($# > 0)) || set -- 18 22
for version in "$@"; do
  mkdir -p "$work/node-$version"
  cd "$work/node-$version"
  [[ -e package.json ]] || echo '{"private": true}' >package.json
  npm install --no-audit --no-fund --loglevel=error "node@$version"
  echo "== $(node_modules/.bin/node --version)"
  PATH=$PWD/node_modules/.bin:$PATH "$here/test.sh" "$prefix" "$work/test-$version"
done
