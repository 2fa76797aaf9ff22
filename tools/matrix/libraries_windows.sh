#!/usr/bin/env bash
# libraries_windows.sh DIR: libuv and cJSON from Debian's source packages, GoogleTest from its sources in a package, for
# Windows, with the files by which pkg-config and CMake find them.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: libraries_windows.sh DIR" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
# At its first start Wine makes files of its own, which takes longer than CTest waits for a list of tests.
WINEDEBUG=-all wineboot --init
[[ ! -f $dir/done ]] || exit 0

"$here/../bundle/dependencies.sh" "$dir" libuv_a.a libcjson.a -- -D CMAKE_TOOLCHAIN_FILE="$here/windows.cmake" \
  -D ENABLE_CUSTOM_COMPILER_FLAGS=OFF >/dev/null # cJSON's stack protector would need a library
mkdir -p "$dir/include/cjson" "$dir/lib/pkgconfig"
cp -r "$dir"/source/libuv1-*/include/. "$dir/include/"
cp "$dir"/source/cjson-*/cJSON.h "$dir/include/cjson/"
# Header-only, and the same for every system.
cp -r /usr/include/spdlog /usr/include/fmt "$dir/include/"
cat >"$dir/lib/pkgconfig/libuv.pc" <<PC
Name: libuv
Description: from Debian's source package, for Windows
Version: $(dpkg-query -W -f '${source:Upstream-Version}' libuv1-dev)
Cflags: -I$dir/include
Libs: -L$dir/lib -luv_a -lpsapi -luser32 -ladvapi32 -liphlpapi -luserenv -lws2_32 -ldbghelp -lole32 -lshell32
PC
cat >"$dir/lib/pkgconfig/libcjson.pc" <<PC
Name: libcjson
Description: from Debian's source package, for Windows
Version: $(dpkg-query -W -f '${source:Upstream-Version}' libcjson-dev)
Cflags: -I$dir/include/cjson -I$dir/include
Libs: -L$dir/lib -lcjson
PC
cmake -S /usr/src/googletest -B "$dir/build/googletest" -G Ninja -D CMAKE_BUILD_TYPE=Release \
  -D CMAKE_TOOLCHAIN_FILE="$here/windows.cmake" -D CMAKE_INSTALL_PREFIX="$dir" >/dev/null
cmake --build "$dir/build/googletest" >/dev/null
cmake --install "$dir/build/googletest" >/dev/null
touch "$dir/done"
