"""The programs of the pinned toolchain in PATH, so that what tests build is the same everywhere.

A machine's own need not do: Debian's next release has a GCC for bare Arm, and no newlib.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from simbench.firmware.compilers import shared_libraries
from simbench.firmware.pinned import is_pinned_here, pinned_folder


def use_pinned_tools(folder: Path) -> None:
    """Put programs in ``folder`` and this first in PATH, where the pinned toolchain is here."""
    if not is_pinned_here():
        return
    pinned = pinned_folder()
    # for these alone: the libraries beside them are no other program's
    libraries = "".join(f"{k}={shlex.quote(v)} " for k, v in shared_libraries(pinned).items())
    programs = folder / "bin"
    programs.mkdir()
    for program in (pinned / "bin").glob("arm-none-eabi-*"):
        wrapper = programs / program.name
        wrapper.write_text(f'#!/bin/sh\n{libraries}exec {shlex.quote(str(program))} "$@"\n')
        wrapper.chmod(0o755)
    os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
