#!/usr/bin/env bash
# Unpacks a second, newer QEMU beside the installed one, for the tests that compare the two: Debian's
# backports, into build/second-qemu, without installing anything. Does nothing where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

TARGET=$PWD/build/second-qemu
say() { printf 'second-qemu: %s\n' "$*" >&2; }
skip() { say "$*: tests of a second QEMU will be skipped"; exit 0; }

[ -x "$TARGET/qemu-system-arm" ] && exit 0
command -v apt-get >/dev/null && command -v dpkg >/dev/null || skip "no apt-get here"
# shellcheck disable=SC1091
. /etc/os-release
[ "${ID:-}" = debian ] && [ -n "${VERSION_CODENAME:-}" ] || skip "not a Debian release"

# the suite's line is the machine's own, with the suite's name changed
backports_source() {
  local suite=$VERSION_CODENAME-backports uri key
  if [ -f /etc/apt/sources.list.d/debian.sources ]; then
    uri=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources)
    key=$(awk '/^Signed-By:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources)
  else
    uri=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z]+:/) { print $i; exit } }' /etc/apt/sources.list)
    key=
  fi
  [ -n "$uri" ] || return 1
  printf 'deb %s%s %s main\n' "${key:+[signed-by=$key] }" "$uri" "$suite"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
mkdir -p "$scratch"/{lists/partial,cache/archives/partial,unpacked}
backports_source > "$scratch/sources.list" || skip "no Debian source in apt's configuration"
apt() {
  apt-get -qq -o Dir::Etc::SourceList="$scratch/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$scratch/lists" -o Dir::Cache="$scratch/cache" \
    -o APT::Sandbox::User=root "$@"
}
apt update || skip "the backports suite cannot be read"
(cd "$scratch" && apt download qemu-system-arm qemu-system-common qemu-system-data) ||
  skip "the backports suite has no QEMU"
for package in "$scratch"/*.deb; do dpkg -x "$package" "$scratch/unpacked"; done

rm -rf "$TARGET"
mkdir -p "$TARGET"
mv "$scratch/unpacked/usr" "$TARGET/usr"
cat > "$TARGET/qemu-system-arm" <<EOF
#!/bin/sh
exec "$TARGET/usr/bin/qemu-system-arm" -L "$TARGET/usr/share/qemu" "\$@"
EOF
chmod +x "$TARGET/qemu-system-arm"
if ! "$TARGET/qemu-system-arm" --version >/dev/null 2>"$scratch/said"; then
  said=$(head -n1 "$scratch/said")
  rm -rf "$TARGET"
  skip "QEMU of the backports does not start ($said)"
fi
say "$("$TARGET/qemu-system-arm" --version | head -n1)"
