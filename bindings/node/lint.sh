#!/usr/bin/env bash
# lint.sh WORK: formatting, strict types, and a comment at every public name. Errors are fatal.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: lint.sh WORK" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
command -v npm >/dev/null || { echo "SKIP: there is no npm"; exit 77; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
lock=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum)
if [[ ! -d $work/node_modules || $(cat "$work/installed" 2>/dev/null) != "$lock" ]]; then
  cp "$here/package.json" "$here/package-lock.json" "$work/"
  npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error
  echo "$lock" >"$work/installed"
fi
bin=$work/node_modules/.bin
rm -rf "$work/lint"
mkdir -p "$work/lint"
cp -r "$here"/{src,test,examples,bench,scripts,tsconfig.json,.prettierrc.json,.prettierignore} "$work/lint/"
cd "$work/lint"
"$bin/prettier" --log-level warn --check src test examples bench scripts
clang-format --dry-run --Werror "$here"/native/*.[ch]
"$bin/tsc" -p .
node scripts/documented.cjs dist/index.d.ts
