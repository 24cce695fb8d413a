"""A comparison as JSON, and as Markdown for a pull request or a job's summary."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from simbench.compare.comparison import Change, Comparison, Entry, LayerChange
from simbench.compare.wording import absolute, heading, quantity, relative, summary
from simbench.exports.markdown import MARKER
from simbench.exports.markdown_text import SENTENCE, code, folded, listed, table

SCHEMA = "simbench.comparison/1"

_HEADINGS = ("result", "metric", "base", "new", "change", "")
_LAYER_HEADINGS = ("result", "layer", "operator", "name", "base cycles", "new cycles", "change", "")


def render_json(comparison: Comparison) -> str:
    """``comparison`` as indented JSON: every entry with its metrics before and after."""
    document = {
        "schema": SCHEMA,
        "differences": comparison.differences,
        "breaches": comparison.breaches,
        "entries": [_entry(entry) for entry in comparison.entries],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "state": entry.state,
        "causes": entry.causes,
        "facts": [asdict(fact) for fact in entry.facts],
        "metrics": _metrics(entry.changes),
        "layers": [_layer(layer) for layer in entry.layers],
    }


def _layer(layer: LayerChange) -> dict[str, Any]:
    named = {"op": layer.layer.op, "name": layer.layer.name}
    indices = {"base": layer.base and layer.base.index, "new": layer.new and layer.new.index}
    return {**named, "index": indices, "metrics": _metrics(layer.changes)}


def _metrics(changes: Sequence[Change]) -> dict[str, dict[str, float | None]]:
    return {
        change.metric: {
            "base": change.base,
            "new": change.new,
            "change": change.absolute,
            "relative": change.relative,
        }
        for change in changes
    }


def render_markdown(comparison: Comparison) -> str:
    """``comparison`` as a comment on a pull request, with the marker of a run's comment."""
    return f"{MARKER}\n{render_summary(comparison)}"


def render_summary(comparison: Comparison) -> str:
    """``comparison`` as Markdown: the verdict, breaches, what changed, the layers folded."""
    changed = [entry for entry in comparison.entries if entry.is_changed]
    rows = [row for entry in changed for row in _rows(entry)]
    layers = [row for entry in changed for row in _layer_rows(entry)]
    parts = [
        f"### simbench: {_verdict(comparison)}",
        listed(tuple(_remarks(comparison))),
        table(_HEADINGS, rows, left=2) if rows else "",
        folded("cycles by layer", table(_LAYER_HEADINGS, layers, left=4)) if layers else "",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _verdict(comparison: Comparison) -> str:
    breached = len(comparison.breaches)
    found = f"{breached} threshold{'s' * (breached != 1)} breached, " if breached else ""
    return found + summary(comparison)


def _remarks(comparison: Comparison) -> Iterator[str]:
    for breach in comparison.breaches:
        yield f"**breach**: {code(breach, SENTENCE)}"
    for difference in comparison.differences:
        yield f"**other conditions**: {code(difference, SENTENCE)}"
    for entry in comparison.entries:
        if entry.state != "equal":
            yield f"{code(entry.id)}: {code(heading(entry), SENTENCE)}"


def _rows(entry: Entry) -> Iterator[tuple[str, ...]]:
    for change in entry.changes:
        if change.is_real:
            yield (code(entry.id), code(change.metric), *_cells(change))


def _layer_rows(entry: Entry) -> Iterator[tuple[str, ...]]:
    for layer in entry.layers:
        if layer.is_real:
            index, op, name = layer.layer.index, layer.layer.op, layer.layer.name
            yield (code(entry.id), str(index), code(op), code(name), *_cells(layer.cycles))


def _cells(change: Change) -> tuple[str, str, str, str]:
    base, new = (quantity(value, change.unit) for value in (change.base, change.new))
    return base, new, absolute(change), relative(change)


FORMATS: Mapping[str, Callable[[Comparison], str]] = {
    "json": render_json,
    "markdown": render_markdown,
    "github-summary": render_summary,
}
"""Formats that a comparison can be written in, by name."""
