"""As much of pyrenode3 as simbench uses, before the scripted stand-in for Renode."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

if "PYRENODE_BIN" not in os.environ:
    raise ImportError(
        "Renode not found. Please do one of following actions:\n   - set PYRENODE_BIN"
    )


class RenodeLoader:
    """Where Renode's libraries are."""

    binaries = Path("/renode")


def _assembly_name(_: str) -> object:
    return SimpleNamespace(Version=SimpleNamespace(ToString=lambda _: "1.16.1"))


class _Reflection(ModuleType):
    AssemblyName = SimpleNamespace(GetAssemblyName=_assembly_name)


sys.modules["System.Reflection"] = _Reflection("System.Reflection")
