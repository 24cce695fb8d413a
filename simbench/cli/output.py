"""Files that a verb writes: there before the run, whole at every moment."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from simbench.errors import InfrastructureError, UsageError

STDOUT = "-"


class Unwritten(InfrastructureError):
    """A file that was asked for is not there; what else was asked for is not lost by it."""

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(
            f"cannot write {path} ({error.strerror}): mend that, or name another file, and run "
            "again; what was simulated is in the store"
        )


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
        """Replace the file's whole content by ``content``; text is written as UTF-8.

        Raises :class:`Unwritten` where the disk is full, say.
        """
        self._content = content.encode(errors="replace") if isinstance(content, str) else content
        if self.is_stdout:
            return
        path = Path(self._path)
        try:
            if path.exists() and not path.is_file():  # a device or a pipe cannot be replaced
                path.write_bytes(self._content)
            else:
                _replace(path, self._content)
        except BrokenPipeError:  # who read the pipe has gone
            raise
        except OSError as error:
            raise Unwritten(self._path, error) from error

    def _check(self) -> None:
        try:
            wrong = _unwritable(Path(self._path))
        except OSError as error:
            wrong = str(error.strerror)
        if wrong is not None:
            raise UsageError(f"cannot write {self._path}: {wrong}; name another file")

    def close(self) -> None:
        """Print to standard output what was kept for it."""
        if self.is_stdout:
            sys.stdout.flush()
            sys.stdout.buffer.write(self._content)
            sys.stdout.flush()


def _unwritable(path: Path) -> str | None:
    """Why no file can be at ``path``, or None where one can."""
    if "\0" in path.name:
        return "its name has a zero byte in it"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if len(os.fsencode(path.name)) > os.pathconf(path.parent, "PC_NAME_MAX"):
        return "its name is too long"
    if path.is_dir():
        return "it is a folder"
    may = os.access(path if path.exists() else path.parent, os.W_OK)
    return None if may else "you may not write there"


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
