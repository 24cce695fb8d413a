"""A study carried out: its points, and the few more that its answers are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from simbench.sweeps.files import csv_text, parquet_bytes
from simbench.sweeps.study import Study
from simbench.sweeps.table import Table

if TYPE_CHECKING:
    import pandas

SCENARIO = ("benchmark", "platform", "kernels")
"""The columns that name a scenario."""


@dataclass(frozen=True, eq=False, slots=True)
class Sweep:
    """The priced points of a study, immutable.

    ``points`` has a row for every scenario at every setting; ``base`` one for every scenario on the
    board as it is. ``changes`` has the points with one axis away from the base, and
    ``sensitivities`` those with one number lower or higher by a fraction; both say which in the
    columns ``axis``, ``value``, ``number`` and ``was``. ``axes`` are the paths of the axes.
    ``settings`` are the versions and hashes of all that decides a number.
    ``reasons`` say what failed, ``notes`` what should be known of the numbers, and ``warnings``
    what went wrong on the way and changed no number, such as a damaged entry of the store.
    """

    study: Study
    axes: tuple[str, ...]
    points: Table
    base: Table
    changes: Table
    sensitivities: Table
    settings: Mapping[str, Mapping[str, str]]
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
