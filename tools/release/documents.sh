#!/usr/bin/env bash
# documents.sh BUILD SITE REPOSITORY: the documents as they are published, with the reference of the C interface in SITE/html.
# REPOSITORY is the address of this commit's files, for what is not below docs/. Every link that stays in the site leads somewhere.
set -euo pipefail
[[ $# == 3 ]] || { echo "usage: documents.sh BUILD SITE REPOSITORY" >&2; exit 1; }
root=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$2"
mkdir -p "$2"
site=$(cd "$2" && pwd)
cmake --build "$1" --target reference
"$root/tools/docs/site.py" "$root" "$site" "$3"
cp -r "$1/docs/reference/html" "$site/html"
"$root/tools/docs/links.py" "$site" "$root"
