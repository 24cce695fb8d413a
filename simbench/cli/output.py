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

    ``-`` is standard output, written once, by :meth:`close`. Raises :class:`UsageError` at once
    where the path cannot be written.
    """

    def __init__(self, path: str, first_text: str) -> None:
        self._path = path
        self._text = first_text
        if not self.is_stdout:
            self.write(first_text)

    @property
    def is_stdout(self) -> bool:
        """Whether this is standard output."""
        return self._path == STDOUT

    def write(self, text: str) -> None:
        """Replace the file's whole content by ``text``."""
        self._text = text
        if self.is_stdout:
            return
        path = Path(self._path)
        try:
            if path.exists() and not path.is_file():  # a device or a pipe cannot be replaced
                path.write_text(text)
            else:
                _replace(path, text)
        except (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError) as error:
            raise UsageError(
                f"cannot write {self._path} ({error.strerror}): name a file in a folder that is "
                "there and that you may write to"
            ) from error

    def close(self) -> None:
        """Print to standard output what was kept for it."""
        if self.is_stdout:
            sys.stdout.write(self._text)


def _replace(path: Path, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
