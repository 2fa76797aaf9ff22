#!/usr/bin/env bash
# lint.sh WORK: formatting, clippy, and documentation of every public name; warnings are errors.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: lint.sh WORK" >&2; exit 1; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
cd "$(dirname "$0")"
source ./toolchain.sh
need_toolchain .
for tool in fmt clippy; do
  cargo "$tool" --version >/dev/null 2>&1 || skip "there is no cargo $tool"
done
export CARGO_TARGET_DIR=$work/target
cargo fmt --check
cargo clippy -j2 --workspace --all-targets --all-features --locked --quiet -- -D warnings
cargo clippy -j2 --workspace --no-default-features --locked --quiet -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc -j2 --workspace --all-features --no-deps --locked --quiet
