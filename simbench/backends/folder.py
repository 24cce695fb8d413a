"""The folder that a board's files are in while it runs, and what dead processes left of theirs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from functools import cache
from pathlib import Path

from simbench.errors import InfrastructureError

_PREFIX = "simbench-"
_LOCK = "alive"  # locked for as long as the folder's process lives, however that ends
_SETTLED_S = 60.0


def temporary_folder(stack: contextlib.ExitStack) -> Path:
    """A folder that goes when ``stack`` is closed. Raises InfrastructureError where none can be.

    Folders of processes that were killed are removed, once in a process.
    """
    try:
        sweep(Path(tempfile.gettempdir()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX)))
        stack.callback(os.close, _locked(folder / _LOCK, os.O_CREAT))
    except OSError as error:
        raise unwritable(str(error.strerror)) from error
    return folder


@cache
def sweep(place: Path) -> None:
    """Remove what boards of processes that were killed left in ``place``."""
    for folder in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    """Whether it is a board's folder of this user whose process is gone."""
    there = folder.lstat()
    is_ours = stat.S_ISDIR(there.st_mode) and there.st_uid == os.getuid()
    if not is_ours or time.time() - there.st_mtime < _SETTLED_S:
        return False
    os.close(_locked(folder / _LOCK))  # BlockingIOError is an OSError: somebody has it
    return True


def _locked(path: Path, flags: int = 0) -> int:
    """A descriptor of ``path`` that holds its lock. Raises OSError where another does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def unwritable(why: str) -> InfrastructureError:
    """The error of a file of a board that cannot be written."""
    return InfrastructureError(
        f"cannot write the emulator's files to the temporary folder ({why}); free some "
        "space there, or set TMPDIR to a folder that can be written"
    )
