"""Numbers that simbench's own bench measured, side by side: ratios and counts, by name.

``scripts/bench`` of the repository writes them as JSON, and keeps some as its baseline. Seconds are
none of them: those of two days are not of one machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from simbench.comparisons.comparison import Change
from simbench.result.stored import converted, read_document

SCHEMA = "simbench.bench/1"

_HEAD = re.compile(rb'\s*\{\s*"schema"\s*:\s*"simbench[.]bench/')
_HEAD_BYTES = 256


@dataclass(frozen=True, slots=True)
class Measure:
    """A ratio or a count. ``how`` says what it is of, for people."""

    value: float
    how: str = ""


@dataclass(frozen=True, slots=True)
class Measures:
    """Measured numbers by name. Its shape is the JSON document ``simbench.bench/1``."""

    measures: Mapping[str, Measure]


def holds_measures(path: Path) -> bool:
    """Whether the file ``path`` begins as :func:`render` does."""
    try:
        with path.open("rb") as file:
            return _HEAD.match(file.read(_HEAD_BYTES)) is not None
    except OSError:
        return False  # what reads it says why


def read_measures(path: Path) -> Measures:
    """The measures stored at ``path``.

    Raises UsageError where there is no such file, or it holds something else.
    """
    return converted(read_document(path, {SCHEMA: "bench"}), Measures)


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
