"""Where things are: data shipped with the package, and what is built or fetched on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from simbench.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent.parent
_CHECKOUT = _PACKAGE.parent


def is_checkout() -> bool:
    """Whether simbench runs from a checkout of its repository, not from an installed wheel."""
    return (_CHECKOUT / "firmware_images").is_dir() and (_CHECKOUT / "pyproject.toml").is_file()


def data_dir(name: str) -> Path:
    """The folder ``platforms``, ``benchmarks`` or ``firmware_images``, in a checkout or a wheel."""
    return _CHECKOUT / name if is_checkout() else _PACKAGE / "data" / name


def cores_dir() -> Path:
    """The folder of the built-in cores: each one's data beside the code of its pipeline."""
    return _PACKAGE / "cost" / "cores"


def user_dirs(name: str) -> tuple[Path, ...]:
    """The folders ``platforms``, ``benchmarks`` or ``cores`` in the user's own.

    ``SIMBENCH_PATH`` names these, separated as in ``PATH``; each may lack some of the three. Raises
    UsageError where one is no folder.
    """
    listed = os.environ.get("SIMBENCH_PATH", "").split(os.pathsep)
    folders = [Path(entry) for entry in listed if entry]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"SIMBENCH_PATH names {folder}, which is no folder")
    return tuple(folder / name for folder in folders if (folder / name).is_dir())


def build_dir() -> Path:
    """Where fetched sources and built firmware live.

    ``SIMBENCH_BUILD_DIR``, else ``build/`` of a checkout, else the user's cache directory.
    """
    override = os.environ.get("SIMBENCH_BUILD_DIR")
    if override:
        return Path(override)
    if is_checkout():
        return _CHECKOUT / "build"
    return _user_cache()


def store_dir() -> Path:
    """Where results that may be made again are kept: ``SIMBENCH_CACHE``, else the user's cache."""
    override = os.environ.get("SIMBENCH_CACHE")
    return Path(override) if override else _user_cache() / "store"


def _user_cache() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "simbench"
