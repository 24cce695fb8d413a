"""A backend of another distribution: what it does by mistake is one sentence."""

from __future__ import annotations

from typing import Any, Self

from simbench.backends.board import Backend, Board, Capabilities, LaunchSpec
from simbench.errors import UsageError
from simbench.files.plugins import distribution_of, guarded, guarded_methods, load_maker

GROUP = "simbench.backends"
"""The group of a plug-in's entry points, each called as its backend: it is given what follows the
colon in --backend NAME:WHERE, or None, and returns a :class:`Backend`."""

_BACKEND = ("version", "machine", "launch")
_BOARD = ("write", "read", "windows", "take_windows", "halt", "where", "abort", "close")


def plugged_backend(name: str, where: str | None) -> Backend | None:
    """The backend of the plug-in ``name``, or None where there is none.

    Raises UsageError where it is no backend.
    """
    make = load_maker(GROUP, name)
    if make is None:
        return None
    made: Any = make(where)
    lacking = [method for method in _BACKEND if not callable(getattr(made, method, None))]
    if not isinstance(getattr(made, "capabilities", None), Capabilities):
        lacking.append("capabilities")
    if lacking:
        raise UsageError(
            f"the plug-in {name} of {GROUP} makes no backend, but {type(made).__name__}: it lacks "
            f"{', '.join(lacking)}"
        )
    return _Plugged(name, made)


class _Plugged:
    """A plug-in's backend. Its version has that of its distribution: both decide what is kept."""

    def __init__(self, name: str, made: Any) -> None:
        self.name = name
        self.capabilities: Capabilities = made.capabilities
        self._made = made

    def version(self) -> str:
        """The emulator's version, and the distribution's."""
        return f"{self._call('version')} ({distribution_of(GROUP, self.name)})"

    def machine(self, core: str) -> str:
        """The stable machine for ``core``."""
        return str(self._call("machine", core))

    def launch(self, spec: LaunchSpec) -> Board:
        """Start a board."""
        board = self._call("launch", spec)
        methods = guarded_methods(GROUP, self.name, board, _BOARD)
        lacking = [method for method in _BOARD if method not in methods]
        if lacking:
            raise UsageError(
                f"the plug-in {self.name} of {GROUP} starts no board, but {type(board).__name__}: "
                f"it lacks {', '.join(lacking)}"
            )
        plugged: Board = type("Board", (_Closing,), dict(methods))()
        return plugged

    def _call(self, method: str, *given: object) -> Any:
        return guarded(GROUP, self.name, getattr(self._made, method))(*given)


class _Closing:
    """What makes a board one for a ``with``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the board."""
