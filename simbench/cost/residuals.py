"""How far the model was from silicon: what a range must hold beyond what its sources leave open.

``residuals.yaml`` beside this file is written by ``simbench validate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from simbench.catalog.platforms import Platform
from simbench.cost.cores.core import Core, load_core
from simbench.cost.target import Target
from simbench.files.datafile import read

RESIDUALS = Path(__file__).resolve().parent / "residuals.yaml"
_ELSEWHERE = "elsewhere"


def load_target(platform: Platform, core: Core | None = None) -> Target:
    """``platform`` as what prices are of: with its own core, or ``core``, and its residual.

    Raises UsageError where there is no such core.
    """
    off = residual(platform.id, platform.core)
    return Target(platform, core or load_core(platform.core), off)


def residual(platform: str, core: str) -> float:
    """The error that nine in ten published images stay within, as a fraction.

    For a board with results of its own, it is that of the other boards; for one without, that of
    its ``core``, and of all where none is published of that.
    """
    known = _residuals()
    return known.get(platform, known.get(core, known[_ELSEWHERE]))


@cache
def _residuals() -> Mapping[str, float]:
    table = read(RESIDUALS).table("cycles")
    return {name: table.quantity(name, maximum=0.9).value for name in table}
