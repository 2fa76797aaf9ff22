#!/usr/bin/env bash
# install.sh DIR: puts the servers, at their pinned versions, into DIR.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
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
