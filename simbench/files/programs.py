"""Programs that simbench runs: those of this machine, else those of its Python packages."""

from __future__ import annotations

import os
import shutil
import sysconfig


def program(name: str) -> str | None:
    """The path of the program ``name``: that in PATH, else what a Python package brought; None
    where there is neither."""
    return shutil.which(name) or shutil.which(name, path=_brought())


def with_brought() -> dict[str, str]:
    """The user's own environment, in which what Python packages brought is found last."""
    return {**os.environ, "PATH": os.pathsep.join([*os.get_exec_path(), _brought()])}


def _brought() -> str:
    # a virtual environment that is not activated is not in PATH
    return sysconfig.get_path("scripts")
