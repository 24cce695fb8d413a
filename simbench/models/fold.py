"""What operators over constants give: shape chains, dequantized weights, other shapes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.models.operators import (
    DEQUANTIZE,
    EXPAND_DIMS,
    PACK,
    RESHAPE,
    SHAPE,
    SQUEEZE,
    STRIDED_SLICE,
    constant_value,
)
from simbench.models.schema import FLOAT16, FLOAT32, TENSOR_DTYPES, operator_code

_OPTIONS = {STRIDED_SLICE: "StridedSliceOptionsT", PACK: "PackOptionsT"}
_RESHAPES = (RESHAPE, EXPAND_DIMS, SQUEEZE)
_MAX_ELEMENTS = 256  # a shape has a handful: what is larger is data, and stays


def folded_value(
    model: Any, graph: Any, operator: Any, known: Mapping[int, NDArray[Any]] | None = None
) -> NDArray[Any] | None:
    """The value of the operator's output, or ``None`` where it is not a known constant.

    ``known`` has values of tensors, by index, that are constant and not yet in the model.
    """
    if not operator.inputs or len(operator.outputs) != 1:
        return None
    code = operator_code(model.operatorCodes[operator.opcodeIndex])
    output = graph.tensors[operator.outputs[0]]
    value = _value(model, graph, operator, code, known or {})
    if value is None or value.shape != tuple(output.shape):
        return None
    folded: NDArray[Any] = value.astype(TENSOR_DTYPES[output.type])
    return folded


def _value(
    model: Any, graph: Any, operator: Any, code: int, known: Mapping[int, NDArray[Any]]
) -> NDArray[Any] | None:
    if code == SHAPE and operator.inputs[0] != -1:
        return np.asarray(graph.tensors[operator.inputs[0]].shape)
    if -1 in operator.inputs:
        return None
    inputs = [known.get(i, constant_value(model, graph.tensors[i])) for i in operator.inputs]
    output = graph.tensors[operator.outputs[0]]
    if code == DEQUANTIZE:
        return _dequantized(graph.tensors[operator.inputs[0]], inputs[0], output)
    if code in _RESHAPES:
        same = graph.tensors[operator.inputs[0]].type == output.type
        return _reshaped(inputs[0], output) if same else None
    if type(operator.builtinOptions).__name__ != _OPTIONS.get(code):  # a hostile file has others
        return None
    values = [value for value in inputs if value is not None]
    if len(values) != len(inputs) or sum(value.size for value in values) > _MAX_ELEMENTS:
        return None
    return _packed(values, operator) if code == PACK else _strided_slice(values, operator)


def _dequantized(tensor: Any, value: NDArray[Any] | None, output: Any) -> NDArray[Any] | None:
    """float16 as float32 is exact; of integers, a product that is rounded once, as kernels do."""
    if value is None or output.type != FLOAT32:
        return None
    if tensor.type == FLOAT16:
        return value.astype(np.float32)
    scales, zero_points = (getattr(tensor.quantization, n, None) for n in ("scale", "zeroPoint"))
    if value.dtype.kind not in "iu" or scales is None or not len(scales):
        return None
    points = np.zeros(len(scales), np.int64) if zero_points is None else zero_points
    along = [1] * value.ndim
    if len(scales) > 1:
        along[tensor.quantization.quantizedDimension] = len(scales)
    elif not value.ndim:
        along = []
    steps = value.astype(np.int64) - np.reshape(points, along).astype(np.int64)
    real: NDArray[Any] = steps.astype(np.float32) * np.reshape(scales, along).astype(np.float32)
    return real


def _reshaped(value: NDArray[Any] | None, output: Any) -> NDArray[Any] | None:
    shape = tuple(int(d) for d in output.shape)
    if value is None or value.size != np.prod(shape, dtype=np.int64):
        return None
    return value.reshape(shape)


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
