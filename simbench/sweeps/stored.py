"""A stored sweep: the points of the JSON document ``simbench.sweep/1``, read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.errors import UsageError
from simbench.result.stored import Document, converted
from simbench.sweeps.points import Points
from simbench.sweeps.sweep import SweepPoints

_Columns = dict[str, list[float | str | None]]


@dataclass(frozen=True, slots=True)
class _Stored:
    axes: tuple[str, ...]
    points: _Columns
    base: _Columns
    settings: dict[str, dict[str, Any]]
    simulations: int
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    environment: dict[str, Any] = field(default_factory=dict)


def sweep_of(document: Document) -> SweepPoints:
    """The points that ``document`` holds. Raises UsageError where it is damaged."""
    stored = converted(document, _Stored)
    return SweepPoints(
        axes=stored.axes,
        points=_table(document.path, stored.points),
        base=_table(document.path, stored.base),
        settings=stored.settings,
        simulations=stored.simulations,
        from_store=stored.environment.get("from_store", 0),
        reasons=stored.reasons,
        notes=stored.notes,
        warnings=document.notes,
    )


def _table(path: Path, columns: Mapping[str, Sequence[float | str | None]]) -> Points:
    if len({len(values) for values in columns.values()}) > 1:
        raise UsageError(
            f"{path} is damaged: its columns differ in length; run simbench again to replace it"
        )
    return Points({name: _column(values) for name, values in columns.items()})


def _column(values: Sequence[float | str | None]) -> NDArray[Any]:
    if any(isinstance(value, str) for value in values):
        return np.array([str(value) for value in values])
    return np.array([np.nan if value is None else value for value in values], np.float64)
