"""Scores as MLPerf Tiny has them: the share of right answers, and the area under the ROC curve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from simbench.catalog.benchmarks import Benchmark, ResultKind
from simbench.models.prepared import PreparedModel
from simbench.task.inputs import Input, mean_squared_error, prediction
from simbench.task.labelled import Sample

TOP1 = "top1"
AUC = "auc"

Answer = tuple[Input, bytes]
"""An input and the output to it."""


def metric_of(benchmark: Benchmark) -> str:
    """The metric of ``benchmark``: anomalies are told by their error, all else by its class."""
    return AUC if benchmark.result is ResultKind.MSE else TOP1


def score(
    benchmark: Benchmark,
    model: PreparedModel,
    samples: Sequence[Sample],
    answers: Sequence[Sequence[Answer]],
) -> float:
    """How good ``answers`` to ``samples`` are by the benchmark's metric, from 0 to 1.

    A sample has several answers where inputs are cut from a recording of a machine; such samples
    are of both classes.
    """
    labels = [sample.label for sample in samples]
    if metric_of(benchmark) == TOP1:
        said = [prediction(benchmark.labels, model, given[0][1]).label for given in answers]
        return float(np.mean([a == b for a, b in zip(said, labels, strict=True)]))
    anomaly = benchmark.labels[1]
    errors = [_error(benchmark, model, given) for given in answers]
    return area(errors, [label == anomaly for label in labels])


def area(scores: Iterable[float], positive: Iterable[bool]) -> float:
    """The exact area under the ROC curve: how often a positive scores above a negative.

    Equal scores count half, as in scikit-learn's roc_auc_score, which the runner of MLPerf Tiny
    calls (benchmark/runner/main.py at 1afd2c9). There are both kinds.
    """
    values, is_positive = np.array(list(scores)), np.array(list(positive), bool)
    above, below = values[is_positive, None], values[None, ~is_positive]
    return float(np.mean((above > below) + 0.5 * (above == below)))


def _error(benchmark: Benchmark, model: PreparedModel, answers: Sequence[Answer]) -> float:
    """A recording's anomaly score: the mean of its windows' errors (the runner's, as above)."""
    errors = [
        mean_squared_error(model, given, output, benchmark.encoding) for given, output in answers
    ]
    return float(np.mean(errors))
