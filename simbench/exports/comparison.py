"""A comparison as JSON, and as Markdown for a pull request or a job's summary."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from simbench.comparisons.comparison import Change, Comparison, Entry, LayerChange
from simbench.comparisons.wording import absolute, heading, quantity, relative, summary
from simbench.exports.markdown import MARKER, missed_budgets
from simbench.exports.markdown_text import LONGEST, SENTENCE, code, folded, listed, table
from simbench.result import notice
from simbench.result.metrics import METRICS

SCHEMA = "simbench.comparison/1"

_ALWAYS_SHOWN = ("cycles", "energy_j", "arena_bytes")
_NO_BREAK = "\u00a0"
_MOST_NAMES = 4
_MOST_ENTRIES = 40
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
        "price_causes": entry.price_causes,
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
    shown = [entry for entry in comparison.entries if entry.state in ("changed", "added")]
    layers = [row for entry in shown for row in _layer_rows(entry)]
    parts = [
        f"### simbench: {_verdict(comparison)}",
        listed(tuple(_remarks(comparison))),
        _table(shown) if shown else "",
        notice.SENTENCE,
    ]
    text = "\n\n".join(filter(None, parts)) + "\n"
    if not layers:
        return text
    by_layer = folded("cycles by layer", table(_LAYER_HEADINGS, layers, left=4)) + "\n"
    room = LONGEST - len(text) - len(by_layer)
    return f"{text}\n{by_layer if room > 0 else 'The layers are left out: this is long.'}\n"


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
        if entry.new is not None:
            yield from missed_budgets(entry.new)
    yield from _headings(comparison.entries)


def _headings(entries: Sequence[Entry]) -> Iterator[str]:
    """What became of entries, once each, with the entries of which it is said."""
    said: dict[str, list[str]] = {}
    for entry in entries:
        if entry.state != "equal":
            said.setdefault(heading(entry), []).append(entry.id)
    for sentence, ids in said.items():
        more = f" and {len(ids) - _MOST_NAMES} more" if len(ids) > _MOST_NAMES else ""
        names = ", ".join(map(code, ids[:_MOST_NAMES]))
        yield f"{code(sentence, SENTENCE)}: {names}{more}"


def _table(entries: Sequence[Entry]) -> str:
    """One row an entry: what each metric is, and its change beneath. The metrics that are always
    asked for come first, then those that changed anywhere."""
    rows = [{change.metric: change for change in entry.changes} for entry in entries]
    changed = {name for row in rows for name, change in row.items() if change.is_real}
    others = (name for name in METRICS if name in changed and name not in _ALWAYS_SHOWN)
    metrics = (*_ALWAYS_SHOWN, *others)
    cells = [
        (code(entry.id), _outputs(entry), *(_cell(row[name]) for name in metrics))
        for entry, row in zip(entries, rows, strict=True)
    ]
    headings = ("result", "outputs", *map(code, metrics))
    return table(headings, cells, left=2, most=_MOST_ENTRIES)


def _cell(change: Change) -> str:
    """What the metric is and, each in a line that is not broken, its change and its share."""
    lines = [quantity(change.new, change.unit)]
    if change.is_real and change.new is None:
        lines += [f"was {quantity(change.base, change.unit)}"]
    elif change.is_real:
        lines += [absolute(change)] + [relative(change)] * (change.relative is not None)
    return "<br>".join(lines).replace(" ", _NO_BREAK)


def _outputs(entry: Entry) -> str:
    if entry.base is None:
        return "new"
    return "**changed**" if any(fact.name == "outputs" for fact in entry.facts) else "same"


def _layer_rows(entry: Entry) -> Iterator[tuple[str, ...]]:
    for layer in entry.layers:
        if layer.is_real:
            index, op = layer.layer.index, layer.layer.op
            name = layer.layer.name.partition(";")[0]
            base, new = (quantity(value, "") for value in (layer.cycles.base, layer.cycles.new))
            change = absolute(layer.cycles), relative(layer.cycles)
            yield (code(entry.id), str(index), code(op), code(name), base, new, *change)
