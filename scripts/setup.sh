#!/usr/bin/env bash
# Installs what simbench needs and this machine lacks: Debian packages, a virtual environment with
# pinned and hash-checked packages, and the pinned firmware and model sources. Idempotent.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 3; }

# what must be found              -> the Debian package that has it
PACKAGES=(
  "command:qemu-system-arm           qemu-system-arm"
  "command:cc                        gcc"
  "command:c++                       g++"
)
# what only tests use, with --with-test-tools
TEST_PACKAGES=(
  "command:clang                     clang"
  "command:llvm-mca                  llvm"
  "command:callgrind_annotate        valgrind"
  "command:chromium                  chromium"
  "command:espeak-ng                 espeak-ng"
  "command:gh                        gh"
)
PYTHON=${PYTHON:-python3}
VENV=.venv
LOCK=requirements/dev.txt

is_found() {
  case $1 in
    command:*) command -v "${1#command:}" >/dev/null ;;
  esac
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

APT_IS_FRESH=
refresh_apt() {
  if [ -z "$APT_IS_FRESH" ]; then as_root apt-get update -qq; APT_IS_FRESH=1; fi
}

apt_install() {
  command -v apt-get >/dev/null ||
    die "there is no apt-get here: install by hand the equivalents of: $* (Debian's names), then run this again"
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
    die "neither root nor sudo: ask an administrator to run 'apt-get install $*', then run this again"
  refresh_apt
  say "installing $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

candidate() { apt-cache policy "$1" 2>/dev/null | awk '/Candidate:/ { print $2 }'; }

install_packages() {
  local missing=() row
  for row in "${PACKAGES[@]}"; do
    read -r what package <<<"$row"
    is_found "$what" || missing+=("$package")
  done
  # ensurepip is what Debian's python3-venv adds to python3
  "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}"; fi
}

# Ubuntu has chromium as a snap alone
install_test_packages() {
  local missing=() row
  for row in "${TEST_PACKAGES[@]}"; do
    read -r what package <<<"$row"
    if is_found "$what"; then continue; fi
    if command -v apt-get >/dev/null; then refresh_apt; fi
    case $package-$(candidate "$package") in
      chromium- | chromium-'(none)') say "apt has no chromium: tests in a browser will be skipped" ;;
      *) missing+=("$package") ;;
    esac
  done
  if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}"; fi
}

# the crate registry's sparse index needs cargo 1.68 or later; Debian 12 has that as cargo-web
is_cargo_new_enough() {
  local version
  version=$(cargo --version 2>/dev/null | cut -d' ' -f2) || return 1
  [ -n "$version" ] && [ "$(printf '1.68\n%s\n' "$version" | sort -V | head -n1)" = 1.68 ]
}

install_libraries_of() {
  local missing=() library
  for library in $(apt-cache depends "$1" | awk '$1 == "Depends:" && $2 ~ /^(lib|zlib)/ { print $2 }'); do
    dpkg -s "$library" >/dev/null 2>&1 || missing+=("$library")
  done
  if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}"; fi
}

NO_CARGO="is needed to fetch the firmware's sources: install Rust's cargo, or name the sparse index of a registry of crates in SIMBENCH_CRATES, then run this again"

# cargo alone, unpacked for as long as it is needed: installed, it brings rustc and LLVM, 100 MB that
# fetching does without
borrow_cargo() {
  if [ -n "${CARGO:-}${SIMBENCH_CRATES:-}" ] || is_cargo_new_enough; then return; fi
  if compgen -G "${SIMBENCH_BUILD_DIR:-build}/downloads/tfmicro-*" >/dev/null; then return; fi
  command -v apt-get >/dev/null ||
    die "cargo 1.68 or later $NO_CARGO"
  refresh_apt
  local package
  for package in cargo cargo-web; do
    case $(candidate $package) in
      '' | '(none)' | 0.[0-6]* ) continue ;;
    esac
    install_libraries_of $package
    BORROWED=$(mktemp -d)
    trap 'rm -rf "$BORROWED"' EXIT
    say "unpacking $package, not installing it"
    (cd "$BORROWED" && apt-get download -qq $package 2>/dev/null && dpkg-deb --extract "$package"_*.deb .) ||
      die "apt-get could not download $package: check the network, then run this again"
    export CARGO=$BORROWED/usr/bin/cargo
    return
  done
  die "apt has no cargo 1.68 or later, which $NO_CARGO"
}

install_python_packages() {
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "Python 3.11 or later is needed: set PYTHON=/path/to/python3.11 and run this again"
  local stamp=$VENV/.simbench-lock
  # the lock file decides what is installed; pyproject.toml what the editable install looks like
  local wanted; wanted=$(cat $LOCK pyproject.toml | sha256sum)
  if [ -x $VENV/bin/simbench ] && [ "$(cat $stamp 2>/dev/null)" = "$wanted" ]; then return; fi
  say "making $VENV with the pinned Python packages"
  [ -x $VENV/bin/python ] || "$PYTHON" -m venv $VENV
  $VENV/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $LOCK
  $VENV/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
  printf '%s\n' "$wanted" > $stamp
}

# speedscope's own schema, to check an export against (MIT licence); a test without it is skipped
SPEEDSCOPE=1.25.0
SPEEDSCOPE_SCHEMA_SHA256=03d098921294fca54ac1b67ea050138d867e44228c7cb140d958fbdfe345c911
fetch_speedscope_schema() {
  local target=${SIMBENCH_BUILD_DIR:-build}/test-tools/speedscope-$SPEEDSCOPE.schema.json scratch
  if [ -e "$target" ]; then return; fi
  command -v npm >/dev/null || { say "there is no npm: leaving out speedscope's schema"; return; }
  scratch=$(mktemp -d)
  if ! (cd "$scratch" && npm pack --silent "speedscope@$SPEEDSCOPE" >/dev/null 2>&1); then
    rm -r "$scratch"
    say "npm cannot fetch speedscope $SPEEDSCOPE: leaving out its schema"
    return
  fi
  tar -xzf "$scratch"/speedscope-*.tgz -C "$scratch" package/dist/release/file-format-schema.json
  sha256sum --quiet --check - <<<"$SPEEDSCOPE_SCHEMA_SHA256  $scratch/package/dist/release/file-format-schema.json" ||
    die "what npm fetched as speedscope $SPEEDSCOPE is not what is pinned: do not use that mirror"
  mkdir -p "$(dirname "$target")"
  mv "$scratch/package/dist/release/file-format-schema.json" "$target"
  rm -r "$scratch"
}

install_packages
if [ "${1:-}" = --with-test-tools ]; then install_test_packages; fi
borrow_cargo
install_python_packages
if [ "${1:-}" = --with-test-tools ]; then fetch_speedscope_schema; fi
$VENV/bin/simbench build --sources-only
say "done"
