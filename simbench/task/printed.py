"""What a board prints of its outputs (``m-results``), held against the host's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import trunc

import numpy as np

from simbench.catalog.benchmarks import Benchmark, ResultKind
from simbench.models.prepared import PreparedModel
from simbench.result.tree import Parity
from simbench.task.inputs import Input, mean_squared_error

_Alike = Callable[[float, float], bool]
_THOUSAND = 1000  # three decimals: mlcommons/tiny, benchmark/api at 1afd2c9, "%0.3f"
_EXACT = 1e-6  # what is printed was made from a float32
_ROUNDED = "|m-results - host's| <= 0.0005, half of the last digit sent"
_CUT = "m-results are the host's, cut at three decimals"


def printed(
    benchmark: Benchmark, model: PreparedModel, given: Input, output: bytes
) -> tuple[float, ...]:
    """The host's output as the real values that a board prints: a board that says it runs a
    benchmark answers in the order of its data's classes."""
    if benchmark.result is ResultKind.MSE:
        return (mean_squared_error(model, given, output, benchmark.encoding),)
    elements = np.frombuffer(output[: model.output.size], model.output.dtype)
    values: list[float] = model.output.dequantize(elements).tolist()
    return tuple(values[index] for index in benchmark.order) or tuple(values)


def compared(
    host: Sequence[Sequence[float]], board: Sequence[Sequence[float]]
) -> tuple[Sequence[bool], Parity]:
    """Which answers of the ``board`` are the ``host``'s: all rounded, or all cut, as most are."""
    rounded = [_each(*pair, _is_rounded) for pair in zip(host, board, strict=True)]
    cut = [_each(*pair, _is_cut) for pair in zip(host, board, strict=True)]
    is_cut = sum(cut) > sum(rounded)
    right = cut if is_cut else rounded
    return right, Parity(len(right), 0, sum(right), _CUT if is_cut else _ROUNDED)


def _each(host: Sequence[float], board: Sequence[float], is_it: _Alike) -> bool:
    return len(host) == len(board) and all(map(is_it, host, board))


def _is_rounded(host: float, board: float) -> bool:
    return abs(host - board) <= 0.5 / _THOUSAND + _margin(host)


def _is_cut(host: float, board: float) -> bool:
    """Whether ``board`` is ``host`` without what is behind its third decimal, either side of an
    edge that is as near as a float32 tells apart."""
    near = (host - _margin(host), host + _margin(host))
    return any(abs(trunc(value * _THOUSAND) / _THOUSAND - board) <= _EXACT for value in near)


def _margin(value: float) -> float:
    return _EXACT * max(1.0, abs(value))
