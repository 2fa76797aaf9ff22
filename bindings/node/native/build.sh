#!/usr/bin/env bash
# build.sh INCLUDE OUT: the addon, from the headers of llmq in INCLUDE and of Node-API from npm.
set -euo pipefail
include=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
node_api=$(node -p 'require("node-api-headers").include_dir')
mkdir -p "$(dirname "$out")"
# No library of llmq or Node is linked: one is loaded at run time, the other is the process itself.
"${CC:-cc}" -shared -fPIC -O2 -g -std=c11 -fvisibility=hidden -pthread \
  -Wall -Wextra -Wconversion -Wshadow -Werror -DNAPI_VERSION=8 \
  -I "$node_api" -I "$include" -o "$out" "$here"/*.c -ldl
