"""Bencher Metric Format: a value and its range for each measure of each benchmark.

Format: https://bencher.dev/docs/reference/bencher-metric-format
"""

from __future__ import annotations

import json

from simbench.result.estimate import Estimate
from simbench.result.metrics import METRICS, Reading
from simbench.result.tree import Result, Run


def render(run: Run) -> str:
    """``run`` in BMF: benchmarks by the results' ids; what is not known is left out."""
    document = {result.id: _measures(result) for result in run.results}
    return json.dumps(document, indent=2) + "\n"


def _measures(result: Result) -> dict[str, dict[str, float]]:
    readings = {name: metric.read(result) for name, metric in METRICS.items()}
    return {name: _value(reading) for name, reading in readings.items() if reading is not None}


def _value(reading: Reading) -> dict[str, float]:
    if isinstance(reading, Estimate):
        bounds = {"lower_value": reading.lower, "upper_value": reading.upper}
        return {"value": reading.value, **bounds}
    return {} if reading is None else {"value": reading}
