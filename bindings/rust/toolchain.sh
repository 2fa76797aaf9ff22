# What test.sh and lint.sh do before anything else, sourced by them: exit 77 where the language is not to be had.

skip() {
  echo "SKIP: $1"
  exit 77
}

# need_toolchain DIR: skips unless there is a cargo that is new enough for the crates in DIR, and for what their Cargo.lock
# names: no package there needs a newer one.
need_toolchain() {
  local least found
  command -v cargo >/dev/null || skip "there is no cargo"
  least=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$1/Cargo.toml")
  found=$(cargo --version | cut -d' ' -f2)
  [[ $(printf '%s\n' "$least" "${found%%-*}" | sort -V | head -1) == "$least" ]] || skip "cargo $found is older than $least"
}
