"""A study carried out: its points, and the few more that its answers are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from simbench.result.estimate import Estimate
from simbench.result.notebook import Cell, estimate_cell, kib_cell, table_html
from simbench.result.units import format_count
from simbench.sweeps.files import csv_text, parquet_bytes
from simbench.sweeps.points import Points
from simbench.sweeps.study import Study
from simbench.sweeps.words import value_in_words

if TYPE_CHECKING:
    import pandas

SCENARIO = ("benchmark", "platform", "kernels")
"""The columns that name a scenario."""

_SHOWN = 24
_PRICES = (("cycles", ""), ("time_s", "s"), ("energy_j", "J"))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SweepPoints:
    """The priced points of a sweep, immutable: what a stored sweep has of one.

    ``points`` has a row for every scenario at every setting; ``base`` one for every scenario on the
    board as it is. ``axes`` are the paths of the axes. ``settings`` are the versions and hashes of
    all that decides a number. ``reasons`` say what failed, ``notes`` what should be known of the
    numbers, and ``warnings`` what went wrong on the way and changed no number, such as a damaged
    entry of the store.
    """

    axes: tuple[str, ...]
    points: Points
    base: Points
    settings: Mapping[str, Mapping[str, Any]]
    simulations: int
    from_store: int
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """The columns of the points."""
        return self.points.columns

    def __len__(self) -> int:
        """The number of points."""
        return len(self.points)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The points as dictionaries; what is not known is None."""
        return self.points.rows()

    def to_pandas(self) -> pandas.DataFrame:
        """The points as a pandas DataFrame. Raises UsageError where pandas is not installed."""
        return self.points.to_pandas()

    def write_csv(self, path: str | Path) -> None:
        """Write the points as CSV."""
        Path(path).write_text(csv_text(self.points), encoding="utf-8")

    def write_parquet(self, path: str | Path) -> None:
        """Write the points as Parquet. Raises UsageError where pyarrow is not installed."""
        Path(path).write_bytes(parquet_bytes(self.points))

    def _repr_html_(self) -> str:
        """The first points as a table, and what should be known of them."""
        title = format_count(len(self), "point")
        if len(self) > _SHOWN:
            title += f", the first {_SHOWN} shown"
        names = (*SCENARIO, *self.axes, "status")
        headings = (*names, "cycles", "time", "energy", "RAM, KiB")
        rows = (self._cells(names, row) for row, _ in zip(self.rows(), range(_SHOWN), strict=False))
        remarks = (*self.reasons, *self.notes, *self.warnings)
        return table_html(title, headings, rows, remarks, text_columns=len(names))

    def _cells(self, names: tuple[str, ...], row: Mapping[str, Any]) -> tuple[Cell, ...]:
        prices = (estimate_cell(_estimate(row, name), unit) for name, unit in _PRICES)
        values = (value_in_words(name, row[name]) for name in names)
        return (*values, *prices, kib_cell(row["placed_ram_bytes"]))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Sweep(SweepPoints):
    """The priced points of a ``study``, with what its answers are made from.

    ``changes`` has the points with one axis away from the base, and ``sensitivities`` those with
    one number lower or higher by a fraction; both say which in the columns ``axis``, ``value``,
    ``number`` and ``was``.
    """

    study: Study
    changes: Points
    sensitivities: Points


def _estimate(row: Mapping[str, Any], name: str) -> Estimate | None:
    if row[name] is None:
        return None
    return Estimate(row[name], row[f"{name}_lower"], row[f"{name}_upper"], source="")
