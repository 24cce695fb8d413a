"""simbench benchmarks TinyML on microcontrollers that are not there."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simbench.api import (
        Comparison,
        ModelRow,
        Outcome,
        Profile,
        SimbenchError,
        Sweep,
        SweepPoints,
        compare,
        measure,
        profile,
        read,
        run,
        sweep,
        sweep_study,
    )

__all__ = [
    "Comparison",
    "ModelRow",
    "Outcome",
    "Profile",
    "SimbenchError",
    "Sweep",
    "SweepPoints",
    "__version__",
    "compare",
    "measure",
    "profile",
    "read",
    "run",
    "sweep",
    "sweep_study",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What the package offers, imported when it is asked for, so that start-up stays short."""
    if name not in __all__:
        raise AttributeError(f"module 'simbench' has no attribute {name!r}")
    return getattr(importlib.import_module("simbench.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
