#!/usr/bin/env bash
# test.sh PREFIX WORK: builds the wheel with the library in PREFIX, installs it, and tests what is installed.
# PYTHON names the interpreter; python3 by default. Other versions that are here run a short test of the same wheel.
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: test.sh PREFIX WORK" >&2; exit 1; }
prefix=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

interpreter=${PYTHON:-python3}
command -v "$interpreter" >/dev/null || { echo "SKIP: there is no $interpreter"; exit 77; }
"$interpreter" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || { echo "SKIP: $interpreter is older than 3.9"; exit 77; }
"$interpreter" -c 'import venv, ensurepip' 2>/dev/null || { echo "SKIP: $interpreter has no venv"; exit 77; }

export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
[[ -x $work/venv/bin/python ]] || "$interpreter" -m venv "$work/venv"
python=$work/venv/bin/python
# Tools for the tests, once per list of them.
if ! cmp -s "$here/tests/requirements.txt" "$work/requirements.txt"; then
  "$python" -m pip install -q -r "$here/tests/requirements.txt"
  cp "$here/tests/requirements.txt" "$work/requirements.txt"
fi

# The package is built from a copy, so that nothing is written beside the sources.
rm -rf "$work/source" "$work/wheel"
mkdir -p "$work/source/python"
cp -r "$here"/{src,pyproject.toml,setup.py,README.md} "$work/source/python"
cp "$here/../llmq.cdef" "$work/source"
LLMQ_BUNDLE=${LLMQ_BUNDLE:-$prefix/lib/libllmq.so} \
  "$python" -m pip wheel -q --no-deps --no-build-isolation -w "$work/wheel" "$work/source/python"
wheel=$(echo "$work"/wheel/llmq-*.whl)
"$python" -m pip install -q --force-reinstall --no-deps "$wheel"
echo "built $(basename "$wheel")"

export LLMQ_PROGRAM=$prefix/bin/llmq
unset LLMQ_LIBRARY PYTHONPATH
cd "$work"
"$python" -m pytest -q -p no:cacheprovider -c "$here/pyproject.toml" --rootdir "$here" "$here/tests"

# The examples, against a mock of a provider where one is called.
coproc MOCK { exec "$LLMQ_PROGRAM" mock 2>&1; }
mock=$MOCK_PID
trap 'kill "$mock" 2>/dev/null || true' EXIT
read -r line <&"${MOCK[0]}"
LLMQ_MOCK=$(grep -oE 'http://[^ /]+' <<<"$line")
export LLMQ_MOCK
count=0
for example in "$here"/examples/*.py; do
  OPENAI_API_KEY=none "$python" "$example" >"$work/example.out" 2>&1 || {
    echo "FAILED: $(basename "$example")"
    cat "$work/example.out"
    exit 1
  }
  [[ -s $work/example.out ]] || { echo "FAILED: $(basename "$example") says nothing"; exit 1; }
  count=$((count + 1))
done
echo "$count examples run"

# The same wheel in every other version that is here.
PATH=$PATH:$(echo "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin | tr ' ' ':')
main=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for version in 3.9 3.10 3.11 3.12 3.13; do
  [[ $version == "$main" ]] && continue
  other=$(type -ap "python$version" | grep -v /shims/ | head -n 1) || true
  [[ -n $other ]] || { echo "python $version: not here"; continue; }
  site=$work/site-$version
  [[ -d $site/cffi ]] || "$python" -m pip install -q --target "$site" --python-version "$version" --only-binary=:all: cffi
  "$python" -m pip install -q --target "$site" --upgrade --no-deps --python-version "$version" --only-binary=:all: "$wheel"
  PYTHONPATH=$site "$other" -W error "$here/tests/smoke.py"
done
