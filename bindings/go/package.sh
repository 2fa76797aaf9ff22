#!/usr/bin/env bash
# package.sh PREFIX FOLDER: makes the Go module as users get it, in FOLDER: the sources, the headers, and the library
# that LLMQ_BUNDLE names, else that of PREFIX. A program takes it with: replace llmq => FOLDER
set -euo pipefail
(($# == 2)) || { echo "usage: package.sh PREFIX FOLDER" >&2; exit 1; }
prefix=$1
folder=$2
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$folder"
mkdir -p "$folder/include" "$folder/bundle"
cp "$here"/*.go "$here"/*.c "$here"/*.h "$here/go.mod" "$here/README.md" "$folder"
cp "$here/../../LICENSE" "$here/../../packaging/NOTICE" "$folder"
cp "$here/bundle/README.md" "$folder/bundle"
cp -r "$prefix/include/llmq" "$folder/include"
cp -L "${LLMQ_BUNDLE:-$prefix/lib/libllmq.so}" "$folder/bundle/libllmq.so"
