"""Numbers that simbench's own bench measured, side by side: ratios and counts, by name.

``scripts/bench`` of the repository writes them as JSON, and keeps some as its baseline. Seconds are
none of them: those of two days are not of one machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from simbench.comparisons.comparison import Change
from simbench.errors import UsageError
from simbench.result.stored import read_document

SCHEMA = "simbench.bench/1"


@dataclass(frozen=True, slots=True)
class Measure:
    """A ratio or a count. ``how`` says what it is of, for people."""

    value: float
    how: str = ""


@dataclass(frozen=True, slots=True)
class Measures:
    """Measured numbers by name. Its shape is the JSON document ``simbench.bench/1``."""

    measures: Mapping[str, Measure]


def holds_measures(document: Mapping[str, Any]) -> bool:
    """Whether a JSON ``document`` says that it holds measures."""
    return str(document.get("schema")).partition("/")[0] == SCHEMA.partition("/")[0]


def read_measures(path: Path) -> Measures:
    """The measures stored at ``path``.

    Raises UsageError where there is no such file, or it holds something else.
    """
    return measures_of(path, read_document(path))


def measures_of(path: Path, document: Mapping[str, Any]) -> Measures:
    """The measures that the ``document`` read from ``path`` holds. Raises UsageError likewise."""
    schema = document.get("schema")
    if schema != SCHEMA:
        said = f"schema {schema}" if isinstance(schema, str) else "no schema"
        raise UsageError(f"{path} holds {said} where {SCHEMA} is read: write one with make bench")
    try:
        return msgspec.convert(document, Measures)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path} is damaged: {error}; measure again to replace it") from None


def render(measures: Measures) -> str:
    """The document of ``measures``, as indented JSON with a newline at its end."""
    named = {
        name: asdict(measure) if measure.how else {"value": measure.value}
        for name, measure in measures.measures.items()
    }
    document = {"schema": SCHEMA, "measures": named}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def compare(base: Measures, new: Measures, only: str = "*") -> tuple[Change, ...]:
    """Each number before and after, in the order of ``new``; then those that only ``base`` has.

    ``only`` is a pattern of names, as a shell's.
    """
    names = dict.fromkeys((*new.measures, *base.measures))
    return tuple(
        Change(name, "", _value(base, name), _value(new, name))
        for name in names
        if fnmatchcase(name, only)
    )


def _value(measures: Measures, name: str) -> float | None:
    return measures.measures[name].value if name in measures.measures else None
