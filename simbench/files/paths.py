"""Where things are: data shipped with the package, and what is built or fetched on this machine."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_CHECKOUT = _PACKAGE.parent


def is_checkout() -> bool:
    """Whether simbench runs from a checkout of its repository, not from an installed wheel."""
    return (_CHECKOUT / "firmware_images").is_dir() and (_CHECKOUT / "pyproject.toml").is_file()


def data_dir(name: str) -> Path:
    """The folder ``platforms``, ``benchmarks`` or ``firmware_images``, in a checkout or a wheel."""
    return _CHECKOUT / name if is_checkout() else _PACKAGE / "data" / name


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
