"""What operators over constants give: shape chains, dequantized weights, other shapes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.models.arithmetic import SENSELESS, arithmetic
from simbench.models.operators import (
    DEQUANTIZE,
    EXPAND_DIMS,
    RESHAPE,
    SHAPE,
    SQUEEZE,
    constant_value,
)
from simbench.models.schema import (
    FLOAT16,
    FLOAT32,
    TENSOR_DTYPES,
    operator_code,
    operator_name,
)

_WHOLE = (np.dtype(np.int32), np.dtype(np.int64))
_TAKEN_APART = ("PACK", "STRIDED_SLICE")
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
    return _computed(operator_name(code), inputs, operator.builtinOptions, output)


def _computed(
    name: str, inputs: Sequence[NDArray[Any] | None], options: Any, output: Any
) -> NDArray[Any] | None:
    """What arithmetic on shapes gives; of other types, only what is taken apart or put together."""
    found = arithmetic(name)
    values = [value for value in inputs if value is not None]
    if found is None or len(values) != len(inputs):
        return None
    if sum(value.size for value in values) > _MAX_ELEMENTS:
        return None
    wanted, rule = found
    if wanted is not None and type(options).__name__ != f"{wanted}T":  # a hostile file has others
        return None
    whole = all(v.dtype in _WHOLE for v in (*values, np.empty(0, TENSOR_DTYPES[output.type])))
    if not whole and name not in _TAKEN_APART:
        return None
    try:
        return rule(values, options)
    except SENSELESS:
        return None


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
