"""The folder that a board's files are in while it runs."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from simbench.errors import InfrastructureError


def temporary_folder(stack: contextlib.ExitStack) -> Path:
    """A folder that goes when ``stack`` is closed. Raises InfrastructureError where none can be."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="simbench-")
    except OSError as error:
        raise unwritable(str(error.strerror)) from error
    return Path(stack.enter_context(folder))


def unwritable(why: str) -> InfrastructureError:
    """The error of a file of a board that cannot be written."""
    return InfrastructureError(
        f"cannot write the emulator's files to the temporary folder ({why}); free some "
        "space there, or set TMPDIR to a folder that can be written"
    )
