#!/usr/bin/env bash
# matrix.sh [--needs | --record] [CELL...]: llmq with parts left out, by other compilers, for other systems. Builds each
# cell in build/cell-CELL with warnings as errors, runs the tests that it can run, and ends with a line for each.
#   --needs   only says which Debian packages the cells need besides those of ./dev build
#   --record  writes the lines into the table of docs/portability.md
set -euo pipefail
cd "$(dirname "$0")/../.."
# The folders of cells are as deep as build/release: so ccache finds there what it knows.
readonly here=tools/matrix table=docs/portability.md
readonly cells=(full no-http no-mock no-cli no-http-mock no-http-cli no-mock-cli no-http-mock-cli no-calendar
  gcc-c++20 clang-c++17 clang-c++20 arm64 windows)

die() {
  echo "matrix: $*" >&2
  exit 1
}

# The compiler and its warnings are looked at, not its code: assertions stay in, and nobody waits for the optimiser.
readonly quick=(-D CMAKE_BUILD_TYPE=Debug -D CMAKE_C_FLAGS_DEBUG=-O1 -D CMAKE_CXX_FLAGS_DEBUG=-O1)
readonly clang=(-D CMAKE_C_COMPILER=clang-14 -D CMAKE_CXX_COMPILER=clang++-14)

# describe CELL: sets what tells the cell from the plain release build. Tests that run a program by a script of their own
# know of no emulator, and are left out where one is needed.
describe() {
  options=() packages=() prepare=()
  local part
  case $1 in
    full) labels=(-LE bindings -E '^install\.packages$') ;;
    no-*)
      # Simulator and races know no options; what is installed does, but its packages are made of everything.
      labels=(-LE 'bindings|sim|stress' -E '^install\.packages$')
      [[ " ${cells[*]} " == *" $1 "* ]] || die "no cell $1; there are: ${cells[*]}"
      for part in ${1//-/ }; do
        [[ $part == no ]] || options+=(-D "LLMQ_${part^^}=OFF")
      done
      ;;
    gcc-c++20)
      labels=(-LE 'bindings|install')
      options=("${quick[@]}" -D CMAKE_CXX_STANDARD=20)
      ;;
    clang-c++*)
      labels=(-LE 'bindings|install')
      packages=(clang-14)
      options=("${quick[@]}" "${clang[@]}" -D "CMAKE_CXX_STANDARD=${1#clang-c++}")
      ;;
    arm64)
      labels=(-L 'unit|capi|sim' -E 'sim_(replays|trace)')
      packages=(g++-aarch64-linux-gnu qemu-user-static)
      prepare=("$here/sysroot_arm64.sh" build/sysroot-arm64)
      options=("${quick[@]}" -D "CMAKE_TOOLCHAIN_FILE=$here/arm64.cmake" -D LLMQ_CLI=OFF -D LLMQ_BUILD_EXAMPLES=OFF)
      ;;
    windows)
      labels=(-L 'unit|capi|sim' -E 'sim_(replays|trace)')
      packages=(g++-mingw-w64-x86-64-posix wine64 wine googletest)
      prepare=("$here/libraries_windows.sh" build/libraries-windows)
      options=("${quick[@]}" -D "CMAKE_TOOLCHAIN_FILE=$here/windows.cmake" -D LLMQ_HTTP=OFF -D LLMQ_CALENDAR=OFF
        -D LLMQ_MOCK=OFF -D LLMQ_CLI=OFF -D LLMQ_BUILD_EXAMPLES=OFF)
      ;;
    *) die "no cell $1; there are: ${cells[*]}" ;;
  esac
}

# attempt CELL: builds and tests; its last line of output is what came of it.
attempt() {
  local dir=build/cell-$1
  ((${#prepare[@]} == 0)) || "${prepare[@]}" || { echo "failed: its libraries are not there"; return 1; }
  cmake --preset release -B "$dir" -D LLMQ_BUILD_BENCH=OFF "${options[@]}" >"$dir/configure.log" 2>&1 ||
    { cat "$dir/configure.log"; echo "failed: not configured"; return 1; }
  cmake --build "$dir" >"$dir/build.log" 2>&1 ||
    { grep -A 30 -m 3 FAILED "$dir/build.log" | cut -c1-400; echo "failed: not built"; return 1; }
  tools/run_tests.sh "cell-$1" no "${labels[@]}"
}

# compiler CELL: its name and version, as CMake found it.
compiler() {
  local found
  found=$(cat build/cell-"$1"/CMakeFiles/*/CMakeCXXCompiler.cmake 2>/dev/null || true)
  sed -nE 's/^set\(CMAKE_CXX_COMPILER_(ID|VERSION) "(.*)"\)/\2/p' <<<"$found" | sed 's/^GNU$/gcc/; s/^Clang$/clang/' | xargs
}

# record ROW: in place of the cell's row of before.
record() {
  local cell=${1#| }
  cell=${cell%% |*}
  grep -qF "| $cell |" "$table" || die "$table has no row for $cell"
  awk -v cell="| $cell |" -v row="$1" 'index($0, cell) == 1 { $0 = row } { print }' "$table" >"$table.new"
  mv "$table.new" "$table"
}

mode=run names=()
for argument in "$@"; do
  case $argument in
    --needs | --record) mode=${argument#--} ;;
    *) names+=("$argument") ;;
  esac
done
((${#names[@]} > 0)) || names=("${cells[@]}")
for name in "${names[@]}"; do
  describe "$name"
  [[ $mode != needs ]] || echo "${packages[@]}"
done
[[ $mode != needs ]] || exit 0

rows=() failures=0
for name in "${names[@]}"; do
  describe "$name"
  echo "matrix: $name" >&2
  mkdir -p "build/cell-$name"
  begin=$SECONDS state=passed
  attempt "$name" >"build/cell-$name/report.txt" 2>&1 || { state=failed; failures=$((failures + 1)); }
  [[ $state == passed ]] || cat "build/cell-$name/report.txt"
  row="| \`$name\` | $(compiler "$name") | $state | $(tail -1 "build/cell-$name/report.txt") |"
  row+=" $((SECONDS - begin)) s | $(date -u +%F) |"
  rows+=("$row")
  echo "$row"
  [[ $mode != record ]] || record "$row"
done
echo
printf '%s\n' "${rows[@]}"
exit "$((failures > 0))"
