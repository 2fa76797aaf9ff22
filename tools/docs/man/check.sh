#!/bin/sh
# check.sh LLMQ_MANUAL LLMQ LIBLLMQ_3 SYMBOLS: the pages name every option and function, and are well-formed where this
# machine can tell.
set -eu
manual=$1 llmq=$2 library_page=$3 symbols=$4
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
"$manual" "$pages"
bad=0
complain() {
  echo "check.sh: $1"
  bad=1
}
commands=$("$llmq" --help | sed -n '/^Subcommands:/,$s/^  \([a-z][a-z]*\) .*/\1/p')
[ "$(echo "$commands" | wc -w)" -ge 5 ] || complain "llmq --help lists too few subcommands: $commands"
for command in $commands; do
  grep -q "llmq\\\\-$command" "$pages/llmq.1" || complain "llmq.1 does not name $command"
  for option in $("$llmq" "$command" --help | grep -oE '^ +(-[a-z],)?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
    grep -qF -- "$(echo "$option" | sed 's/-/\\-/g')" "$pages/llmq-$command.1" || complain "llmq-$command.1 lacks $option"
    grep -q "^ *$command) .*$option" "$pages/llmq.bash" || complain "the bash completion of $command lacks $option"
    grep -qF "'*$option[" "$pages/_llmq" || complain "the zsh completion lacks $option"
  done
done
grep -q "^openai  OPENAI_API_KEY$" "$pages/llmq.1" || complain "llmq.1 does not name the providers"
for symbol in $(grep -o '^llmq_[a-z0-9_]*' "$symbols"); do
  grep -q "^\.B $symbol$" "$library_page" || complain "libllmq.3 lacks $symbol"
done
bash -n "$pages/llmq.bash"
words=$(bash -c ". '$pages/llmq.bash'; COMP_WORDS=(llmq run --dry); COMP_CWORD=2; _llmq; echo \"\${COMPREPLY[*]}\"")
[ "$words" = "--dry-run" ] || complain "bash completes 'llmq run --dry' to '$words'"
missing=
if command -v zsh >/dev/null; then zsh -n "$pages/_llmq"; else missing="$missing zsh"; fi
if command -v mandoc >/dev/null; then
  for page in "$pages"/*.1 "$library_page"; do
    mandoc -T lint -W error "$page" || complain "$page is not well-formed"
  done
else
  missing="$missing mandoc"
fi
[ $bad = 0 ] && [ -n "$missing" ] && { echo "SKIP: to read them all, these are not there:$missing"; exit 77; }
exit $bad
