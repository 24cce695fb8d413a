"""A crate from a registry without cargo: from a real server, and as cargo itself takes it there."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from simbench.errors import InfrastructureError
from simbench.files import crates, fetch
from simbench.files.fetch import Pin, fetch_crate

NAME, VERSION = "Thing", "1.0.0"
MANIFEST = f'[package]\nname = "{NAME}"\nversion = "{VERSION}"\nedition = "2018"\n'


def _archive() -> bytes:
    """The same bytes in every process: gzip would write the time."""
    packed = io.BytesIO()
    files = {"Cargo.toml": MANIFEST, "src/lib.rs": "", "source.cc": "int;"}
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{NAME}-{VERSION}/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(packed.getvalue(), mtime=0)


ARCHIVE = _archive()
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the registry serves: its settings, its index and its crate, where cargo looks."""
    served = tmp_path / "served"
    entry: dict[str, Any] = {
        "name": NAME,
        "vers": VERSION,
        "deps": [],
        "cksum": SHA256,
        "features": {},
    }
    entry["yanked"] = False
    for path, data in {
        "th/in/thing": json.dumps(entry).encode(),
        f"crates/{NAME}/{VERSION}/download": ARCHIVE,
    }.items():
        (served / path).parent.mkdir(parents=True)
        (served / path).write_bytes(data)
    return served


@pytest.fixture
def registry(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    address = f"http://127.0.0.1:{server.server_address[1]}"
    (folder / "config.json").write_text(json.dumps({"dl": f"{address}/crates"}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield address
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cargo's home, without settings; nothing of the machine's own cargo or proxies."""
    for name in ("SIMBENCH_CRATES", "CARGO", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "cargo"))
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path / "build"))
    pin = Pin(NAME, "crate", VERSION, SHA256, "MIT", "a test")
    monkeypatch.setattr(fetch, "pins", lambda: {NAME: pin})
    (tmp_path / "cargo").mkdir()
    return tmp_path / "cargo"


@pytest.fixture
def _no_cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def _replace(home: Path, address: str) -> None:
    (home / "config.toml").write_text(
        '[source.crates-io]\nreplace-with = "first"\n[source.first]\nreplace-with = "second"\n'
        'registry = "sparse+http://127.0.0.1:1/"\n'
        f'[source.second]\nregistry = "{address}"\n'
    )


def test_the_registry_that_is_named_is_asked_before_cargo(
    registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARGO", "/bin/false")
    for address in (registry, f"sparse+{registry}/"):
        monkeypatch.setenv("SIMBENCH_CRATES", address)
        found = fetch_crate(NAME)
        assert (found / "source.cc").read_text() == "int;"
        shutil.rmtree(found)


@pytest.mark.usefixtures("_no_cargo")
def test_without_cargo_the_registry_of_its_settings_is_asked(registry: str, home: Path) -> None:
    _replace(home, f"sparse+{registry}/")
    assert (fetch_crate(NAME) / "source.cc").read_text() == "int;"


def test_cargo_takes_the_same_from_the_same_registry(registry: str, home: Path) -> None:
    if shutil.which("cargo") is None:
        pytest.skip("no cargo")
    _replace(home, f"sparse+{registry}/")
    assert (fetch_crate(NAME) / "source.cc").read_text() == "int;"


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("http://r/c", "http://r/c/Thing/1.0.0/download"),
        ("http://r/{crate}-{version}.crate", "http://r/Thing-1.0.0.crate"),
        ("http://r/{prefix}/{lowerprefix}", "http://r/Th/in/th/in"),
        ("http://r/{sha256-checksum}", f"http://r/{SHA256}"),
    ],
)
def test_a_registry_says_where_its_crates_are(
    template: str, address: str, folder: Path, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "config.json").write_text(json.dumps({"dl": template}))
    asked: list[str] = []
    read = crates._read

    def noted(address: str, what: str) -> bytes:
        asked.append(address)
        return read(address, what) if address.startswith(registry) else ARCHIVE

    monkeypatch.setattr(crates, "_read", noted)
    monkeypatch.setenv("SIMBENCH_CRATES", registry)
    fetch_crate(NAME)
    assert asked == [f"{registry}/config.json", address]


@pytest.mark.parametrize(
    ("name", "prefix"), [("a", "1"), ("ab", "2"), ("abc", "3/a"), ("abcd", "ab/cd")]
)
def test_short_names_have_prefixes_of_their_own(name: str, prefix: str) -> None:
    assert crates._prefixes(name)["prefix"] == prefix


@pytest.mark.parametrize("settings", ["{", "[]", "{}", None])
def test_what_is_no_registry(
    settings: str | None, folder: Path, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMBENCH_CRATES", registry)
    (folder / "config.json").unlink()
    if settings is not None:
        (folder / "config.json").write_text(settings)
    said = "is not what a registry of crates has there" if settings else "cannot fetch a registry"
    with pytest.raises(InfrastructureError, match=said):
        fetch_crate(NAME)


def test_a_crate_that_is_another_or_is_not_there(
    folder: Path, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMBENCH_CRATES", registry)
    crate = folder / f"crates/{NAME}/{VERSION}/download"
    crate.write_bytes(ARCHIVE + b"!")
    with pytest.raises(InfrastructureError, match="is not what is pinned"):
        fetch_crate(NAME)
    crate.unlink()
    with pytest.raises(InfrastructureError, match=r"cannot fetch Thing 1\.0\.0 from http.*404"):
        fetch_crate(NAME)


@pytest.mark.parametrize("address", ["no address", "http://127.0.0.1:1", "ftp://"])
def test_an_address_where_nothing_is(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMBENCH_CRATES", address)
    with pytest.raises(InfrastructureError, match="cannot fetch a registry's settings from"):
        fetch_crate(NAME)


@pytest.mark.usefixtures("_no_cargo")
@pytest.mark.parametrize(
    "settings",
    [
        "",
        '[source.crates-io]\nreplace-with = "gone"\n',
        '[source.crates-io]\nregistry = "https://example.com/a-repository"\n',
        '[source.crates-io]\nreplace-with = "loop"\n[source.loop]\nreplace-with = "crates-io"\n',
    ],
)
def test_settings_that_name_no_sparse_index(home: Path, settings: str) -> None:
    (home / "config.toml").write_text(settings)
    with pytest.raises(InfrastructureError, match="fetched with cargo, which is not here"):
        fetch_crate(NAME)


@pytest.mark.usefixtures("_no_cargo")
@pytest.mark.parametrize("settings", ["[", "source = 1", "source.crates-io = 1"])
def test_settings_that_are_none(home: Path, settings: str) -> None:
    (home / "config.toml").write_text(settings)
    with pytest.raises(InfrastructureError, match=r"cannot read .*config\.toml"):
        fetch_crate(NAME)
