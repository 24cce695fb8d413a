"""The tables of a comparison: made to be read in a terminal of 80 columns.

Plain lines of fixed columns: two hundred entries are a thousand of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from simbench.comparisons.comparison import Change, Comparison, Entry, LayerChange
from simbench.comparisons.wording import absolute, heading, prices, quantity, relative, summary

_MOST_LAYERS = 5
_LINE = "  {:<22.22} {:>14} {:>14} {:>14} {:>10}"


def comparison_lines(comparison: Comparison, *, every_layer: bool) -> Iterator[str]:
    """A table for each entry that is not as it was, with colours, and a line of totals."""
    for entry in comparison.entries:
        if every_layer or entry.state != "equal":
            yield from _entry(entry, every_layer)
    yield f"{summary(comparison)}."


def _entry(entry: Entry, every_layer: bool) -> Iterator[str]:
    yield f"{click.style(entry.id, bold=True)}: {heading(entry) or 'equal'}"
    price = prices(entry)
    if price is not None:
        yield f"  price: {price}"
    layers = _shown(entry.layers, every_layer)
    rows = [(change.metric, change) for change in entry.changes if change.is_real]
    rows += [(f"  {layer.layer.index} {layer.layer.op}", layer.cycles) for layer in layers]
    if rows:
        yield click.style(_LINE.format("", "base", "new", "change", "").rstrip(), dim=True)
    yield from (_row(name, change) for name, change in rows)
    hidden = sum(layer.is_real for layer in entry.layers) - len(layers)
    if hidden > 0:
        yield click.style(f"  {hidden} more layers changed: see --layers", dim=True)


def _shown(layers: Sequence[LayerChange], every_layer: bool) -> Sequence[LayerChange]:
    """All layers, or those whose cycles changed most, in the order of the model."""
    if every_layer:
        return layers
    changed = [layer for layer in layers if layer.is_real]
    most = sorted(changed, key=lambda layer: -_size(layer.cycles))[:_MOST_LAYERS]
    return [layer for layer in changed if layer in most]


def _size(change: Change) -> float:
    return abs((change.new or 0.0) - (change.base or 0.0))


def _row(name: str, change: Change) -> str:
    base, new = (quantity(value, change.unit) for value in (change.base, change.new))
    line = _LINE.format(name, base, new, absolute(change), relative(change))
    if not change.is_real or not change.absolute:
        return line
    return click.style(line, fg="red" if change.absolute > 0 else "green")
