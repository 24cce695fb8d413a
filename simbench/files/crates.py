"""A crate from a registry that the user named, without cargo."""

from __future__ import annotations

import json
import os
import tomllib
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

from simbench.errors import InfrastructureError

INDEX_VARIABLE = "SIMBENCH_CRATES"
"""Names the sparse index of a registry of crates, which is asked before cargo is."""

SETTINGS = ("config", "config.toml")
"""Cargo's settings in its home; where both are there, cargo reads the first."""

_TIMEOUT_S = 60.0
_SPARSE = "sparse+"


def cargo_home() -> Path:
    """The user's own folder of cargo."""
    return Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")


def asked_index() -> str | None:
    """The sparse index that the environment names, or None."""
    return os.environ.get(INDEX_VARIABLE, "").removeprefix(_SPARSE) or None


def configured_index() -> str | None:
    """The sparse index that cargo's settings put in place of its own registry, or None.

    Raises :class:`InfrastructureError` for settings that cannot be read.
    """
    settings = next(filter(Path.is_file, map(cargo_home().joinpath, SETTINGS)), None)
    if settings is None:
        return None
    try:
        return _replacement(tomllib.loads(settings.read_text("utf-8")).get("source", {}))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InfrastructureError(f"cannot read {settings} ({error}): mend it") from error


def _replacement(sources: Mapping[str, Mapping[str, str]]) -> str | None:
    name = "crates-io"
    for _ in sources:  # a replacement may be replaced
        name = sources.get(name, {}).get("replace-with", name)
    address = sources.get(name, {}).get("registry", "")
    return address.removeprefix(_SPARSE) if address.startswith(_SPARSE) else None


def download_crate(index: str, name: str, version: str, sha256: str, folder: Path) -> Path:
    """The archive of a crate, in ``folder``, from the registry whose sparse index is ``index``.

    Raises :class:`InfrastructureError` where it cannot be had; its hash is the caller's to check.
    """
    marks = {"crate": name, "version": version, "sha256-checksum": sha256, **_prefixes(name)}
    target = folder / f"{name}-{version}.crate"
    target.write_bytes(_read(_address(_template(index), marks), f"{name} {version}"))
    return target


def _template(index: str) -> str:
    """What a registry says of where its crates are."""
    address = f"{index.rstrip('/')}/config.json"
    try:
        found = json.loads(_read(address, "a registry's settings"))
        return str(found["dl"])
    except (ValueError, TypeError, LookupError) as error:
        raise InfrastructureError(
            f"{address} is not what a registry of crates has there: name the address of a sparse "
            f"index in {INDEX_VARIABLE}, or install cargo"
        ) from error


def _address(template: str, marks: Mapping[str, str]) -> str:
    if not any(f"{{{mark}}}" in template for mark in marks):
        template += "/{crate}/{version}/download"
    for mark, text in marks.items():
        template = template.replace(f"{{{mark}}}", text)
    return template


def _prefixes(name: str) -> Mapping[str, str]:
    """The folder of a crate in an index, as cargo has it."""
    prefix = {1: "1", 2: "2", 3: f"3/{name[0]}"}.get(len(name), f"{name[:2]}/{name[2:4]}")
    return {"prefix": prefix, "lowerprefix": prefix.lower()}


def _read(address: str, what: str) -> bytes:
    try:
        # some registries refuse what does not say what it is
        request = urllib.request.Request(address, headers={"User-Agent": "simbench"})
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            data: bytes = answer.read()
            return data
    except (OSError, ValueError, HTTPException) as error:
        raise InfrastructureError(
            f"cannot fetch {what} from {address} ({error}): check the network and the address, or "
            "install cargo"
        ) from error
