#!/usr/bin/env bash
# package.sh PREFIX WORK: the gem for this platform, built in WORK and installed in WORK/gems. It carries the library
# (the file that LLMQ_BUNDLE names, else that of PREFIX), so that installing it needs no compiler.
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: package.sh PREFIX WORK" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
prefix=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)

config=$(find "$prefix" -name llmq.pc -print -quit)
library=${LLMQ_BUNDLE:-${config%/pkgconfig/llmq.pc}/libllmq.so}
[[ -e $library ]] || { echo "package.sh: there is no libllmq.so in $prefix" >&2; exit 1; }
rm -rf "$work/package" "$work/gems"
mkdir -p "$work/package"
cp -r "$here/lib" "$here/llmq.gemspec" "$here/README.md" "$here/../../LICENSE" \
  "$here/../../packaging/NOTICE" "$work/package/"
cp -L "$library" "$work/package/lib/llmq/libllmq.so"
cd "$work/package"
gem build --silent llmq.gemspec 2>build.log || { cat build.log; exit 1; }
# What it depends on is there, or the tests say so: nothing is fetched.
gem install --silent --local --ignore-dependencies --no-document --install-dir "$work/gems" llmq-*.gem
echo "built $(basename llmq-*.gem)"
