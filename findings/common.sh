# shellcheck shell=sh
# What every finding does: packages in a temporary folder, and the verdict.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
export PYTHONPATH="$HERE" PYTHONDONTWRITEBYTECODE=1

# environment NAME PACKAGE==VERSION...: $WORK/NAME/bin/python has these and what they need
environment() {
  name=$1
  shift
  echo "$name: $*"
  "${PYTHON:-python3}" -m venv "$WORK/$name"
  "$WORK/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

# debian PACKAGE=VERSION...: $WORK/usr has these of Debian, without what they need
debian() {
  echo "debian: $*"
  for package in "$@"; do
    (cd "$WORK" && apt-get -qq -o APT::Sandbox::User=root download "$package")
    dpkg-deb -x "$WORK/${package%%=*}"_*.deb "$WORK"
  done
}

# verdict EXPECTED SEEN NOW: exit 1 where what is said NOW is not what was SEEN
verdict() {
  printf 'expected:\n%s\nseen:\n%s\n' "$1" "$3"
  if [ "$3" != "$2" ]; then
    printf 'The finding has changed. It was:\n%s\n' "$2"
    exit 1
  fi
  echo "The finding holds."
}
