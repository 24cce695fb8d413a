"""What each operator asks of its tensors, and the multiply-accumulates it takes.

Shapes are the schema's: activations ``(batch, height, width, channels)``, convolution weights
``(out, height, width, in)``, depthwise weights ``(1, height, width, out)``, fully connected weights
``(out, in)``. Operators without a rule here are held to the graph's general rules alone; the host
interpreter checks the rest, in a process of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.errors import ModelError
from simbench.models.calls import CALL_ONCE
from simbench.models.schema import (
    FLOAT32,
    INT8,
    INT16,
    INT32,
    INT64,
    TENSOR_DTYPES,
    enum_values,
    operator_code,
    operator_name,
    scale_count,
)

# schema.fbs, enum BuiltinOperator
ADD, AVERAGE_POOL_2D, CONCATENATION, CONV_2D, DEPTHWISE_CONV_2D = 0, 1, 2, 3, 4
DEQUANTIZE, FULLY_CONNECTED, LOGISTIC, MAX_POOL_2D, MUL = 6, 9, 14, 17, 18
UNIDIRECTIONAL_SEQUENCE_LSTM, TRANSPOSE_CONV, BATCH_MATMUL = 44, 67, 126
RELU, RELU6, RESHAPE, SOFTMAX, TANH, PAD, MEAN, SUB = 19, 21, 22, 25, 28, 34, 40, 41
STRIDED_SLICE, SHAPE, PACK, QUANTIZE = 45, 77, 83, 114
SQUEEZE, EXPAND_DIMS, SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND = 43, 70, 38, 37
VAR_HANDLE, ASSIGN_VARIABLE = 142, 144

_BIAS_TYPES = {INT8: (INT32,), INT16: (INT32, INT64)}  # by the type of the activations
_ENUMS = {  # of options: the schema's enum, by the option's name
    "padding": "Padding",
    "fusedActivationFunction": "ActivationFunctionType",
    "weightsFormat": "FullyConnectedOptionsWeightsFormat",
    "mode": "MirrorPadMode",
    "kernelType": "LSTMKernelType",
    **dict.fromkeys(
        ("inDataType", "outDataType", "outputType", "outType", "quantizedBiasType"), "TensorType"
    ),
}
_SAME_PADDING = 0  # schema.fbs, enum Padding
_MAX_SIZE = 1 << 12  # strides, dilations and filters beyond this are nonsense on a microcontroller


class _Unfit(Exception):
    """What does not fit, as the end of a sentence about the layer."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """An operator with its tensors at hand."""

    model: Any
    inputs: tuple[Any, ...]  # None where an optional input is left out
    outputs: tuple[Any, ...]
    options: Any

    def shape(self, index: int) -> tuple[int, ...]:
        return tuple(int(d) for d in self.inputs[index].shape)

    def rank(self, index: int) -> int:
        """0 of an input that is not there."""
        return len(self.shape(index)) if index < len(self.inputs) else 0

    @property
    def output_shape(self) -> tuple[int, ...]:
        return tuple(int(d) for d in self.outputs[0].shape)

    def constant(self, index: int) -> NDArray[Any] | None:
        return constant_value(self.model, self.inputs[index])


def constant_value(model: Any, tensor: Any) -> NDArray[Any] | None:
    """The elements of a constant tensor, in its shape; ``None`` where it is not constant."""
    data = model.buffers[tensor.buffer].data
    if data is None or not data.nbytes:
        return None
    values: NDArray[Any] = np.frombuffer(data.tobytes(), TENSOR_DTYPES[tensor.type])
    return values.reshape(tuple(tensor.shape))


def constant_bytes(model: Any, tensor: Any) -> int:
    """How many bytes of a tensor's elements are in the file: 0 where it is not constant."""
    if not 0 <= tensor.buffer < len(model.buffers):
        return 0
    data = model.buffers[tensor.buffer].data
    return 0 if data is None else int(data.nbytes)


def check_operator(model: Any, graph: Any, layer: int, operator: Any) -> None:
    """Raise :class:`ModelError` where an operator's tensors or options do not fit it."""
    code = operator_code(model.operatorCodes[operator.opcodeIndex])
    name = operator_name(code)
    try:
        inputs, outputs = _ENDS.get(code, (1, 1))
        if len(operator.inputs) < inputs or len(operator.outputs) < outputs:
            raise _Unfit("has no input or no output")
        _check_enums(operator.builtinOptions)
        rule = _RULES.get(code)
        if rule is not None:
            rule.check(_layer(model, graph, operator))
        elif -1 in operator.inputs and code not in _OPTIONAL_ANYWHERE:
            raise _Unfit("leaves out an input that it needs")
    except _Unfit as unfit:
        raise ModelError(
            f"layer {layer} ({name}) of the model {unfit}: convert the model again"
        ) from None


def _check_enums(options: Any) -> None:
    """Raise _Unfit where an option is no value of its enum: kernels take it for one."""
    for name, value in ({} if options is None else vars(options)).items():
        enum = _ENUMS.get(name)
        if enum is not None and isinstance(value, int) and value not in enum_values(enum):
            raise _Unfit(f"has the impossible {name} {value}")


def macs(model: Any, graph: Any, operator: Any) -> int:
    """Multiply-accumulates of one verified operator: convolution (transposed too), fully connected,
    product of matrices, LSTM; of others 0.

    Padding is counted as if it were multiplied, as the published figures of MLPerf Tiny do.
    """
    code = operator_code(model.operatorCodes[operator.opcodeIndex])
    layer = _layer(model, graph, operator)
    if code == CONV_2D:
        return math.prod(layer.output_shape) * math.prod(layer.shape(1)[1:])
    if code == DEPTHWISE_CONV_2D:
        return math.prod(layer.output_shape) * math.prod(layer.shape(1)[1:3])
    if code == FULLY_CONNECTED:
        return math.prod(layer.output_shape) * layer.shape(1)[1]
    if code == UNIDIRECTIONAL_SEQUENCE_LSTM:  # four gates, of the input and of the step before
        return math.prod(layer.output_shape) * 4 * (layer.shape(1)[1] + layer.shape(5)[1])
    if code == TRANSPOSE_CONV and (layer.rank(1), layer.rank(2)) == (4, 4):
        return math.prod(layer.shape(2)) * math.prod(layer.shape(1)[:3])
    if code == BATCH_MATMUL and layer.rank(0) >= 2:
        depth = layer.shape(0)[-2 if getattr(layer.options, "adjX", False) else -1]
        return math.prod(layer.output_shape) * depth
    return 0


def _layer(model: Any, graph: Any, operator: Any) -> _Layer:
    inputs = tuple(None if i == -1 else graph.tensors[i] for i in operator.inputs)
    outputs = tuple(graph.tensors[i] for i in operator.outputs)
    return _Layer(model, inputs, outputs, operator.builtinOptions)


@dataclass(frozen=True, slots=True)
class _Rule:
    """Numbers of inputs, the class of options it cannot do without, and what its shapes need."""

    least: int
    most: int
    options: str | None
    shapes: Callable[[_Layer], None]
    optional: tuple[int, ...] = ()

    def check(self, layer: _Layer) -> None:
        if not self.least <= len(layer.inputs) <= self.most or len(layer.outputs) != 1:
            raise _Unfit(f"has {len(layer.inputs)} inputs and {len(layer.outputs)} outputs")
        if any(t is None and i not in self.optional for i, t in enumerate(layer.inputs)):
            raise _Unfit("leaves out an input that it needs")
        found = None if layer.options is None else type(layer.options).__name__
        if self.options is not None and found != f"{self.options}T":
            raise _Unfit(f"comes without its {self.options}")
        self.shapes(layer)


def _need(condition: bool, what: str) -> None:
    if not condition:
        raise _Unfit(what)


def _constant(layer: _Layer, index: int, otherwise: str) -> NDArray[Any]:
    value = layer.constant(index)
    if value is None:
        raise _Unfit(otherwise)
    return value


def _in_range(what: str, *values: int) -> None:
    _need(all(1 <= v <= _MAX_SIZE for v in values), f"has an impossible {what}")


def _window(size: int, filter_size: int, stride: int, dilation: int, padding: int) -> int:
    """Output size of a sliding window along one axis (TensorFlow's SAME and VALID)."""
    reach = (filter_size - 1) * dilation + 1
    return -(-size // stride) if padding == _SAME_PADDING else -(-(size - reach + 1) // stride)


def _spatial(layer: _Layer, filter_hw: tuple[int, int], dilation_hw: tuple[int, int]) -> None:
    options = layer.options
    _in_range("stride", options.strideH, options.strideW)
    _in_range("dilation", *dilation_hw)
    _in_range("filter", *filter_hw)
    batch, height, width, _ = layer.shape(0)
    expected = (
        batch,
        _window(height, filter_hw[0], options.strideH, dilation_hw[0], options.padding),
        _window(width, filter_hw[1], options.strideW, dilation_hw[1], options.padding),
    )
    _need(layer.output_shape[:3] == expected, "has an output of the wrong size")


def _weights(layer: _Layer, channel_axis: int, channels: int) -> None:
    """Constant weights; a bias and per-channel scales for each output channel."""
    _constant(layer, 1, "has weights that are not constant")
    if layer.inputs[1].type == INT8:
        scales = scale_count(layer.inputs[1])
        _need(scales in (1, channels), "has wrongly many scales")
        axis = layer.inputs[1].quantization.quantizedDimension if scales > 1 else channel_axis
        _need(axis == channel_axis, "is quantized along the wrong dimension")
        ends = (layer.inputs[0], layer.outputs[0])
        _need(ends[0].type == ends[1].type, "has an input and an output of different types")
        _need(all(scale_count(t) == 1 for t in ends), "has activations without a scale")
        _need(ends[0].type in (INT8, INT16), "has int8 weights for activations of another type")
    if len(layer.inputs) > 2 and layer.inputs[2] is not None:
        _need(layer.shape(2) == (channels,), "has a bias of the wrong size")
        _constant(layer, 2, "has a bias that is not constant")
        _need(
            layer.inputs[2].type in _BIAS_TYPES.get(layer.inputs[0].type, (layer.inputs[2].type,)),
            "has a bias of the wrong type",
        )


def _conv(layer: _Layer) -> None:
    _need(_ranks(layer, 4, 4), "does not have four dimensions")
    channels, height, width, depth = layer.shape(1)
    groups = layer.shape(0)[3] // depth
    _need(groups * depth == layer.shape(0)[3], "has weights of another number of channels")
    _need(channels % groups == 0, "has channels that its groups do not divide")
    _need(layer.output_shape[3] == channels, "has an output of the wrong size")
    _weights(layer, 0, channels)
    _spatial(layer, (height, width), (layer.options.dilationHFactor, layer.options.dilationWFactor))


def _depthwise(layer: _Layer) -> None:
    _need(_ranks(layer, 4, 4), "does not have four dimensions")
    one, height, width, channels = layer.shape(1)
    depth, multiplier = layer.shape(0)[3], channels // layer.shape(0)[3]
    _need(one == 1 and multiplier * depth == channels, "has weights of another number of channels")
    _need(multiplier == layer.options.depthMultiplier, "has options for another depth multiplier")
    _need(layer.output_shape[3] == channels, "has an output of the wrong size")
    _weights(layer, 3, channels)
    _spatial(layer, (height, width), (layer.options.dilationHFactor, layer.options.dilationWFactor))


def _ranks(layer: _Layer, *ranks: int) -> bool:
    return (
        all(len(layer.shape(i)) == r for i, r in enumerate(ranks))
        and len(layer.output_shape) == ranks[0]
    )


def _fully_connected(layer: _Layer) -> None:
    _need(len(layer.shape(1)) == 2, "has weights that are not a matrix")
    channels, depth = layer.shape(1)
    size = math.prod(layer.shape(0))
    _need(size % depth == 0, "has weights for another number of inputs")
    _need(
        bool(layer.output_shape)
        and layer.output_shape[-1] == channels
        and math.prod(layer.output_shape) == size // depth * channels,
        "has an output of the wrong size",
    )
    _need(layer.options.weightsFormat == 0, "has shuffled weights, which only phones' kernels read")
    _weights(layer, 0, channels)


def _lstm(layer: _Layer) -> None:
    _need(len(layer.shape(0)) == 3, "does not take a sequence in three dimensions")
    needed = (*range(1, 9), *range(12, 16), 18, 19)
    _need(all(layer.inputs[i] is not None for i in needed), "lacks a gate")
    is_batch_first = 0 if layer.options.timeMajor else 1
    batches, depth = layer.shape(0)[1 - is_batch_first], layer.shape(0)[2]
    units = layer.shape(1)[0] if layer.shape(1) else 0
    _need(units > 0, "has no units")
    shapes = {
        **dict.fromkeys(range(1, 5), (units, depth)),
        **dict.fromkeys(range(5, 9), (units, units)),
        **dict.fromkeys(range(12, 16), (units,)),
    }
    _need(all(layer.shape(i) == shape for i, shape in shapes.items()), "has weights of wrong sizes")
    for state in (layer.inputs[18], layer.inputs[19]):
        _need(bool(state.isVariable), "has a state that is no variable")
        _need(math.prod(state.shape) == batches * units, "has a state of the wrong size")
    _need(layer.output_shape == (*layer.shape(0)[:2], units), "has an output of the wrong size")
    bias = INT64 if layer.inputs[0].type == INT16 else INT32
    is_float = layer.inputs[0].type == FLOAT32
    kinds = {int(layer.inputs[i].type) for i in range(12, 16)}
    _need(kinds == {FLOAT32 if is_float else bias}, "has biases of another type than its sums")


def _pool(layer: _Layer) -> None:
    _need(_ranks(layer, 4), "does not have four dimensions")
    _need(layer.output_shape[3] == layer.shape(0)[3], "has an output of the wrong size")
    _spatial(layer, (layer.options.filterHeight, layer.options.filterWidth), (1, 1))


def _same_elements(layer: _Layer) -> None:
    _need(
        math.prod(layer.shape(0)) == math.prod(layer.output_shape),
        "has an output of the wrong size",
    )


def _same_shape(layer: _Layer) -> None:
    _need(layer.shape(0) == layer.output_shape, "has an output of the wrong size")


def _softmax(layer: _Layer) -> None:
    _same_shape(layer)
    scale = layer.inputs[0].quantization.scale[0] if scale_count(layer.inputs[0]) == 1 else 1.0
    # kernels scale differences by beta x scale x 2**26 in fixed point, which must exceed 1
    _need(2.0**-26 < layer.options.beta * scale < math.inf, "has an impossible beta")


def _broadcast(layer: _Layer) -> None:
    try:
        shape = np.broadcast_shapes(layer.shape(0), layer.shape(1))
    except ValueError:
        shape = ()
    _need(shape == layer.output_shape, "has inputs and an output that do not fit together")


def _pad(layer: _Layer) -> None:
    amounts = _constant(layer, 1, "has amounts that are not constant")
    _need(amounts.shape == (len(layer.shape(0)), 2), "has wrongly many amounts")
    padded = tuple(
        d + int(before) + int(after)
        for d, (before, after) in zip(layer.shape(0), amounts, strict=True)
    )
    _need(
        bool((amounts >= 0).all()) and padded == layer.output_shape,
        "has an output of the wrong size",
    )


def _mean(layer: _Layer) -> None:
    axes = _constant(layer, 1, "has axes that are not constant")
    rank = len(layer.shape(0))
    _need(bool(((axes >= -rank) & (axes < rank)).all()), "has an axis that is not there")
    gone = {int(a) % rank for a in np.ravel(axes)}
    kept = math.prod(d for i, d in enumerate(layer.shape(0)) if i not in gone)
    _need(math.prod(layer.output_shape) == kept, "has an output of the wrong size")


def _concatenation(layer: _Layer) -> None:
    rank = len(layer.output_shape)
    axis = layer.options.axis
    _need(-rank <= axis < rank, "has an axis that is not there")
    shapes = [layer.shape(i) for i in range(len(layer.inputs))]
    _need(all(len(s) == rank for s in shapes), "has inputs of different rank")
    joined = [list(s) for s in shapes]
    total = sum(s[axis] for s in shapes)
    for shape in joined:
        shape[axis] = total
    _need(all(tuple(s) == layer.output_shape for s in joined), "has an output of the wrong size")


_ENDS = {  # least numbers of inputs and outputs, where not one of each
    CALL_ONCE: (0, 0),
    VAR_HANDLE: (0, 1),
    ASSIGN_VARIABLE: (2, 0),
    TRANSPOSE_CONV: (3, 1),
    BATCH_MATMUL: (2, 1),
}
_OPTIONAL_ANYWHERE = frozenset({27, 44})  # SVDF and UNIDIRECTIONAL_SEQUENCE_LSTM leave inputs out

_RULES: dict[int, _Rule] = {
    CONV_2D: _Rule(2, 3, "Conv2DOptions", _conv, optional=(2,)),
    DEPTHWISE_CONV_2D: _Rule(2, 3, "DepthwiseConv2DOptions", _depthwise, optional=(2,)),
    FULLY_CONNECTED: _Rule(2, 3, "FullyConnectedOptions", _fully_connected, optional=(2,)),
    AVERAGE_POOL_2D: _Rule(1, 1, "Pool2DOptions", _pool),
    MAX_POOL_2D: _Rule(1, 1, "Pool2DOptions", _pool),
    RESHAPE: _Rule(1, 2, None, _same_elements),
    SOFTMAX: _Rule(1, 1, "SoftmaxOptions", _softmax),
    ADD: _Rule(2, 2, "AddOptions", _broadcast),
    SUB: _Rule(2, 2, "SubOptions", _broadcast),
    MUL: _Rule(2, 2, "MulOptions", _broadcast),
    PAD: _Rule(2, 2, None, _pad),
    MEAN: _Rule(2, 2, "ReducerOptions", _mean),
    CONCATENATION: _Rule(1, 64, "ConcatenationOptions", _concatenation),
    LOGISTIC: _Rule(1, 1, None, _same_shape),
    TANH: _Rule(1, 1, None, _same_shape),
    RELU: _Rule(1, 1, None, _same_shape),
    RELU6: _Rule(1, 1, None, _same_shape),
    QUANTIZE: _Rule(1, 1, None, _same_shape),
    DEQUANTIZE: _Rule(1, 1, None, _same_shape),
    UNIDIRECTIONAL_SEQUENCE_LSTM: _Rule(
        24, 24, "UnidirectionalSequenceLSTMOptions", _lstm, optional=tuple(range(24))
    ),
}
