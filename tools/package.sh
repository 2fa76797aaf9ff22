#!/usr/bin/env bash
# package.sh BUILD_DIR: the .deb and .rpm packages, in BUILD_DIR/packages. Same sources, same bytes: times of files are
# that of the changelog.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: package.sh BUILD_DIR" >&2; exit 1; }
mkdir -p "$1"
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
SOURCE_DATE_EPOCH=$(date -u -d "$(sed -n 's/^ -- .*>  //p' packaging/debian/changelog | head -1)" +%s)
export SOURCE_DATE_EPOCH
rm -rf "$build/packages" "$build/_CPack_Packages"

# pack GENERATOR CMAKE_ARGUMENT...: where libraries are put is a matter of the distribution.
pack() {
  local generator=$1
  shift
  cmake --preset packages -B "$build" -D LLMQ_PACKAGES="$generator" "$@" >/dev/null
  cmake --build "$build" >&2
  (cd "$build" && cpack -G "$generator") >"$build/cpack.log" 2>&1 || { cat "$build/cpack.log" >&2; exit 1; }
}
pack DEB -U CMAKE_INSTALL_LIBDIR
pack RPM -D CMAKE_INSTALL_LIBDIR=lib64
cd "$build/packages"
rm -rf _CPack_Packages
stat -c '%s %n' -- *.deb *.rpm
