"""How the command ends where it is told to, or where something went wrong: a sentence, a code."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from simbench.errors import EXIT_INFRASTRUCTURE, EXIT_INTERRUPTED, EXIT_USAGE

TRACEBACK = "SIMBENCH_TRACEBACK"
"""Set in the environment, it has what nobody foresaw end as Python does."""

QUIET = "SIMBENCH_QUIET"
"""Set in the environment, nothing but results and errors is told."""

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_FULL = (errno.ENOSPC, errno.EDQUOT)
_OF_THE_USER = (
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP),
)
_PACKAGE = Path(__file__).parents[1]


class Ended(KeyboardInterrupt):
    """The process was told to end by the signal ``number``: all is tidied as after Ctrl-C."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


@contextlib.contextmanager
def told_by_signals() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise :class:`Ended`; where one is ignored, it still is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise Ended(number)


def interruption(error: BaseException) -> tuple[str, int]:
    """The sentence and the code of an interrupted run; ``error`` is what was raised for it."""
    cause = error if isinstance(error, Ended) else error.__cause__
    if isinstance(cause, Ended):
        return f"ended by {cause}", 128 + cause.number
    return "interrupted", EXIT_INTERRUPTED


def file_trouble(error: OSError) -> tuple[str, int]:
    """The sentence and the code of what a file system refused."""
    name = "the output" if error.filename is None else str(error.filename)
    if error.errno in _FULL:
        return f"the disk is full: free some space and run again ({name})", EXIT_INFRASTRUCTURE
    why = error.strerror or str(error)
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"{why}: close some, or raise the limit with ulimit -n ({name})", EXIT_INFRASTRUCTURE
    code = EXIT_USAGE if error.errno in _OF_THE_USER else EXIT_INFRASTRUCTURE
    return f"cannot use {name} ({why}): mend it, or name another file or folder", code


def unforeseen(error: Exception) -> tuple[str, int]:
    """The sentence and the code of a mistake of simbench's own.

    Raises ``error`` itself where :data:`TRACEBACK` asks for that.
    """
    if os.environ.get(TRACEBACK):
        raise error
    if isinstance(error, MemoryError):
        return "there is too little memory: end something else, or run less at once", 3
    said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return (
        f"this is a mistake of simbench's own ({said}, {_where(error)}): please report it with the "
        f"command that you gave, and what it prints with {TRACEBACK}=1 before it"
    ), EXIT_INFRASTRUCTURE


def _where(error: Exception) -> str:
    """The last line of simbench's own that ``error`` came through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    last = (own or frames)[-1]
    return f"{Path(last.filename).name} line {last.lineno}"
