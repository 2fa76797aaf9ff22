#!/usr/bin/env bash
# lint.sh WORK: formatting, lint with documentation, strict types. All that it writes is in WORK.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: lint.sh WORK" >&2; exit 1; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
export PIP_DISABLE_PIP_VERSION_CHECK=1 RUFF_NO_CACHE=true
[[ -x $work/venv/bin/python ]] || python3 -m venv "$work/venv"
if ! cmp -s "$here/lint-requirements.txt" "$work/requirements.txt"; then
  "$work/venv/bin/python" -m pip install -q -r "$here/lint-requirements.txt"
  cp "$here/lint-requirements.txt" "$work/requirements.txt"
fi
cd "$here"
"$work/venv/bin/ruff" format --check .
"$work/venv/bin/ruff" check .
MYPYPATH=src "$work/venv/bin/mypy" --cache-dir "$work/mypy" src/llmq tests/compat/typed_use.py
