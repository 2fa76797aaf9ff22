#!/usr/bin/env bash
# test.sh PREFIX WORK: packages the crates with the library of PREFIX (or LLMQ_BUNDLE), verifies and unpacks the packages,
# and runs tests, scenarios and examples from there.
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: test.sh PREFIX WORK" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
prefix=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)

source "$here/toolchain.sh"
need_toolchain "$here"

export CARGO_TARGET_DIR=$work/target
jobs=(-j2)
log=$work/test.log
passed=0
run() { # run WHAT COMMAND...: quiet unless it fails
  echo "rust: $1"
  shift
  "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }
}
run_tests() { # run_tests WHAT COMMAND...: the same, and counts what has passed
  run "$@"
  local count
  for count in $(sed -n 's/^test result: ok\. \([0-9]*\) passed.*/\1/p' "$log"); do passed=$((passed + count)); done
}

# The library goes into the package that loads it.
rm -rf "$work/source" "$work/installed"
mkdir -p "$work/source" "$work/installed"
tar -C "$here" --exclude=./target -cf - . | tar -C "$work/source" -xf -
installed=$(echo "$prefix"/lib*/libllmq.so "$prefix"/lib/*/libllmq.so | tr ' ' '\n' | grep -v '\*' | head -1)
library=${LLMQ_BUNDLE:-$installed}
carried=$work/source/llmq-sys/lib/linux-$(uname -m)
mkdir -p "$carried"
cp -L "$library" "$carried/libllmq.so.0"

# Each package is built as its user would, from those before it, which no registry has yet.
cd "$work/source"
export PKG_CONFIG_PATH=
unset LLMQ_LIBRARY LLMQ_LOG RUST_BACKTRACE
packages=()
for crate in llmq-sys llmq llmq-tower; do
  run "package $crate" cargo package "${jobs[@]}" -p "$crate" --allow-dirty "${packages[@]}"
  # Times of now: in a package all files are of one day, and cargo would take what it built of an older one.
  tar -C "$work/installed" -xmzf "$(echo "$CARGO_TARGET_DIR/package/$crate"-[0-9]*.crate)"
  packages+=(--config "patch.crates-io.$crate.path='$(echo "$work/installed/$crate"-[0-9]*)'")
done
grep -q . "$work"/installed/llmq-sys-*/lib/*/libllmq.so.0 || { echo "the package has no library" >&2; exit 1; }

# From here on nothing but what the packages hold.
export LLMQ_BIN=$prefix/bin/llmq LLMQ_SCENARIOS=$here/../../tests/scenarios LLMQ_TEST_LIBRARY=$library
for crate in llmq-sys llmq llmq-tower; do
  cd "$work/installed/$crate"-[0-9]*
  cp "$work/source/Cargo.lock" .
  run_tests "$crate" cargo test "${jobs[@]}" --all-features "${packages[@]}"
  [[ $crate == llmq-sys ]] || run "$crate without features" cargo check "${jobs[@]}" --no-default-features "${packages[@]}"
  for example in examples/*.rs; do
    [[ -e $example ]] || continue
    name=$(basename "$example" .rs)
    run "example $name" timeout 60 cargo run "${jobs[@]}" --quiet --all-features "${packages[@]}" --example "$name"
    [[ -s $log ]] || { echo "example $name says nothing" >&2; exit 1; }
  done
done

# Loading: from the package, which carries a library; and from a build without, for which pkg-config knows one.
run_loading() { # run_loading COUNT WHICH...: those of the tests of loading that need what is here now
  local before=$passed
  run_tests "loading" cargo test "${jobs[@]}" --test load -- --exact --ignored "${@:2}"
  [[ $((passed - before)) == "$1" ]] || { cat "$log"; echo "these are not all: ${*:2}" >&2; exit 1; }
}
cd "$work/installed/llmq-sys"-[0-9]*
run_loading 2 the_library_that_the_package_carries_is_used the_variable_comes_first
bare=$work/bare
rm -rf "$bare"
mkdir "$bare"
tar -C "$work/installed/llmq-sys"-[0-9]* --exclude=./lib -cf - . | tar -C "$bare" -xmf -
cd "$bare"
PKG_CONFIG_PATH=$(echo "$prefix"/lib*/pkgconfig "$prefix"/lib/*/pkgconfig | tr ' ' ':')
LLMQ_TEST_LIBRARY=$installed
run_loading 2 where_nothing_is_carried_pkg_config_says_where_it_is \
  where_nothing_is_carried_one_beside_the_program_comes_first
echo "rust: $passed tests passed"
