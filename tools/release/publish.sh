#!/usr/bin/env bash
# publish.sh npm|gem|crates DIST [--dry-run]: publishes the packages in DIST (languages.sh). With --dry-run everything is done
# but the upload. PyPI has an action of its own, release.yml.
set -euo pipefail
[[ $# == 2 || ($# == 3 && $3 == --dry-run) ]] || { echo "usage: publish.sh npm|gem|crates DIST [--dry-run]" >&2; exit 1; }
registry=$1 dry=${3:-}
dist=$(cd "$2" && pwd)
rust=$(cd "$(dirname "$0")/../../bindings/rust" && pwd)

case $registry in
  npm)
    for package in "$dist"/npm/*.tgz; do
      if [[ -n $dry ]]; then
        npm publish --dry-run --access public "$package"
      else
        npm publish --provenance --access public "$package" # provenance is GitHub's to give
      fi
    done
    ;;
  gem)
    for package in "$dist"/gem/*.gem; do
      if [[ -n $dry ]]; then
        gem specification "$package" # `gem push` has no dry run
      else
        gem push "$package"
      fi
    done
    ;;
  crates)
    # The library that the crate loads is not in the repository.
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    tar -C "$rust" --exclude=./target -cf - . | tar -C "$work" -xf -
    cp -r "$dist/crate" "$work/llmq-sys/lib"
    CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$work/target} \
      cargo publish --workspace --allow-dirty --manifest-path "$work/Cargo.toml" ${dry:+--dry-run}
    ;;
  *)
    echo "publish.sh: no registry $registry: npm, gem or crates" >&2
    exit 1
    ;;
esac
