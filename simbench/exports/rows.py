"""Rows of many models as a file that grows: CSV, or Parquet, a batch of rows at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from simbench.result.tree import Layer
from simbench.search.row import COLUMNS, ModelRow
from simbench.sweeps.files import check_parquet

_BATCH = 8192  # rows of Parquet that are in memory
_TEXT = ("model", "sha256", "platform", "kernels", "status", "reason")
_WHOLE = ("macs", "instructions", "wrong_outputs")


class RowsFile(Protocol):
    """Takes rows; what was taken is in the file once it is closed."""

    def write(self, rows: Iterable[ModelRow]) -> None:
        """Take ``rows``."""

    def close(self) -> None:
        """Write what was taken, so that the file is whole."""


class CsvRows:
    """A table with a line for each row, written as they come. What is not known is empty."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._line(COLUMNS)

    def write(self, rows: Iterable[ModelRow]) -> None:
        """Write ``rows`` at once."""
        for row in rows:
            self._line(row.values().values())

    def close(self) -> None:
        """All is written."""

    def _line(self, values: Iterable[object]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(values)
        self._write(text.getvalue())


class ParquetRows:
    """A Parquet file at ``path``, there when it is closed; layers are a list of structures.

    Raises UsageError where pyarrow is not installed.
    """

    def __init__(self, path: Path) -> None:
        check_parquet()
        from pyarrow import parquet

        self._path, self._part = path, path.with_name(f".{path.name}.part")
        self._schema = _schema()
        self._writer = parquet.ParquetWriter(self._part, self._schema)
        self._rows: list[dict[str, Any]] = []

    def write(self, rows: Iterable[ModelRow]) -> None:
        """Take ``rows``."""
        self._rows += ({**row.values(), "layers": list(map(_layer, row.layers))} for row in rows)
        if len(self._rows) >= _BATCH:
            self._flush()

    def close(self) -> None:
        """Put the file in its place."""
        self._flush()
        self._writer.close()
        self._part.replace(self._path)

    def _flush(self) -> None:
        import pyarrow

        if self._rows:
            self._writer.write_table(pyarrow.Table.from_pylist(self._rows, self._schema))
            self._rows = []


def _schema() -> Any:
    import pyarrow as pa

    layer = pa.struct(
        [
            *((name, pa.string()) for name in ("op", "name")),
            *((name, pa.int64()) for name in ("index", "instructions", "macs")),
            *((name, pa.float64()) for name in ("cycles", "cycles_lower", "cycles_upper")),
        ]
    )
    kinds = {name: _kind(pa, name) for name in COLUMNS}
    return pa.schema([*kinds.items(), ("layers", pa.list_(layer))])


def _kind(pa: Any, name: str) -> Any:
    if name in _TEXT:
        return pa.string()
    if name == "fits":
        return pa.bool_()
    return pa.int64() if name in _WHOLE or name.endswith("_bytes") else pa.float64()


def _layer(layer: Layer) -> dict[str, Any]:
    cycles = layer.cycles
    return {
        "op": layer.op,
        "name": layer.name,
        "index": layer.index,
        "instructions": layer.instructions,
        "macs": layer.macs,
        "cycles": cycles.value,
        "cycles_lower": cycles.lower,
        "cycles_upper": cycles.upper,
    }
