"""Renode by pyrenode3, in a process of its own: its Monitor on standard input and output.

pyrenode3 starts Renode when it is imported, finds it by its own variables (PYRENODE_BIN,
PYRENODE_BUILD_DIR, PYRENODE_PKG, PYRENODE_RUNTIME), and holds one emulation. What is written here
is what Renode's console writes: an answer, what went wrong, and a prompt.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

_PROMPT = "(pyrenode3) "


def main() -> None:
    """Serve until the end of the input, or print the version where ``--version`` is asked for."""
    try:
        loader: Any = importlib.import_module("pyrenode3")
    except ImportError as error:
        sys.exit(f"pyrenode3 does not load: {' '.join(str(error).split())}")
    if "--version" in sys.argv:
        print(f"Renode v{_version(loader)}", flush=True)
    else:
        _serve(importlib.import_module("pyrenode3.wrappers").Monitor())
    os._exit(0)  # Renode's threads would keep it


def _serve(monitor: Any) -> None:
    _say(_PROMPT)
    for line in sys.stdin:
        command = line.rstrip("\n")
        if command == "quit":
            break
        answer, error = monitor.execute(command)
        _say(f"{answer}{error}{_PROMPT}")


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _version(loader: Any) -> str:
    """Of Renode's own library: pyrenode3 does not tell it."""
    reflection: Any = importlib.import_module("System.Reflection")
    library = loader.RenodeLoader().binaries / "Renode.dll"
    return str(reflection.AssemblyName.GetAssemblyName(str(library)).Version.ToString(3))


if __name__ == "__main__":
    main()
