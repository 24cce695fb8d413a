"""A table as a file: CSV, Parquet, JSON."""

from __future__ import annotations

import csv
import io

from simbench.errors import UsageError
from simbench.files.cells import cell
from simbench.files.installed import extra
from simbench.sweeps.points import WHOLE, Points, plain_values


def csv_text(table: Points) -> str:
    """The table as CSV; what is not known is empty, and no text is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(cell, table.columns))
    columns = [
        [cell(value) if isinstance(value, str) else value for value in plain_values(name, column)]
        for name, column in table.columns.items()
    ]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def check_parquet() -> None:
    """Raise UsageError, saying what to install, where Parquet cannot be written."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"Parquet needs pyarrow ({error}): install {extra('parquet')}, or write CSV instead"
        ) from error


def parquet_bytes(table: Points) -> bytes:
    """The table as Parquet; what is not known is null. Raises as :func:`check_parquet`."""
    check_parquet()
    import pyarrow
    from pyarrow import parquet

    columns = {
        name: pyarrow.array(
            column,
            type=pyarrow.int64() if name in WHOLE else None,
            from_pandas=True,
        )
        for name, column in table.columns.items()
    }
    sink = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue()
