#!/usr/bin/env bash
# What a compiler does not see: dependencies between folders, file sizes, private keys, stray whitespace.
set -uo pipefail
cd "$(dirname "$0")/.."
bad=0
complain() {
  echo "check_tree: $1" >&2
  bad=1
}

# core/ decides and does no I/O; provider/ is pure; cli/ uses the public API alone (and the mock).
grep -nE '#include [<"](uv\.h|curl/|spdlog/|runtime/|http/|provider/|config/|cjson/|unistd|sys/)' -r src/core &&
  complain "src/core includes what it must not know"
grep -nE '#include [<"](uv\.h|curl/|spdlog/|runtime/|http/)' -r src/provider src/config &&
  complain "src/provider and src/config do no I/O"
grep -nE '#include "(core|runtime|http|provider|config)/' -r src/cli src/mock &&
  complain "src/cli and src/mock stand outside the library"
grep -nE '#include [<"](uv\.h|curl/|spdlog/|cjson/)' -r include && complain "a public header shows a dependency"
git grep -nIE -e '-----BEGIN [A-Z ]*PRIVATE KEY-----' -- ':!tools/check_tree.sh' ':!.pre-commit-config.yaml' &&
  complain "a private key is in the tree"
git grep -nIE '[[:space:]]+$' -- '*.cc' '*.h' '*.hpp' '*.c' '*.txt' '*.cmake' '*.sh' && complain "trailing whitespace"
while read -r file; do
  lines=$(wc -l <"$file")
  ((lines <= 600)) || complain "$file has $lines lines; 600 are allowed"
done < <(git ls-files 'src/*.cc' 'src/*.h' 'capi/*.cc' 'capi/*.h')
exit "$bad"
