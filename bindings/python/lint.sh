#!/usr/bin/env bash
# lint.sh WORK: formatting, lint with documentation, strict types. All that it writes is in WORK.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: lint.sh WORK" >&2; exit 1; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
oldest_mypy=1.20.2
export PIP_DISABLE_PIP_VERSION_CHECK=1 RUFF_NO_CACHE=true
[[ -x $work/venv/bin/python ]] || python3 -m venv "$work/venv"
[[ -x $work/oldest/bin/python ]] || python3 -m venv "$work/oldest"
if ! cmp -s "$here/lint-requirements.txt" "$work/requirements.txt"; then
  "$work/venv/bin/python" -m pip install -q -r "$here/lint-requirements.txt"
  # The last mypy that knows Python 3.9, the oldest version of the package.
  sed "s/^mypy==.*/mypy==$oldest_mypy/" "$here/lint-requirements.txt" >"$work/oldest.txt"
  "$work/oldest/bin/python" -m pip install -q -r "$work/oldest.txt"
  cp "$here/lint-requirements.txt" "$work/requirements.txt"
fi
cd "$here"
"$work/venv/bin/ruff" format --check .
"$work/venv/bin/ruff" check .
export MYPYPATH=src
checked=(src/llmq tests/compat/typed_use.py)
"$work/venv/bin/mypy" --cache-dir "$work/mypy" "${checked[@]}"
"$work/oldest/bin/mypy" --cache-dir "$work/mypy-oldest" --python-version 3.9 "${checked[@]}"
