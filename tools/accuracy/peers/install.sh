#!/usr/bin/env bash
# install.sh DIR: puts the peers, at their pinned versions, and the scripts that use them into DIR.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' || {
  echo "peers: node $(node --version) is too old: p-limit and p-queue need 20 or later" >&2
  exit 1
}
# A copy beside what was installed from it tells the next run that nothing is to be done.
if ! cmp -s "$source/package.json" installed.json; then
  cp "$source/package.json" .
  npm install --silent --no-audit --no-fund
  cp package.json installed.json
fi
if ! cmp -s "$source/requirements.txt" installed.txt; then
  python3 -m venv venv
  venv/bin/pip install --quiet --disable-pip-version-check -r "$source/requirements.txt"
  cp "$source/requirements.txt" installed.txt
fi
# Node looks for packages beside the script that imports them.
cp "$source"/*.mjs "$source"/*.py .
