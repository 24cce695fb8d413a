"""The list of results that the action benchmark-action/github-action-benchmark reads.

Format: that action's README, tool "customSmallerIsBetter", and ``BenchmarkResult`` in its
src/extract.ts: ``name``, ``unit``, ``value``, and the texts ``range`` and ``extra``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from simbench.result.estimate import Estimate
from simbench.result.metrics import METRICS, Metric
from simbench.result.tree import Result, Run


def render(run: Run) -> str:
    """``run`` as that list: an entry for each metric that is known, less being better in all."""
    entries = [entry for result in run.results for entry in _entries(result)]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _entries(result: Result) -> Iterator[dict[str, float | str]]:
    for metric in METRICS.values():
        yield from _entry(result, metric)


def _entry(result: Result, metric: Metric[Result]) -> Iterator[dict[str, float | str]]:
    reading = metric.read(result)
    if reading is None:
        return
    named: dict[str, float | str] = {"name": f"{result.id} {metric.name}", "unit": metric.unit}
    if isinstance(reading, Estimate):
        between = f"{reading.lower:.6g} to {reading.upper:.6g}"
        yield {**named, "value": reading.value, "range": between, "extra": reading.source}
    else:
        yield {**named, "value": reading}
