#!/usr/bin/env bash
# run.sh [TEXT]: breaks src/core in each way of mutations.txt (or those whose description holds TEXT)
# and proves that the simulator notices: the invariant named must be among those that it reports.
set -uo pipefail
cd "$(dirname "$0")/../../.."
only=${1:-}
root=$PWD
scratch=$root/build/mutations
mkdir -p "$scratch/src"

restore() {
  local file
  while read -r file; do
    if ! cmp -s "$root/src/$file" "$scratch/src/$file"; then
      mkdir -p "$scratch/src/$(dirname "$file")"
      cp "$root/src/$file" "$scratch/src/$file"
    fi
  done < <(cd "$root/src" && find core -type f)
}

build() {
  cmake -S tests/sim -B "$scratch/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS_RELEASE='-O1 -DNDEBUG' \
    -DLLMQ_SIM_CORE="$scratch/src" >/dev/null && ninja -C "$scratch/build" llmq_sim >"$scratch/build.log" 2>&1
}

detected=0
missed=0
# judge INVARIANT FILE MODE WHAT FROM TO
judge() {
  local invariant=$1 file=$2 mode=$3 what=$4 from=$5 to=$6 text seen
  [[ $what == *"$only"* ]] || return
  restore
  text=$(<"$scratch/src/core/$file")
  if [[ $text != *"$from"* ]]; then
    echo "MISSED   $invariant $what: src/core/$file does not have these lines any more"
    missed=$((missed + 1))
    return
  fi
  printf '%s\n' "${text/"$from"/"$to"}" >"$scratch/src/core/$file"
  if ! build; then
    echo "MISSED   $invariant $what: it does not compile"
    grep -m 3 error "$scratch/build.log"
    missed=$((missed + 1))
    return
  fi
  if [[ $mode == figures ]]; then
    timeout 300 "$scratch/build/llmq_sim" --figures >"$scratch/run.log" 2>&1
    seen=$(grep -oE '^FAILED +I[0-9]+' "$scratch/run.log" | grep -oE 'I[0-9]+' | sort -uV | tr '\n' ' ')
  else
    timeout 300 "$scratch/build/llmq_sim" --oracle --seeds 600 >"$scratch/run.log" 2>&1
    seen=$(grep -oE '^  I[0-9]+ at' "$scratch/run.log" | grep -oE 'I[0-9]+' | sort -uV | tr '\n' ' ')
  fi
  if [[ " $seen" == *" $invariant "* ]]; then
    echo "detected $invariant $what (reported: ${seen% })"
    detected=$((detected + 1))
  else
    echo "MISSED   $invariant $what (reported: ${seen:-nothing})"
    missed=$((missed + 1))
  fi
}

restore
build || { tail "$scratch/build.log"; exit 1; }
if ! "$scratch/build/llmq_sim" --oracle --seeds 600 >"$scratch/run.log" 2>&1; then
  tail -n 20 "$scratch/run.log"
  echo "the core as it is fails: mutations prove nothing before that is repaired" >&2
  [[ -n ${LLMQ_MUTATE_ANYHOW:-} ]] || exit 1
fi
header='' from='' to=''
flush() {
  [[ -n $header ]] || return
  local words what=${header#* # }
  read -r -a words <<<"${header%% # *}"
  judge "${words[0]}" "${words[1]}" "${words[2]:-seeds}" "$what" "${from%$'\n'}" "${to%$'\n'}"
  header='' from='' to=''
}
while IFS= read -r line; do
  case $line in
    '#'*) ;;
    '- '*) from+=${line:2}$'\n' ;;
    '+ '*) to+=${line:2}$'\n' ;;
    I*)
      flush
      header=$line
      ;;
  esac
done <tests/sim/mutations/mutations.txt
flush
restore
echo "$detected mutations detected, $missed missed"
((missed == 0))
