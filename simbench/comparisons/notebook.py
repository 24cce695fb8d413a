"""A comparison as a table for a notebook."""

from __future__ import annotations

from collections.abc import Iterator

from simbench.comparisons.comparison import Change, Comparison, Entry
from simbench.comparisons.wording import UNKNOWN, both, heading, quantity, summary
from simbench.result.metrics import METRICS
from simbench.result.notebook import Cell, table_html

_ALWAYS_SHOWN = ("cycles", "energy_j", "arena_bytes")


def comparison_html(comparison: Comparison) -> str:
    """A row for each entry: what became of it, and the metrics that changed in any, with how they
    did."""
    changes = [change for entry in comparison.entries for change in entry.changes]
    changed = {change.metric for change in changes if change.is_real}
    metrics = [name for name in METRICS if name in changed or name in _ALWAYS_SHOWN]
    rows = (_cells(entry, metrics) for entry in comparison.entries)
    return table_html(
        summary(comparison),
        ("result", "state", *metrics),
        rows,
        _remarks(comparison),
        text_columns=2,
    )


def _cells(entry: Entry, metrics: list[str]) -> tuple[Cell, ...]:
    changes = {change.metric: change for change in entry.changes}
    said = heading(entry)
    shown = (_cell(changes[name]) if name in changes else UNKNOWN for name in metrics)
    return (entry.id, (entry.state, said) if said else entry.state, *shown)


def _cell(change: Change) -> Cell:
    value = quantity(change.new, change.unit)
    if not change.is_real:
        return value
    if change.new is None:
        return value, f"was {quantity(change.base, change.unit)}"
    return value, both(change)


def _remarks(comparison: Comparison) -> Iterator[str]:
    yield from comparison.breaches
    if comparison.differences:
        yield f"other conditions: {'; '.join(comparison.differences)}"
    yield from comparison.notes
