"""Files of facts: one row each, in a table of comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from simbench.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row")


def read_facts(path: Path, make: Callable[[Mapping[str, str]], Row]) -> tuple[Row, ...]:
    """The rows of ``path``, in order, each made of its cells by name.

    Raises UsageError naming file, line and what is wrong: ``make`` raises KeyError with the cell
    that is missing or not known, ValueError or TypeError for the others.
    """
    try:
        return tuple(_read(path, make))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def render_facts(record: type[DataclassInstance], rows: Iterable[Mapping[str, object]]) -> str:
    """The file of ``rows``, with the fields of ``record`` as its columns."""
    text = io.StringIO()
    names = [field.name for field in fields(record)]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value


def _read(path: Path, make: Callable[[Mapping[str, str]], Row]) -> Iterator[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        for cells in reader:
            try:
                row = make(cells)
            except KeyError as error:
                what = f"{error.args[0]} is missing or not known"
                raise UsageError(f"{path}:{reader.line_num}: {what}") from error
            except (ValueError, TypeError) as error:
                raise UsageError(f"{path}:{reader.line_num}: {error}") from error
            yield row
