#!/usr/bin/env bash
# packages_test.sh SOURCE_DIR BUILD_DIR VERSION CC CXX: builds the packages in BUILD_DIR and looks at them as a
# distribution and a stranger would: what they need, how large they are, that they come and go without a trace, and that
# a C and a C++ program can be built against what they bring.
set -euo pipefail
source=$1 build=$2 version=$3 cc=$4 cxx=$5
fail() {
  echo "packages_test: $*" >&2
  exit 1
}
for tool in dpkg-deb dpkg-shlibdeps rpmbuild lintian fakeroot; do
  command -v "$tool" >/dev/null || { echo "SKIP: $tool is not there (./dev package installs it)"; exit 77; }
done
"$source/tools/package.sh" "$build"
cd "$build/packages"
debs=(libllmq0_*.deb libllmq-dev_*.deb llmq_*.deb)
rpms=(llmq-libs-*.rpm llmq-devel-*.rpm llmq-"$version"-*.rpm)
[[ -f ${debs[0]} && -f ${debs[1]} && -f ${debs[2]} ]] || fail "three .deb expected: $(ls)"
[[ -f ${rpms[0]} && -f ${rpms[1]} && -f ${rpms[2]} ]] || fail "three .rpm expected: $(ls)"

# The first tag is for packages that enter Debian itself; the second for a call of ldconfig that CPack adds in any case.
lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs,maintscript-calls-ldconfig "${debs[@]}"

root=$build/root
rm -rf "$root"
mkdir -p "$root"
for deb in "${debs[@]}"; do dpkg-deb -x "$deb" "$root"; done
libdir=$(dirname "$(find "$root/usr/lib" -name libllmq.so.0)")
[[ $(basename "$libdir") == "$(dpkg-architecture -qDEB_HOST_MULTIARCH)" ]] || fail "$libdir is no multiarch directory"

# needed FILE: the libraries that it asks for, without the linker's own.
needed() {
  readelf -d "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -v '^ld-linux' | sort | xargs
}
want="libc.so.6 libcjson.so.1 libgcc_s.so.1 libm.so.6 libstdc++.so.6 libuv.so.1"
[[ $(needed "$libdir/libllmq.so.0") == "$want" ]] || fail "the library needs $(needed "$libdir/libllmq.so.0"), not $want"
# libcurl is opened when it is needed, which a note tells, and the packages depend on it.
text=$(readelf -p .note.dlopen "$libdir/libllmq.so.0")
[[ $text == *'"priority":"required","soname":["libcurl.so.4"]'* ]] || fail "no note tells of libcurl: $text"
# To readelf, notes of a type that it does not know are a failure.
notes=$(readelf -n "$libdir/libllmq.so.0" 2>&1 || true)
[[ $notes == *FDO*0x407c0c0a* ]] || fail "the note of libcurl is none: $notes"
depends=$(dpkg-deb -f "${debs[0]}" Depends)
[[ $depends =~ libcurl4\ \(\>=\ 7\.[0-9]+\.0\) ]] || fail "libllmq0 does not depend on libcurl4: $depends"
requires=$(rpm -qp --requires "${rpms[0]}")
[[ $requires == *'libcurl.so.4()(64bit)'* ]] || fail "the RPM does not require libcurl: $requires"
needed "$root/usr/bin/llmq" | grep -q 'libllmq.so.0.*libmicrohttpd' || fail "the program needs $(needed "$root/usr/bin/llmq")"
dpkg-deb -f "${debs[2]}" Depends | grep -q 'libllmq0 (>= ' || fail "the program does not depend on the library"
readelf -d "$root/usr/bin/llmq" | grep -qE 'R(UN)?PATH' && fail "the program has a run-time path"
size=$(stat -Lc %s "$libdir/libllmq.so.0")
((size <= 3 * 512 * 1024)) || fail "libllmq.so has $size bytes, more than 1.5 MiB"
echo "libllmq.so: $size bytes"

# Debian's symbols file, the list and the library name the same.
dpkg-deb --ctrl-tarfile "${debs[0]}" | tar -xO ./symbols | sed -n 's/^ \(llmq_[a-z0-9_]*\)@LLMQ_0 .*/\1/p' | sort >symbols.debian
nm -D --defined-only "$libdir/libllmq.so.0" | sed -n 's/.* T \(.*\)@@LLMQ_0/\1/p' | sort >symbols.library
grep -oE '^llmq_[a-z0-9_]+' "$source/capi/symbols.txt" | sort >symbols.list
diff symbols.list symbols.debian || fail "symbols.txt (<) and the symbols file (>) differ"
diff symbols.list symbols.library || fail "symbols.txt (<) and the library (>) differ"
rm symbols.debian symbols.library symbols.list

# An RPM keeps libraries where its distributions do, and nothing of Debian's.
rpm -qpl "${rpms[0]}" | grep -qx /usr/lib64/libllmq.so.0 || fail "the RPM has no /usr/lib64/libllmq.so.0"
rpm -qpl "${rpms[@]}" | grep -iE 'debian|x86_64-linux-gnu' && fail "Debian's paths are in an RPM"
rpm -qp --requires "${rpms[2]}" | grep -q '^libllmq.so.0' || fail "the program's RPM does not require the library"

# Who wrote what is compiled in is told where distributions look for it.
for part in date-tz spdlog fmt CLI11; do
  for deb in libllmq0 libllmq-dev llmq; do
    grep -q "^$part " "$root/usr/share/doc/$deb/copyright" || fail "the copyright file of $deb does not name $part"
  done
done
for rpm in "${rpms[@]}"; do
  rpm -qpl "$rpm" | grep -q '/usr/share/doc/.*/NOTICE$' || fail "$rpm has no NOTICE"
  [[ $(rpm -qp --qf '%{LICENSE}' "$rpm") == "MIT AND BSD-3-Clause" ]] || fail "$rpm has another licence"
done

# Installed and purged, in a system of its own: what is left is what was there.
system=$build/system
rm -rf "$system"
mkdir -p "$system/var/lib/dpkg/info" "$system/var/lib/dpkg/updates"
touch "$system/var/lib/dpkg/status"
in_system() {
  fakeroot dpkg --root="$system" --force-depends --force-script-chrootless --log=/dev/null "$@" >>dpkg.log 2>&1 ||
    { cat dpkg.log >&2; fail "dpkg $*"; }
}
files() {
  (cd "$system" && find . -path ./var/lib/dpkg -prune -o -print | sort)
}
: >dpkg.log
files >before
in_system --install "${debs[@]}"
[[ $(dpkg-query --admindir="$system/var/lib/dpkg" -W -f '${db:Status-Status} ' llmq libllmq0 libllmq-dev) == "installed installed installed " ]] ||
  fail "not installed"
(($(files | wc -l) > 40)) || fail "dpkg installed $(files | wc -l) files"
in_system --purge llmq libllmq-dev libllmq0
files >after
diff before after || fail "purge leaves something"
ls "$system/var/lib/dpkg/info" | grep llmq && fail "purge leaves something of dpkg's"
rm -rf before after dpkg.log "$system"

# Programs of a stranger. The libraries below are the system's own.
consumer=$source/tests/install/consumer
answer="^llmq $version: .*chat.completion"
export LD_LIBRARY_PATH=$libdir
says() {
  "$@" | grep -q "$answer" || fail "$* said something else"
}
flags=$(PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$libdir/pkgconfig pkg-config --cflags --libs llmq)
# shellcheck disable=SC2086
"$cc" -std=c99 -Wall -Wextra -Werror "$consumer/program.c" -o "$build/consumer_c" $flags
# shellcheck disable=SC2086
"$cxx" -std=c++17 -Wall -Wextra -Werror "$consumer/program.cc" -o "$build/consumer_cc" $flags
says "$build/consumer_c"
says "$build/consumer_cc"
flags=$(PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$libdir/pkgconfig pkg-config --cflags --libs llmq-static)
# shellcheck disable=SC2086
"$cc" -std=c99 -Wall -Wextra -Werror "$consumer/program.c" -o "$build/consumer_static" $flags
needed "$build/consumer_static" | grep -q libllmq && fail "llmq-static.pc gives the shared library"
says "$build/consumer_static"
rm -rf "$build/consumer"
cmake -S "$consumer" -B "$build/consumer" -G Ninja -DCMAKE_PREFIX_PATH="$root/usr" -DEXPECTED_VERSION="$version" \
  -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" >/dev/null
cmake --build "$build/consumer" >/dev/null
for program in c_shared c_static cpp_shared cpp_static; do says "$build/consumer/$program"; done
"$root/usr/bin/llmq" --version | grep -q "$version" || fail "llmq --version"
for page in llmq.1 llmq-run.1; do [[ -s $root/usr/share/man/man1/$page.gz ]] || fail "$page is missing"; done
[[ -s $root/usr/share/man/man3/libllmq.3.gz ]] || fail "libllmq.3 is missing"
