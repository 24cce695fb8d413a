"""What a model computes of shapes alone: whole numbers, a handful, from constants.

Each rule takes the values of an operator's inputs and its options, and gives the output's value, or
``None`` where they make no sense; it may raise what :data:`SENSELESS` lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Value = NDArray[Any]
Rule = Callable[[Sequence[Value], Any], Value | None]

SENSELESS = (IndexError, ValueError, ZeroDivisionError, OverflowError)
_MAX_AXES = 6


def arithmetic(name: str) -> tuple[str | None, Rule] | None:
    """The rule of an operator by its name, with the schema's class of options it needs, if any."""
    return _RULES.get(name)


def _pack(values: Sequence[Value], options: Any) -> Value | None:
    rank = values[0].ndim
    if any(v.shape != values[0].shape for v in values) or not -rank - 1 <= options.axis <= rank:
        return None
    return np.stack(list(values), options.axis)


def _strided_slice(values: Sequence[Value], options: Any) -> Value | None:
    if len(values) != 4 or options.ellipsisMask or options.newAxisMask or options.offset:
        return None
    value, begins, ends, strides = values
    if any(v.shape != (value.ndim,) for v in (begins, ends, strides)) or not strides.all():
        return None
    index: list[int | slice] = []
    for axis in range(value.ndim):
        bit, begin, end = 1 << axis, int(begins[axis]), int(ends[axis])
        if options.shrinkAxisMask & bit:
            if not -value.shape[axis] <= begin < value.shape[axis]:
                return None
            index.append(begin)
            continue
        first = None if options.beginMask & bit else begin
        last = None if options.endMask & bit else end
        index.append(slice(first, last, int(strides[axis])))
    return np.asarray(value[tuple(index)])


def _slice(values: Sequence[Value], _: Any) -> Value | None:
    value, begins, sizes = values
    index = []
    for whole, begin, size in zip(value.shape, begins.tolist(), sizes.tolist(), strict=True):
        end = whole if size == -1 else begin + size
        if not 0 <= begin <= end <= whole:
            return None
        index.append(slice(begin, end))
    return value[tuple(index)]


def _concatenation(values: Sequence[Value], options: Any) -> Value | None:
    return None if options.fusedActivationFunction else np.concatenate(list(values), options.axis)


def _gather(values: Sequence[Value], options: Any) -> Value | None:
    table, places = values
    entries = table.shape[options.axis]
    if options.batchDims or bool(((places < 0) | (places >= entries)).any()):
        return None
    return np.take(table, places, options.axis)


def _product(values: Sequence[Value], options: Any) -> Value:
    value, axes = values
    given = tuple(int(axis) for axis in axes.ravel()[:_MAX_AXES])
    product = np.asarray(np.prod(value, given, np.int64, keepdims=True))
    return product if options.keepDims else product.squeeze(given)


def _broadcast_args(values: Sequence[Value], _: Any) -> Value:
    first, second = (tuple(int(d) for d in value.ravel()) for value in values)
    return np.asarray(np.broadcast_shapes(first, second))


def _elementwise(function: Callable[[Value, Value], Value]) -> Rule:
    def rule(values: Sequence[Value], options: Any) -> Value | None:
        if getattr(options, "fusedActivationFunction", 0):
            return None
        first, second = values
        return np.asarray(function(first, second))

    return rule


def _floor_div(first: Value, second: Value) -> Value:
    if not second.all():
        raise ZeroDivisionError
    return np.asarray(first // second)


_RULES: Mapping[str, tuple[str | None, Rule]] = {
    "ADD": ("AddOptions", _elementwise(np.add)),
    "BROADCAST_ARGS": (None, _broadcast_args),
    "CAST": (None, lambda values, _: values[0]),
    "CONCATENATION": ("ConcatenationOptions", _concatenation),
    "FLOOR_DIV": (None, _elementwise(_floor_div)),
    "GATHER": ("GatherOptions", _gather),
    "MAXIMUM": (None, _elementwise(np.maximum)),
    "MINIMUM": (None, _elementwise(np.minimum)),
    "MUL": ("MulOptions", _elementwise(np.multiply)),
    "PACK": ("PackOptions", _pack),
    "REDUCE_PROD": ("ReducerOptions", _product),
    "SLICE": (None, _slice),
    "STRIDED_SLICE": ("StridedSliceOptions", _strided_slice),
    "SUB": ("SubOptions", _elementwise(np.subtract)),
}
