#!/usr/bin/env bash
# dependencies.sh DIR ARCHIVE... [-- CMAKE_ARGUMENT...]: builds libuv_a.a, libcjson.a, libdate-tz.a from Debian's source packages as static
# libraries that a shared library can take in (Debian's own libuv_a.a is not position-independent), into DIR/lib. The versions are
# those of the installed -dev packages, whose headers llmq was compiled with.
set -euo pipefail
(($# > 1)) || { echo "usage: dependencies.sh DIR ARCHIVE..." >&2; exit 1; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift
archives=()
while (($# > 0)) && [[ $1 != -- ]]; do
  archives+=("$1")
  shift
done
extra=("${@:2}") # a toolchain, say
mkdir -p "$dir/apt/lists/partial" "$dir/source" "$dir/lib"

# The system's own package sources, asked for source packages, without changing the system.
apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
  awk '$4 == "Debian" { print "deb-src " $1 " " $2 " " $3 }' | sort -u >"$dir/apt/sources.list"
[[ -s $dir/apt/sources.list ]] || { echo "dependencies.sh: apt knows no Debian package source" >&2; exit 1; }
apt_source() {
  apt-get -qq -o Dir::Etc::SourceList="$dir/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$dir/apt/lists" -o APT::Sandbox::User="$(id -un)" "$@"
}
apt_source update

# build SOURCE_PACKAGE=DEV_PACKAGE ARCHIVE CMAKE_ARGUMENT...: one static library.
build() {
  local package=${1%=*} version archive=$2
  version=$(dpkg-query -W -f '${source:Version}' "${1#*=}")
  shift 2
  (cd "$dir/source" && apt_source source "$package=$version" >/dev/null)
  local tree=("$dir/source/$package"-*/)
  cmake -S "${tree[0]}" -B "$dir/build/$package" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_C_VISIBILITY_PRESET=hidden -DCMAKE_CXX_VISIBILITY_PRESET=hidden \
    -DCMAKE_C_FLAGS="-ffile-prefix-map=$dir=." -DCMAKE_CXX_FLAGS="-ffile-prefix-map=$dir=." \
    -DBUILD_TESTING=OFF -Wno-dev --no-warn-unused-cli "$@" "${extra[@]}" >/dev/null
  cmake --build "$dir/build/$package" --target "$(basename "$archive" .a | sed 's/^lib//')" >/dev/null
  cp "$dir/build/$package/$archive" "$dir/lib/"
}
rm -rf "$dir/source" "$dir/build"
mkdir -p "$dir/source"
for archive in "${archives[@]}"; do
  case $archive in
    libuv_a.a) build libuv1=libuv1-dev "$archive" ;;
    libcjson.a) build cjson=libcjson-dev "$archive" -DENABLE_CJSON_TEST=OFF ;;
    libdate-tz.a)
      build howardhinnant-date=libhowardhinnant-date-dev "$archive" -DBUILD_TZ_LIB=ON -DUSE_SYSTEM_TZ_DB=ON \
        -DCMAKE_BUILD_TYPE=MinSizeRel
      ;;
    *) echo "dependencies.sh: no way to build $archive" >&2; exit 1 ;;
  esac
done
ls "$dir/lib"
