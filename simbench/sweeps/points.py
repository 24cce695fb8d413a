"""A tidy table of numpy columns: one row a priced point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simbench.result.frames import data_frame
from simbench.sweeps.axes import plain

if TYPE_CHECKING:
    import pandas

WHOLE = frozenset({"instructions", "flash_bytes", "ram_bytes", "arena_bytes", "placed_ram_bytes"})
"""Columns of whole numbers. They are floats in memory (exact up to 2^53), so that one may be
missing."""


@dataclass(frozen=True, eq=False, slots=True)
class Points:
    """Columns by name, all of one length. A number that is not known is NaN; nothing changes."""

    columns: Mapping[str, NDArray[Any]]

    def __post_init__(self) -> None:
        """Let nobody write into the columns."""
        for column in self.columns.values():
            column.flags.writeable = False

    def __len__(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The column called ``name``."""
        return self.columns[name]

    def where(self, chosen: NDArray[Any]) -> Points:
        """The rows that ``chosen`` names: a mask, or indices in the order wanted."""
        return Points({name: column[chosen] for name, column in self.columns.items()})

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows as dictionaries of plain Python values; what is not known is None."""
        lists = [plain_values(name, column) for name, column in self.columns.items()]
        return (dict(zip(self.columns, row, strict=True)) for row in zip(*lists, strict=True))

    def to_pandas(self) -> pandas.DataFrame:
        """The table as a pandas DataFrame. Raises UsageError where pandas is not installed."""
        return data_frame(self.columns, WHOLE)


def plain_values(name: str, column: NDArray[Any]) -> list[Any]:
    """A column as plain Python values; what is not known is None."""
    values = column.tolist()
    if column.dtype.kind != "f":
        return list(values)
    known = int if name in WHOLE else float
    return [None if value != value else known(value) for value in values]


def column_of(values: Sequence[str]) -> NDArray[Any]:
    """Values as written in a platform's file: numbers where all are, else texts."""
    numbers = [plain(value) for value in values]
    is_number = all(isinstance(number, float) for number in numbers)
    return np.array(numbers if is_number else values)


def stacked(tables: Sequence[Points]) -> Points:
    """``tables`` beneath each other; a column that one has not is NaN in its rows, or None."""
    columns = {name: c for table in tables for name, c in table.columns.items()}
    return Points(
        {
            name: np.concatenate([t.columns.get(name, _nothing(like, len(t))) for t in tables])
            for name, like in columns.items()
        }
    )


def _nothing(like: NDArray[Any], length: int) -> NDArray[Any]:
    return np.full(length, None if like.dtype == np.object_ else np.nan, dtype=None)
