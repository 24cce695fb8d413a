"""Find qemu-system-arm and its version."""

from __future__ import annotations

import functools
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from simbench.backends.program import version_text
from simbench.errors import InfrastructureError

_NAME = "qemu-system-arm"
_OLDEST = (7, 0)
_TRIED = "7.2, 8.2, 10.0 and 11.1"


@dataclass(frozen=True, slots=True)
class Tool:
    """An emulator found: its program, its version in full and as (major, minor)."""

    program: Path
    version: str

    @property
    def series(self) -> tuple[int, int]:
        """The version's first two numbers."""
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)


def find_tool(chosen: str | None = None) -> Tool:
    """The program ``chosen``, else the one SIMBENCH_QEMU names, else the one on the PATH.

    Raises InfrastructureError if there is none, or it is too old for plugins.
    """
    chosen = chosen or os.environ.get("SIMBENCH_QEMU")
    program = shutil.which(chosen or _NAME)
    if program is None:
        missing = f"{chosen} is no program" if chosen else f"{_NAME} is not installed"
        raise InfrastructureError(
            f"{missing}; install the Debian package {_NAME}, or set SIMBENCH_QEMU to the program"
        )
    return _identify(program)


def other_interface(tool: Tool) -> InfrastructureError:
    """What to say where ``tool`` takes no plugin of the interface that its version should have."""
    return InfrastructureError(
        f"QEMU {tool.version} does not take simbench's plugin: install one of the versions tried "
        f"({_TRIED}), and set SIMBENCH_QEMU to it"
    )


@functools.cache
def _identify(program: str) -> Tool:
    found = re.search(r"QEMU emulator version (\d+\.\d+(?:\.\d+)*)", version_text(program))
    if found is None:
        raise InfrastructureError(
            f"{program} is not QEMU; set SIMBENCH_QEMU to the program {_NAME}"
        )
    tool = Tool(Path(program), found[1])
    if tool.series < _OLDEST:
        raise InfrastructureError(
            f"QEMU {tool.version} is too old for plugins; install one of the versions tried "
            f"({_TRIED}), or set SIMBENCH_QEMU to it"
        )
    return tool
