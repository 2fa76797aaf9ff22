#!/usr/bin/env bash
# lint_bindings.sh WORK: the lint.sh of each binding. One that ends with 77, as this machine has not what it needs, is
# named at the end with its reason; it fails nothing.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: lint_bindings.sh WORK" >&2; exit 1; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
cd "$(dirname "$0")/../bindings"
skipped=()
for script in */lint.sh; do
  language=${script%/lint.sh} code=0
  "./$script" "$work/$language" 2>&1 | tee "$work/$language.log" || code=${PIPESTATUS[0]}
  case $code in
    0) ;;
    77) skipped+=("  $language: $(sed -n 's/^SKIP: //p' "$work/$language.log" | tail -1)") ;;
    *)
      echo "lint_bindings: $language failed" >&2
      exit "$code"
      ;;
  esac
done
((${#skipped[@]} == 0)) || printf '%s\n' "not linted:" "${skipped[@]}"
