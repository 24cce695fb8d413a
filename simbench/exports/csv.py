"""Comma-separated values, tidy: one row for each metric of a result or of one of its layers.

Format: RFC 4180, with line feeds. An empty field is a fact that is not known. A text that a
spreadsheet would take for a formula has an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from simbench.files.cells import cell
from simbench.result.estimate import Estimate
from simbench.result.metrics import LAYER_METRICS, METRICS, Reading
from simbench.result.tree import Layer, Result, Run

COLUMNS = (
    *("id", "benchmark", "platform", "kernels", "status", "layer", "op", "name"),
    *("metric", "unit", "value", "lower", "upper"),
)


def render(run: Run) -> str:
    """``run`` as CSV with a header. Rows without ``layer`` are about the whole inference; an exact
    count has no ``lower`` and no ``upper``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in run.results:
        writer.writerows(_rows(result))
    return text.getvalue()


def _rows(result: Result) -> Iterator[tuple[object, ...]]:
    facts = (result.id, result.benchmark, result.platform, result.kernels, result.status)
    start = tuple(map(_line, facts))
    readings = ((m.name, m.unit, m.read(result)) for m in METRICS.values())
    yield from _fields((*start, "", "", ""), readings)
    for layer in result.layers:
        yield from _fields(
            (*start, layer.index, _line(layer.op), _line(layer.name)), _layer_readings(layer)
        )


def _layer_readings(layer: Layer) -> Iterator[tuple[str, str, Reading]]:
    yield from ((metric.name, metric.unit, metric.read(layer)) for metric in LAYER_METRICS)
    yield "energy_j", "J", layer.energy_j


def _fields(
    start: tuple[object, ...], readings: Iterable[tuple[str, str, Reading]]
) -> Iterator[tuple[object, ...]]:
    for name, unit, reading in readings:
        if isinstance(reading, Estimate):
            yield (*start, name, unit, reading.value, reading.lower, reading.upper)
        else:
            yield (*start, name, unit, reading, None, None)


def _line(text: str) -> str:
    """``text`` in one printable line, for not every reader takes a line break inside a field, and
    no formula."""
    return cell(" ".join("".join(c if c.isprintable() else " " for c in text).split()))
