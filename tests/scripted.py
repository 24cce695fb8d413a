"""The scripts of scripts/ and examples/, as modules."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@cache
def script(name: str) -> Any:
    """The module ``scripts/NAME.py``."""
    return _module(name, ROOT / "scripts" / f"{name}.py")


@cache
def example(name: str) -> Any:
    """The module ``examples/NAME.py``."""
    return _module(name.rpartition("/")[2], ROOT / "examples" / f"{name}.py")


def _module(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
