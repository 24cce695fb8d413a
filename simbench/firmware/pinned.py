"""The compiler that simbench's counts are of, fetched by hash from a mirror of Debian."""

from __future__ import annotations

import hashlib
import os
import platform as host
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from simbench.catalog.scenario import SYSTEM_TOOLCHAIN
from simbench.errors import InfrastructureError
from simbench.files import fetch, paths
from simbench.files.datafile import LOADER
from simbench.files.fetch import Progress, quiet

COMPILER = "arm-none-eabi-gcc"
MIRROR_VARIABLE = "SIMBENCH_DEBIAN_MIRROR"
"""Names a mirror of Debian, asked before those of apt's sources."""

_ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_APT_HELPER = Path("/usr/lib/apt/apt-helper")
# what Debian's packages leave to update-alternatives
_LINKS = {"include": "../../include/newlib", "lib": "newlib"}


@dataclass(frozen=True, slots=True)
class _Package:
    path: str
    sha256: str

    @property
    def file(self) -> str:
        return self.path.rpartition("/")[2]


def pinned_folder(progress: Progress = quiet) -> Path:
    """The folder whose ``bin`` has the pinned compiler, which is fetched where it is missing.

    Raises :class:`InfrastructureError` where it cannot be fetched.
    """
    what = f"the compiler, GCC {_short_version()}"
    return fetch.fetched(_pinned_folder(), what, _download, progress) / "usr"


def pinned_version() -> str:
    """The pinned compiler's own words for what it is."""
    return str(_pinned()["version"])


def is_pinned_here() -> bool:
    """Whether the pinned toolchain was fetched already."""
    return _pinned_folder().exists()


def check_pinned_fetchable() -> None:
    """Raise :class:`InfrastructureError` where the pinned toolchain is not for this machine, or
    what fetches it is not here."""
    _packages()
    for tool in (str(_APT_HELPER), "dpkg-deb", "apt-get"):
        if shutil.which(tool) is None:
            raise InfrastructureError(
                f"the pinned toolchain is fetched with Debian's {Path(tool).name}, which is not "
                f"here: install {COMPILER} with newlib, and use --toolchain {SYSTEM_TOOLCHAIN}"
            )


@cache
def _pinned() -> Mapping[str, object]:
    path = paths.data_dir("firmware_images") / "toolchain.yaml"
    with path.open(encoding="utf-8") as file:
        found: Mapping[str, object] = yaml.load(file, LOADER)
    return found


def _pinned_folder() -> Path:
    packages = "".join(package.sha256 for package in _packages())
    digest = hashlib.sha256(packages.encode()).hexdigest()
    return paths.build_dir() / "downloads" / f"gcc-{_short_version()}-{digest[:12]}"


def _short_version() -> str:
    return str(_pinned()["version"]).split()[-2]


def _packages() -> Sequence[_Package]:
    machine = host.machine()
    architecture = _ARCHITECTURES.get(machine)
    if architecture is None or host.system() != "Linux":
        raise InfrastructureError(
            f"the pinned toolchain is not for {host.system()} on {machine}: install "
            f"{COMPILER} with newlib, and use --toolchain {SYSTEM_TOOLCHAIN}"
        )
    listed = _pinned()["packages"]
    assert isinstance(listed, dict)
    found = []
    for path, hashes in listed.items():
        kind = "all" if "all" in hashes else architecture
        found.append(_Package(f"{path}_{kind}.deb", hashes[kind]))
    return found


def _download(scratch: Path) -> Path:
    """The folder ``root`` in ``scratch`` with the packages unpacked."""
    check_pinned_fetchable()
    mirrors = _mirrors()
    root = scratch / "root"
    for package in _packages():
        archive = scratch / package.file
        _fetch(package, mirrors, archive)
        _unpack(archive, root)
        archive.unlink()
    for name, target in _LINKS.items():
        (root / "usr/lib/arm-none-eabi" / name).symlink_to(target)
    return root


def _mirrors() -> Sequence[str]:
    """Addresses to look for packages at: the user's own, then those of apt's sources."""
    command = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]
    said = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False
    ).stdout
    own = os.environ.get(MIRROR_VARIABLE)
    return tuple(dict.fromkeys([*([own.rstrip("/")] if own else []), *said.split()]))


def _fetch(package: _Package, mirrors: Sequence[str], target: Path) -> None:
    said = "apt has no sources"
    for mirror in mirrors:
        address = f"{mirror}/{package.path.replace('+', '%2b')}"
        command = [str(_APT_HELPER), "download-file", address, str(target)]
        done = subprocess.run(
            [*command, f"SHA256:{package.sha256}"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode == 0 and _sha256(target) == package.sha256:
            return
        if "Hash Sum mismatch" in done.stderr:
            raise InfrastructureError(
                f"what was fetched as {package.file} is not what is pinned (its sha256 differs "
                f"from {package.sha256[:16]}...): do not use that mirror, and try again"
            )
        said = next((line for line in done.stderr.splitlines() if line.startswith("E:")), said)
    raise InfrastructureError(
        f"no mirror of apt's has {package.file} ({said}): check the network, name a mirror of "
        f"Debian in {MIRROR_VARIABLE}, or use --toolchain {SYSTEM_TOOLCHAIN}"
    )


def _unpack(archive: Path, root: Path) -> None:
    command = ["dpkg-deb", "--extract", str(archive), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        # the first complaint of many; tar says it last
        said = done.stderr.strip().partition("\n")[0].rpartition(": ")[2]
        raise InfrastructureError(
            f"cannot unpack {archive.name} in {root.parent.parent} ({said}): free some space "
            "there, or set SIMBENCH_BUILD_DIR to a folder that can be written"
        )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
