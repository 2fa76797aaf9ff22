#!/usr/bin/env bash
# rehearse.sh BUILD SYSTEM WORK: a release without its uploads: every step of .github/workflows/release.yml, by the same
# scripts, from the build tree BUILD and the .deb and .rpm packages in SYSTEM. WORK/dist and WORK/release are what would be
# published. What only the workflow can do is said by name.
set -euo pipefail
[[ $# == 3 ]] || { echo "usage: rehearse.sh BUILD SYSTEM WORK" >&2; exit 1; }
tools=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd) system=$(cd "$2" && pwd)
mkdir -p "$3"
work=$(cd "$3" && pwd)
log=$work/step.log

# step NAME COMMAND...: quiet unless it fails.
step() {
  local name=$1 begun=$SECONDS
  shift
  "$@" >"$log" 2>&1 || { cat "$log" >&2; echo "rehearse.sh: $name failed" >&2; exit 1; }
  echo "release: $name ($((SECONDS - begun)) s)"
}
# elsewhere WHAT WHY
elsewhere() {
  echo "release: not here: $1: $2"
}
gather() {
  rm -rf "$work/prefix" "$work/dist" "$work/release"
  cmake --install "$build" --prefix "$work/prefix"
  LLMQ_BUNDLE=$(readlink -f "$build/bundle/libllmq.so") "$tools/languages.sh" "$work/prefix" "$work/dist"
  "$build/llmq" --version >"$work/dist/version.txt"
  mkdir -p "$work/dist/system" "$work/release"
  find "$system" -maxdepth 1 \( -name '*.deb' -o -name '*.rpm' \) -exec cp -t "$work/dist/system" {} +
}
finish() {
  find "$work"/dist/{system,wheel,npm,gem} -type f -exec cp -t "$work/release" {} +
  "$tools/finish.py" "$work/release" "$work/dist/version.txt"
  (cd "$work/release" && sha256sum --check --strict SHA256SUMS)
}
wheels() {
  [[ -x $work/venv/bin/twine ]] || { python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q twine; }
  "$work/venv/bin/twine" check --strict "$work"/dist/wheel/*.whl
}

step "versions agree" "$tools/version.py"
elsewhere "the tag and its section of CHANGELOG.md" "version.py --tag looks when there is a tag"
step "packages of Python, Node and Ruby, library of the crates" gather
step "sources, bill of materials, checksums" finish
elsewhere "signatures (attestations)" "GitHub signs, with the identity of the workflow"
elsewhere "the release's page" "needs a token of the repository"
step "documents" "$tools/documents.sh" "$build" "$work/site" https://llmq.invalid/blob/HEAD
elsewhere "documents as pages" "the workflow's action turns Markdown into HTML and deploys it"
step "PyPI: twine check" wheels
elsewhere "PyPI: upload" "the registry trusts the workflow alone"
step "npm: publish --dry-run" "$tools/publish.sh" npm "$work/dist" --dry-run
elsewhere "npm: upload with provenance" "the registry trusts the workflow alone"
step "RubyGems: the gem is read" "$tools/publish.sh" gem "$work/dist" --dry-run
elsewhere "RubyGems: upload" "the registry trusts the workflow alone, and gem push has no dry run"
# Before 1.90 cargo publishes no workspace: a crate that another one needs would have to be in the registry.
cargo=$(cargo --version | cut -d' ' -f2)
if [[ $(printf '%s\n' 1.90 "$cargo" | sort -V | head -1) == 1.90 ]]; then
  CARGO_TARGET_DIR=$work/target step "crates.io: publish --dry-run" "$tools/publish.sh" crates "$work/dist" --dry-run
else
  elsewhere "crates.io: publish --dry-run" "cargo $cargo is older than 1.90"
fi
elsewhere "crates.io: upload" "the registry trusts the workflow alone"
