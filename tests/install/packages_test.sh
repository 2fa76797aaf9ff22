#!/usr/bin/env bash
# packages_test.sh SOURCE_DIR BUILD_DIR VERSION CC CXX: builds the packages in BUILD_DIR and looks at them as a
# distribution and a stranger would: what they need, how large they are, that they come and go without a trace, and that
# C and C++ programs can be built against what they bring, the .deb installed by dpkg, the .rpm unpacked.
set -euo pipefail
source=$1 build=$2 version=$3 cc=$4 cxx=$5
fail() {
  echo "packages_test: $*" >&2
  exit 1
}
for tool in dpkg-deb dpkg-shlibdeps rpmbuild rpm2archive lintian fakeroot; do
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

# Installed, in a system of its own.
root=$build/system
rm -rf "$root"
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
touch "$root/var/lib/dpkg/status"
in_system() {
  fakeroot dpkg --root="$root" --force-depends --force-script-chrootless --log=/dev/null "$@" >>dpkg.log 2>&1 ||
    { cat dpkg.log >&2; fail "dpkg $*"; }
}
files() {
  (cd "$root" && find . -path ./var/lib/dpkg -prune -o -print | sort)
}
: >dpkg.log
files >before
in_system --install "${debs[@]}"
[[ $(dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${db:Status-Status} ' llmq libllmq0 libllmq-dev) == "installed installed installed " ]] ||
  fail "not installed"
(($(files | wc -l) > 40)) || fail "dpkg installed $(files | wc -l) files"
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
# What dpkg-shlibdeps found by itself. libcurl, which it does not see, and the package of the library, which is in no
# archive when it asks, are told by cmake/packages.cmake.
for package in libc6 libstdc++6 libgcc-s1 libuv1 libcjson1; do
  [[ ", $depends," =~ ", $package (>= "[0-9] ]] || fail "libllmq0 does not depend on $package: $depends"
done
[[ $(dpkg-deb -f "${debs[2]}" Depends) =~ libmicrohttpd12\ \(\>=\ [0-9] ]] || fail "llmq does not depend on libmicrohttpd12"
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

# Programs of a stranger. The libraries below are the system's own.
consumer=$source/tests/install/consumer
answer="^llmq $version: .*chat.completion"
says() {
  "$@" | grep -q "$answer" || fail "$* said something else"
}
# consume NAME ROOT LIBDIR CMAKE_ARGUMENT: programs in C and C++, shared and static, by pkg-config and by CMake.
consume() {
  local name=$1 root=$2 libdir=$3 finds=$4 flags
  export LD_LIBRARY_PATH=$libdir PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$libdir/pkgconfig
  flags=$(pkg-config --cflags --libs llmq)
  # shellcheck disable=SC2086
  "$cc" -std=c99 -Wall -Wextra -Werror "$consumer/program.c" -o "$build/${name}_c" $flags
  # shellcheck disable=SC2086
  "$cxx" -std=c++17 -Wall -Wextra -Werror "$consumer/program.cc" -o "$build/${name}_cc" $flags
  flags=$(pkg-config --cflags --libs llmq-static)
  # shellcheck disable=SC2086
  "$cc" -std=c99 -Wall -Wextra -Werror "$consumer/program.c" -o "$build/${name}_static" $flags
  unset PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR # CMake looks for what is below by the system's own files
  needed "$build/${name}_static" | grep -q libllmq && fail "llmq-static.pc gives the shared library"
  needed "$build/${name}_c" | grep -q 'libllmq.so.0' || fail "llmq.pc does not give the shared library"
  rm -rf "$build/$name"
  cmake -S "$consumer" -B "$build/$name" -G Ninja "$finds" -DEXPECTED_VERSION="$version" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" >/dev/null
  cmake --build "$build/$name" >/dev/null
  for program in "$build/${name}"_{c,cc,static} "$build/$name"/{c,cpp}_{shared,static}; do says "$program"; done
  "$root/usr/bin/llmq" --version | grep -q "$version" || fail "llmq --version"
}
consume deb "$root" "$libdir" -DCMAKE_PREFIX_PATH="$root/usr"
unpacked=$build/unpacked
rm -rf "$unpacked"
mkdir -p "$unpacked"
for rpm in "${rpms[@]}"; do rpm2archive - <"$rpm" | tar -xz -C "$unpacked"; done
# A CMake of Debian looks into no lib64 by itself.
consume rpm "$unpacked" "$unpacked/usr/lib64" -Dllmq_DIR="$unpacked/usr/lib64/cmake/llmq"

# A page for the program and one for each of its commands, one for the library, and what shells complete.
commands=$("$root/usr/bin/llmq" --help | sed -n '/^Subcommands:/,$s/^  \([a-z][a-z]*\) .*/\1/p')
(($(wc -w <<<"$commands") >= 5)) || fail "llmq --help lists too few commands: $commands"
pages=(man3/libllmq.3 man1/llmq.1)
for command in $commands; do pages+=("man1/llmq-$command.1"); done
for page in "${pages[@]}"; do
  for tree in "$root" "$unpacked"; do
    [[ -s $tree/usr/share/man/$page.gz ]] || fail "$tree has no page $page"
  done
done
for tree in "$root" "$unpacked"; do
  for completion in bash-completion/completions/llmq zsh/vendor-completions/_llmq; do
    [[ -s $tree/usr/share/$completion ]] || fail "$tree has no $completion"
  done
done
bash -n "$root/usr/share/bash-completion/completions/llmq"

# Purged, what is left is what was there.
in_system --purge llmq libllmq-dev libllmq0
files >after
diff before after || fail "purge leaves something"
ls "$root/var/lib/dpkg/info" | grep llmq && fail "purge leaves something of dpkg's"
rm -rf before after dpkg.log "$root" "$unpacked"
