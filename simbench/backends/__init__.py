"""Backends run a firmware image and count what its core executes; they are found by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path

from simbench.backends.board import (
    Alias,
    Backend,
    Blob,
    Board,
    Capabilities,
    ChipMap,
    LaunchSpec,
)
from simbench.errors import UsageError

__all__ = [
    "BACKEND_TITLES",
    "Alias",
    "Backend",
    "Blob",
    "Board",
    "Capabilities",
    "ChipMap",
    "LaunchSpec",
    "backend",
    "backend_names",
    "pricing_backend",
]


def _qemu(program: str | None) -> Backend:
    from simbench.backends.qemu.backend import QemuBackend

    return QemuBackend(program)


def _renode(program: str | None) -> Backend:
    from simbench.backends.renode.backend import RenodeBackend

    return RenodeBackend(program)


def _renode_blocks(program: str | None) -> Backend:
    from simbench.backends.renode.backend import BlocksRenodeBackend

    return BlocksRenodeBackend(program)


def _renode_trace(program: str | None) -> Backend:
    from simbench.backends.renode.backend import TracedRenodeBackend

    return TracedRenodeBackend(program)


def _recording(file: str | None) -> Backend:
    from simbench.backends.recording import RecordedBackend, load

    if file is None:
        raise UsageError("a recording is a file: name it as recording:FILE")
    return RecordedBackend(load(Path(file)))


_BACKENDS: dict[str, Callable[[str | None], Backend]] = {
    "qemu": _qemu,
    "renode": _renode,
    "renode-blocks": _renode_blocks,
    "renode-trace": _renode_trace,
    "recording": _recording,
}


BACKEND_TITLES: Mapping[str, str] = {
    "qemu": "QEMU with simbench's counting plugin",
    "renode": "Renode, by its Monitor, counting as it runs",
    "renode-blocks": "Renode, counting instructions and branches alone: the fastest check",
    "renode-trace": "Renode, counted by the trace it writes: slower, a check on the other",
    "recording": "a session kept by 'simbench crosscheck --record': recording:FILE",
}
"""What the backends are, by name."""


def backend_names() -> tuple[str, ...]:
    """The names :func:`backend` knows."""
    return tuple(_BACKENDS)


def backend(name: str) -> Backend:
    """The backend called ``name``: "qemu", "renode", or "recording:FILE". A program may follow the
    emulator's name too, as in "qemu:/opt/qemu/bin/qemu-system-arm".

    Other names are those of plug-ins. Raises UsageError, with the nearest names, if there is none.
    """
    kind, _, where = name.partition(":")
    if kind not in _BACKENDS:
        from simbench.backends.plugged import plugged_backend  # seldom needed

        plugged = plugged_backend(kind, where or None)
        if plugged is not None:
            return plugged
        near = difflib.get_close_matches(kind, _BACKENDS) or list(_BACKENDS)
        raise UsageError(f"no backend is called {kind!r}; choose {' or '.join(near)}")
    return _BACKENDS[kind](where or None)


def pricing_backend(name: str) -> Backend:
    """As :func:`backend`. Raises UsageError, too, where what it counts has no price."""
    found = backend(name)
    unpriced = found.capabilities.unpriced
    if unpriced is not None:
        raise UsageError(f"--backend {name} gives no counts that have a price: {unpriced}")
    return found
