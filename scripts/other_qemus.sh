#!/usr/bin/env bash
# Unpacks other QEMUs beside the installed one, for the tests that compare them, without installing
# anything: that of Debian's backports into build/second-qemu, and that of Debian's next release,
# with the libraries that it needs, into build/newest-qemu. Leaves out what there is not.
set -euo pipefail
cd "$(dirname "$0")/.."

BUILD=$PWD/build
say() { printf 'other-qemus: %s\n' "$*" >&2; }
without() { say "$*: tests of that QEMU will be skipped"; }

command -v apt-get >/dev/null && command -v dpkg >/dev/null || { without "no apt-get here"; exit 0; }
# shellcheck disable=SC1091
. /etc/os-release
[ "${ID:-}" = debian ] && [ -n "${VERSION_CODENAME:-}" ] || { without "not a Debian release"; exit 0; }

# the suite's line is the machine's own, with the suite's name changed
source_of() {
  local uri key
  if [ -f /etc/apt/sources.list.d/debian.sources ]; then
    uri=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources)
    key=$(awk '/^Signed-By:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources)
  else
    uri=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z]+:/) { print $i; exit } }' /etc/apt/sources.list)
    key=
  fi
  [ -n "$uri" ] || return 1
  printf 'deb %s%s %s main\n' "${key:+[signed-by=$key] }" "$uri" "$1"
}

scratch=
trap 'rm -rf "$scratch"' EXIT
# a mirror that lags behind is good enough for tests
apt() {
  apt-get -qq -o Dir::Etc::SourceList="$scratch/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$scratch/lists" -o Dir::Cache="$scratch/cache" \
    -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false "$@"
}

# QEMU of a suite, for the libraries that are installed
fetch_alone() { (cd "$scratch/cache/archives" && apt download qemu-system-arm qemu-system-common qemu-system-data); }

# QEMU of a suite and all that it needs, as on a machine where nothing is installed
fetch_whole() {
  : > "$scratch/status"
  apt -o Dir::State::status="$scratch/status" install --yes --download-only --no-install-recommends \
    qemu-system-arm >&2
}

run_alone() { printf '"%s/usr/bin/qemu-system-arm"' "$1"; }

run_whole() {
  local loader
  loader=$(cd "$1" && find lib* usr/lib* -name 'ld-linux-*.so.*' 2>/dev/null | head -n1)
  printf '"%s/%s" --library-path "%s" "%s/usr/bin/qemu-system-arm"' "$1" "$loader" \
    "$(cd "$1" && find "$PWD"/lib "$PWD"/usr/lib -name '*.so.*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd:)" "$1"
}

unpack() {  # NAME SUITE alone|whole
  local target=$BUILD/$1 suite=$2 how=$3 said
  [ -x "$target/qemu-system-arm" ] && return
  rm -rf "$scratch"
  scratch=$(mktemp -d)
  chmod 755 "$scratch"
  mkdir -p "$scratch"/{lists/partial,cache/archives/partial,unpacked}
  source_of "$suite" > "$scratch/sources.list" || { without "no Debian source in apt's configuration"; return; }
  apt update || { without "$suite cannot be read"; return; }
  "fetch_$how" || { without "$suite has no QEMU"; return; }
  for package in "$scratch"/cache/archives/*.deb; do dpkg -x "$package" "$scratch/unpacked"; done
  rm -rf "$target"
  mkdir -p "$BUILD"
  mv "$scratch/unpacked" "$target"
  printf '#!/bin/sh\nexec %s -L "%s" "$@"\n' "$("run_$how" "$target")" "$target/usr/share/qemu" > "$target/qemu-system-arm"
  chmod +x "$target/qemu-system-arm"
  if ! "$target/qemu-system-arm" --version >/dev/null 2>"$scratch/said"; then
    said=$(head -n1 "$scratch/said")
    rm -rf "$target"
    without "QEMU of $suite does not start ($said)"
    return
  fi
  say "$("$target/qemu-system-arm" --version | head -n1)"
}

unpack second-qemu "$VERSION_CODENAME-backports" alone
unpack newest-qemu sid whole
