#!/usr/bin/env bash
# languages.sh PREFIX DIST: the packages of Python, Node and Ruby for this machine, and the library that the crate of Rust
# carries, in DIST. PREFIX is an installed llmq; LLMQ_BUNDLE names the library that packages carry (target llmq_bundled).
# Nothing is published. A language that is not on this machine ends it.
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: languages.sh PREFIX DIST" >&2; exit 1; }
[[ -f ${LLMQ_BUNDLE:-} ]] || { echo "languages.sh: LLMQ_BUNDLE names no library" >&2; exit 1; }
root=$(cd "$(dirname "$0")/../.." && pwd)
bindings=$root/bindings
notices=("$root/LICENSE" "$root/packaging/NOTICE")
prefix=$(cd "$1" && pwd)
mkdir -p "$2"/{wheel,npm,gem,crate}
dist=$(cd "$2" && pwd)
machine=$(uname -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q 'setuptools==80.9.0' cffi wheel
mkdir "$work/source"
cp -r "$bindings/python" "$bindings/llmq.cdef" "$work/source"
cp "${notices[@]}" "$work/source/python"
"$work/venv/bin/pip" wheel -q --no-deps --no-build-isolation -w "$dist/wheel" "$work/source/python"
# PyPI takes wheels by the glibc that they need alone; libcurl stays the system's.
glibc=$(getconf GNU_LIBC_VERSION | sed 's/.* //; s/\./_/')
"$work/venv/bin/python" -m wheel tags --remove --platform-tag "manylinux_${glibc}_$machine" "$dist"/wheel/*.whl

"$bindings/node/package.sh" "$prefix" "$work/npm"
cp "$work/npm/llmq.tgz" "$dist/npm/llmq-node-linux-$machine.tgz"

"$bindings/ruby/package.sh" "$prefix" "$work/gem"
cp "$work"/gem/package/*.gem "$dist/gem/"

mkdir -p "$dist/crate/linux-$machine"
cp -L "$LLMQ_BUNDLE" "$dist/crate/linux-$machine/libllmq.so.0"
cp "${notices[@]}" "$dist/crate"

# What is inside the library has authors who want to be named with it.
names() {
  case $1 in
    *.whl) python3 -m zipfile -l "$1" ;;
    *.gem) tar -xOf "$1" data.tar.gz | tar -tz ;;
    *) tar -tzf "$1" ;;
  esac
}
for package in "$dist"/{wheel,npm,gem}/*; do
  held=$(names "$package")
  for notice in LICENSE NOTICE; do
    grep -qE "(^|/)$notice( |$)" <<<"$held" || { echo "languages.sh: $package has no $notice" >&2; exit 1; }
  done
done
find "$dist" -type f
