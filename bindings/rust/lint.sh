#!/usr/bin/env bash
# lint.sh WORK: formatting, clippy, and documentation of every public name; warnings are errors.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: lint.sh WORK" >&2; exit 1; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
cd "$(dirname "$0")"
for tool in cargo cargo-fmt cargo-clippy; do
  command -v "$tool" >/dev/null || { echo "SKIP: there is no $tool"; exit 77; }
done
export CARGO_TARGET_DIR=$work/target
cargo fmt --check
cargo clippy -j2 --workspace --all-targets --all-features --locked --quiet -- -D warnings
cargo clippy -j2 --workspace --no-default-features --locked --quiet -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc -j2 --workspace --all-features --no-deps --locked --quiet
