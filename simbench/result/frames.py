"""Rows of plain values, and the pandas DataFrames that are made of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simbench.errors import UsageError
from simbench.files.installed import extra
from simbench.result.estimate import Estimate

if TYPE_CHECKING:
    import pandas

Row = dict[str, Any]
"""Plain Python values by the name of their column; what is not known is None."""


def ranged(name: str, estimate: Estimate | None) -> Row:
    """An estimate as the columns ``name``, ``name_lower`` and ``name_upper``."""
    if estimate is None:
        return dict.fromkeys((name, f"{name}_lower", f"{name}_upper"))
    return {
        name: estimate.value,
        f"{name}_lower": estimate.lower,
        f"{name}_upper": estimate.upper,
    }


def rows_frame(rows: Sequence[Row]) -> pandas.DataFrame:
    """``rows``, which have the same columns, as a DataFrame; raises as :func:`data_frame`."""
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    kinds = {name: {type(v) for v in values} - {type(None)} for name, values in columns.items()}
    found = {
        name: _floats(values) if kinds[name] <= {float} else values
        for name, values in columns.items()
    }
    return data_frame(found, {name for name, kind in kinds.items() if kind == {int}})


def data_frame(columns: Mapping[str, Any], whole: Collection[str] = ()) -> pandas.DataFrame:
    """``columns`` as a DataFrame, those called ``whole`` as whole numbers that may be missing.

    Raises UsageError where pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise UsageError(
            f"a DataFrame needs pandas ({error}): install {extra('pandas')}, or use rows()"
        ) from error
    return pandas.DataFrame(
        {
            name: pandas.array(column, dtype="Int64") if name in whole else column
            for name, column in columns.items()
        }
    )


def _floats(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]
