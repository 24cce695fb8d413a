"""Backends run a firmware image and count what its core executes; they are found by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from simbench.backends.board import Backend, Blob, Board, Capabilities, LaunchSpec
from simbench.errors import UsageError

__all__ = [
    "Backend",
    "Blob",
    "Board",
    "Capabilities",
    "LaunchSpec",
    "backend",
    "backend_names",
]


def _qemu() -> Backend:
    from simbench.backends.qemu.backend import QemuBackend

    return QemuBackend()


_BACKENDS: dict[str, Callable[[], Backend]] = {"qemu": _qemu}


def backend_names() -> tuple[str, ...]:
    """The names :func:`backend` knows."""
    return tuple(_BACKENDS)


def backend(name: str) -> Backend:
    """The backend called ``name``. Raises UsageError, with the nearest names, if there is none."""
    if name not in _BACKENDS:
        near = difflib.get_close_matches(name, _BACKENDS) or list(_BACKENDS)
        raise UsageError(f"no backend is called {name!r}; choose {' or '.join(near)}")
    return _BACKENDS[name]()
