"""Files that a verb writes: there before the run, whole at every moment."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from simbench.errors import UsageError

STDOUT = "-"


class OutputFile:
    """A file written whole, again and again: never half-written, whatever interrupts the run.

    ``-`` is standard output, written once, by :meth:`close`. Raises :class:`UsageError` at once,
    before anything is written, where the path cannot be.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._content = b""
        if not self.is_stdout:
            self._check()

    @property
    def is_stdout(self) -> bool:
        """Whether this is standard output."""
        return self._path == STDOUT

    def write(self, content: str | bytes) -> None:
        """Replace the file's whole content by ``content``; text is written as UTF-8."""
        self._content = content.encode() if isinstance(content, str) else content
        if self.is_stdout:
            return
        path = Path(self._path)
        if path.exists() and not path.is_file():  # a device or a pipe cannot be replaced
            path.write_bytes(self._content)
        else:
            _replace(path, self._content)

    def _check(self) -> None:
        path = Path(self._path)
        if path.is_dir() or not path.parent.is_dir():
            wrong = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        elif not os.access(path if path.exists() else path.parent, os.W_OK):
            wrong = "you may not write there"
        else:
            return
        raise UsageError(f"cannot write {self._path}: {wrong}; name another file")

    def close(self) -> None:
        """Print to standard output what was kept for it."""
        if self.is_stdout:
            sys.stdout.flush()
            sys.stdout.buffer.write(self._content)
            sys.stdout.flush()


def _replace(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
