#!/usr/bin/env bash
# package.sh PREFIX WORK: the npm package, WORK/llmq.tgz, for this platform. It carries the addon and the library (the
# file that LLMQ_BUNDLE names, else that of PREFIX), so that installing it needs no compiler. Development packages are
# installed into WORK by the lock file.
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: package.sh PREFIX WORK" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
prefix=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)

lock=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum)
if [[ ! -d $work/node_modules || $(cat "$work/installed" 2>/dev/null) != "$lock" ]]; then
  rm -f "$work/installed"
  cp "$here/package.json" "$here/package-lock.json" "$work/"
  npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error
  echo "$lock" >"$work/installed"
fi

config=$(find "$prefix" -name llmq.pc -print -quit)
library=${LLMQ_BUNDLE:-${config%/pkgconfig/llmq.pc}/libllmq.so}
[[ -e $library ]] || { echo "package.sh: there is no libllmq.so in $prefix" >&2; exit 1; }
rm -rf "$work/pkg" "$work/llmq.tgz"
mkdir -p "$work/pkg"
cp -r "$here/package.json" "$here/tsconfig.json" "$here/src" "$here/native" "$here/README.md" "$here/../../LICENSE" \
  "$here/../../packaging/NOTICE" "$work/pkg/"
cd "$work/pkg"
"$work/node_modules/.bin/tsc" -p .
prebuilt=prebuilt/$(node -p 'process.platform + "-" + process.arch')
native/build.sh "$prefix/include" "$prebuilt/llmq.node"
cp -L "$library" "$prebuilt/libllmq.so"
npm pack --silent --pack-destination "$work" >/dev/null
mv "$work"/llmq-*.tgz "$work/llmq.tgz"
