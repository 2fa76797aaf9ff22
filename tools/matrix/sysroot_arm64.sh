#!/usr/bin/env bash
# sysroot_arm64.sh DIR: the libraries that llmq and its tests stand on, as Debian has them for arm64, unpacked into
# DIR/root. A sysroot of its own, so that the machine's list of installed packages stays as it is.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: sysroot_arm64.sh DIR" >&2; exit 1; }
readonly packages=(libc6-dev libstdc++-12-dev libuv1-dev libcjson-dev libspdlog-dev libfmt-dev libcurl4-openssl-dev
  libhowardhinnant-date-dev libmicrohttpd-dev libcli11-dev libgtest-dev libgmock-dev)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
if [[ -f $dir/packages ]] && [[ $(<"$dir/packages") == "${packages[*]}" ]]; then
  exit 0
fi

rm -rf "${dir:?}/apt" "$dir/root"
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" "$dir/root"
: >"$dir/apt/status"
apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
  awk '$4 == "Debian" { print "deb", $1, $2, $3 }' | sort -u >"$dir/apt/sources.list"
[[ -s $dir/apt/sources.list ]] || { echo "sysroot_arm64.sh: apt knows no Debian package source" >&2; exit 1; }
cat >"$dir/apt/apt.conf" <<CONF
Dir::State "$dir/apt";
Dir::State::status "$dir/apt/status";
Dir::Cache "$dir/apt/cache";
Dir::Etc::SourceList "$dir/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
APT::Architecture "arm64";
#clear APT::Architectures;
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
CONF
export APT_CONFIG=$dir/apt/apt.conf
apt-get -qq update
apt-get -qq -y --download-only install "${packages[@]}" >/dev/null
for archive in "$dir"/apt/cache/archives/*.deb; do
  dpkg-deb -x "$archive" "$dir/root"
done
# Links from the root lead out of the sysroot.
find "$dir/root" -type l -lname '/*' -printf '%p %l\n' | while read -r link target; do
  ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$dir/root$target")" "$link"
done
rm -rf "$dir/apt"
echo "${packages[*]}" >"$dir/packages"
