#!/usr/bin/env bash
# documents.sh BUILD SITE: the documents as they are published, with the reference of the C interface in SITE/html.
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: documents.sh BUILD SITE" >&2; exit 1; }
docs=$(cd "$(dirname "$0")/../../docs" && pwd)
rm -rf "$2"
mkdir -p "$2"
site=$(cd "$2" && pwd)
cmake --build "$1" --target reference
(cd "$docs" && find . \( -name '*.md' -o -path './img/*' \) -type f -exec cp --parents -t "$site" {} +)
cp -r "$1/docs/reference/html" "$site/html"
