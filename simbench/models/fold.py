"""Constant shape chains: what SHAPE, STRIDED_SLICE and PACK give when it is known beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.models.operators import PACK, SHAPE, STRIDED_SLICE, constant_value
from simbench.models.schema import TENSOR_DTYPES, operator_code

_OPTIONS = {STRIDED_SLICE: "StridedSliceOptionsT", PACK: "PackOptionsT"}
_MAX_ELEMENTS = 256  # a shape has a handful: what is larger is data, and stays


def folded_value(model: Any, graph: Any, operator: Any) -> NDArray[Any] | None:
    """The value of the operator's output, or ``None`` where it is not a known constant."""
    code = operator_code(model.operatorCodes[operator.opcodeIndex])
    output = graph.tensors[operator.outputs[0]]
    value = _value(model, graph, operator, code)
    if value is None or value.shape != tuple(output.shape):
        return None
    folded: NDArray[Any] = value.astype(TENSOR_DTYPES[output.type])
    return folded


def _value(model: Any, graph: Any, operator: Any, code: int) -> NDArray[Any] | None:
    if code == SHAPE:
        return np.asarray(graph.tensors[operator.inputs[0]].shape)
    if type(operator.builtinOptions).__name__ != _OPTIONS.get(code):  # a hostile file has others
        return None
    inputs = [constant_value(model, graph.tensors[i]) for i in operator.inputs]
    values = [value for value in inputs if value is not None]
    if len(values) != len(inputs) or sum(value.size for value in values) > _MAX_ELEMENTS:
        return None
    return _packed(values, operator) if code == PACK else _strided_slice(values, operator)


def _packed(values: list[NDArray[Any]], operator: Any) -> NDArray[Any] | None:
    rank = values[0].ndim
    axis = operator.builtinOptions.axis
    if any(v.shape != values[0].shape for v in values) or not -rank - 1 <= axis <= rank:
        return None
    stacked: NDArray[Any] = np.stack(values, axis)
    return stacked


def _strided_slice(values: list[NDArray[Any]], operator: Any) -> NDArray[Any] | None:
    options = operator.builtinOptions
    if len(values) != 4 or options.ellipsisMask or options.newAxisMask:
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
    part: NDArray[Any] = np.asarray(value[tuple(index)])
    return part
