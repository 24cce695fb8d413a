"""Images that somebody built: the package ``simbench_images``, where one is installed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import yaml

from simbench.files import paths
from simbench.files.datafile import LOADER
from simbench.firmware.image import Image

PACKAGE = "simbench_images"
INDEX = "images.yaml"
HEADERS = "include"
"""The folder of headers in the package, of flatbuffers and of TensorFlow's schema."""


def packaged_image(core: str, kernels: str, key: str) -> Path | None:
    """The installed image for ``core`` with ``kernels``, if it is what is wanted: built from what
    ``key`` is a hash of, and with the digest that simbench knows. None where there is none."""
    folder = _folder()
    entry = {} if folder is None else _index(folder).get(f"{core}-{kernels}", {})
    if folder is None or entry.get("key") != key or entry.get("loads") != _digest(core, kernels):
        return None
    path = folder / f"{core}-{kernels}.elf"
    if _sha256(path) != entry.get("sha256"):
        return None  # damaged: what is built is not
    return path


def as_built(image: Image) -> Image:
    """``image`` with the sha256 that a build has: an installed one lacks what is for debuggers."""
    folder = _folder()
    if folder is None or image.path.parent != folder:
        return image
    return replace(image, sha256=_index(folder)[image.path.stem]["built"])


def packaged_headers() -> Path | None:
    """The folder of the installed headers, or None."""
    folder = _folder()
    headers = None if folder is None else folder / HEADERS
    return headers if headers is not None and headers.is_dir() else None


def _folder() -> Path | None:
    spec = find_spec(PACKAGE)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


@cache
def _index(folder: Path) -> Mapping[str, Mapping[str, str]]:
    try:
        found = yaml.load((folder / INDEX).read_text("utf-8"), LOADER)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


@cache
def _digests() -> Mapping[str, Mapping[str, str]]:
    path = paths.data_dir("firmware_images") / "digests.yaml"
    with path.open(encoding="utf-8") as file:
        found: Mapping[str, Mapping[str, str]] = yaml.load(file, LOADER)
    return found


def _digest(core: str, kernels: str) -> str | None:
    return _digests().get(core, {}).get(kernels)


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
