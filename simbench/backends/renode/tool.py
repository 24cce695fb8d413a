"""Find Renode and its version, and whether pyrenode3 is there."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
from dataclasses import dataclass

from simbench.backends.program import version_text
from simbench.errors import InfrastructureError

OLDEST = (1, 16)
"""The first with traces written as they happen (``CreateExecutionTracingSynchronous``)."""

TRIED_WITH = "simbench was tried with one built from its source of August 2026"
REMEDY = (
    "unpack a portable build of Renode 1.16 or newer from its releases page, and put it on the "
    "PATH or name the program in SIMBENCH_RENODE"
)
PYRENODE3_REMEDY = (
    "install pyrenode3 beside simbench, and set PYRENODE_RUNTIME=coreclr and PYRENODE_BIN to a "
    "portable Renode, as its README says"
)
PYRENODE3 = "pyrenode3"
"""Named instead of a program: Renode is then loaded by pyrenode3, in a process of its own."""
WITHOUT_PYRENODE3 = "not needed: simbench drives Renode by its Monitor"
"""What is to be done where there is no pyrenode3."""

_NAME = "renode"


@dataclass(frozen=True, slots=True)
class Tool:
    """A Renode found: what starts its Monitor, before any options, and its version in full."""

    command: tuple[str, ...]
    version: str


def find_tool(chosen: str | None = None) -> Tool:
    """The program ``chosen``, else the one SIMBENCH_RENODE names, else the one on the PATH.

    Raises InfrastructureError if there is none, or it is too old.
    """
    chosen = chosen or os.environ.get("SIMBENCH_RENODE")
    if chosen == PYRENODE3:
        return _identify((sys.executable, "-m", "simbench.backends.renode.served"))
    program = shutil.which(chosen or _NAME)
    if program is None:
        missing = f"{chosen} is no program" if chosen else "Renode is not installed"
        raise InfrastructureError(f"{missing}: {REMEDY}")
    return _identify((program,))


def pyrenode3_version() -> str | None:
    """The version of pyrenode3, which starts Renode when it is imported: so it is not."""
    if importlib.util.find_spec("pyrenode3") is None:
        return None
    try:
        return importlib.metadata.version("pyrenode3")
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


@functools.cache
def _identify(command: tuple[str, ...]) -> Tool:
    said = version_text(*command)
    found = re.search(r"Renode v(\d+\.\d+(?:\.\d+)*)", said)
    if found is None:
        is_program = len(command) == 1
        why = f"{command[0]} is not Renode" if is_program else said.strip() or "it does not load"
        raise InfrastructureError(f"{why}: {REMEDY if is_program else PYRENODE3_REMEDY}")
    if tuple(map(int, found[1].split(".")[:2])) < OLDEST:
        raise InfrastructureError(f"Renode {found[1]} is too old: {REMEDY}")
    return Tool(command, found[1])
