"""Which shape each operator's output has, from its inputs' shapes, as an interpreter allocates it.

A file with a free batch says 1 where it does not know: a converter writes 1 as the batch of what
SPACE_TO_BATCH_ND gives, where it is the product of the blocks (tflite-micro#3185), and of what a
RESHAPE moves into the batch. So shapes are worked out from the model's inputs on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.errors import ModelError
from simbench.models.calls import callees
from simbench.models.fold import folded_value
from simbench.models.operators import constant_value
from simbench.models.schema import operator_code, operator_name

Shape = tuple[int, ...]

_SAME_PADDING = 0  # schema.fbs, enum Padding
_MAX_STRIDE = 1 << 12
_MAX_SIZE = (1 << 31) - 1  # of a dimension

# what rules raise where a file's options or constants make no sense: then there is no shape
_SENSELESS = (IndexError, ValueError, ZeroDivisionError, OverflowError)


@dataclass(frozen=True, slots=True)
class _Node:
    """An operator: the shapes of its inputs, and the values of those that are constant."""

    shapes: tuple[Shape, ...]
    values: tuple[NDArray[Any] | None, ...]
    options: Any
    outputs: int

    def numbers(self, index: int) -> tuple[int, ...] | None:
        """The whole numbers of a constant input, flat."""
        value = self.values[index] if index < len(self.values) else None
        if value is None or value.dtype.kind not in "iu":
            return None
        return tuple(int(number) for number in value.ravel())


_Rule = Callable[[_Node], Shape | None]


def settle_shapes(model: Any) -> int:
    """Give each tensor with a free batch the shape it has for a batch of 1; how many changed.

    Raises :class:`ModelError` where a changed shape goes into an operator without a rule.
    """
    return _settle(model, 0, set())


def output_shape(model: Any, graph: Any, operator: Any) -> Shape | None:
    """The shape of an operator's (first) output; ``None`` where no rule tells it."""
    return _inferred(model, graph, operator, {})


def _settle(model: Any, number: int, settled: set[int]) -> int:
    graph = model.subgraphs[number]
    settled.add(number)
    changed: set[int] = set()
    known: dict[int, NDArray[Any]] = {}
    for layer, operator in enumerate(graph.operators):
        callee_changes = _settle_callees(model, graph, operator, settled)
        if not operator.outputs:
            continue
        shape = _inferred(model, graph, operator, known)
        touched = changed.intersection(operator.inputs)
        name = operator_name(operator_code(model.operatorCodes[operator.opcodeIndex]))
        given = operator.inputs if name == "WHILE" else ()  # a loop gives what it is given
        if shape is None and (touched or callee_changes) and not given:
            raise ModelError(
                f"layer {layer} ({name}) of the model depends on a free batch in a way that is not "
                "known: convert the model with a batch of 1 (keras.Input(..., batch_size=1))"
            )
        shapes: list[Shape | None] = [shape] * len(operator.outputs)
        if given:
            shapes = [_tuple(graph.tensors[i]) for i in given]
        for index, new in zip(operator.outputs, shapes, strict=False):
            if new is None or not _is_possible(new):
                continue
            if not touched and not _is_free(graph.tensors[index]):  # quantizers forget who is free
                continue
            if _set_shape(graph.tensors[index], new):
                changed.add(index)
        value = folded_value(model, graph, operator, known)
        if value is not None:
            known[operator.outputs[0]] = value
    return len(changed)


def _settle_callees(model: Any, graph: Any, operator: Any, settled: set[int]) -> int:
    """Subgraphs take the shapes that they are first called with."""
    changed = 0
    for callee in callees(model, operator):
        if callee in settled:
            continue
        called = model.subgraphs[callee]
        given = operator.inputs[len(operator.inputs) - len(called.inputs) :]
        for index, source in zip(called.inputs, given, strict=False):
            if _is_free(called.tensors[index]):
                changed += _set_shape(called.tensors[index], _tuple(graph.tensors[source]))
        changed += _settle(model, callee, settled)
    return changed


def _set_shape(tensor: Any, shape: Shape) -> bool:
    if _tuple(tensor) == shape:
        return False
    tensor.shape = np.array(shape, "<i4")
    return True


def _is_possible(shape: Shape) -> bool:
    return all(1 <= size <= _MAX_SIZE for size in shape)


def _is_free(tensor: Any) -> bool:
    signature = tensor.shapeSignature
    return signature is not None and bool((signature < 0).any())


def _tuple(tensor: Any) -> Shape:
    return tuple(int(d) for d in tensor.shape)


def _inferred(
    model: Any, graph: Any, operator: Any, known: Mapping[int, NDArray[Any]]
) -> Shape | None:
    rule = _RULES.get(operator_name(operator_code(model.operatorCodes[operator.opcodeIndex])))
    if rule is None or not operator.inputs or -1 in operator.inputs[:1]:
        return None
    tensors = [None if i == -1 else graph.tensors[i] for i in operator.inputs]
    options, find = rule
    found = None if operator.builtinOptions is None else type(operator.builtinOptions).__name__
    if options is not None and found != f"{options}T":
        return None
    node = _Node(
        shapes=tuple(() if t is None else _tuple(t) for t in tensors),
        values=tuple(
            None if t is None else known.get(i, constant_value(model, t))
            for i, t in zip(operator.inputs, tensors, strict=True)
        ),
        options=operator.builtinOptions,
        outputs=len(operator.outputs),
    )
    try:
        return find(node)
    except _SENSELESS:
        return None


def _same(node: _Node) -> Shape:
    return node.shapes[0]


def _broadcast(node: _Node) -> Shape:
    return np.broadcast_shapes(*node.shapes)


def _windows(node: _Node, filter_hw: Shape, dilation_hw: Shape) -> Shape:
    sizes = []
    strides = (node.options.strideH, node.options.strideW)
    for size, reach, stride, dilation in zip(
        node.shapes[0][1:3], filter_hw, strides, dilation_hw, strict=True
    ):
        if not 1 <= stride <= _MAX_STRIDE:
            raise ValueError("stride")
        covered = 1 if node.options.padding == _SAME_PADDING else (reach - 1) * dilation + 1
        sizes.append(-(-(size - covered + 1) // stride))
    return tuple(sizes)


def _convolution(node: _Node) -> Shape:
    weights, options = node.shapes[1], node.options
    dilation = (options.dilationHFactor, options.dilationWFactor)
    channels = weights[3] if hasattr(options, "depthMultiplier") else weights[0]
    return (node.shapes[0][0], *_windows(node, weights[1:3], dilation), channels)


def _pool(node: _Node) -> Shape:
    filter_hw = (node.options.filterHeight, node.options.filterWidth)
    return (node.shapes[0][0], *_windows(node, filter_hw, (1, 1)), node.shapes[0][3])


def _fully_connected(node: _Node) -> Shape:
    channels, depth = node.shapes[1]
    if node.options.keepNumDims:
        return (*node.shapes[0][:-1], channels)
    return (math.prod(node.shapes[0]) // depth, channels)


def _reshape(node: _Node) -> Shape | None:
    wanted = node.numbers(1) if len(node.shapes) > 1 else None
    if wanted is None and len(node.shapes) == 1:
        options = getattr(node.options, "newShape", None)
        wanted = None if options is None else tuple(int(d) for d in options)
    if wanted is None:
        return None
    rest = math.prod(d for d in wanted if d != -1)
    return tuple(math.prod(node.shapes[0]) // rest if d == -1 else d for d in wanted)


def _expand_dims(node: _Node) -> Shape | None:
    axis = node.numbers(1)
    if axis is None or len(axis) != 1:
        return None
    at = axis[0] if axis[0] >= 0 else axis[0] + len(node.shapes[0]) + 1
    return (*node.shapes[0][:at], 1, *node.shapes[0][at:])


def _squeeze(node: _Node) -> Shape:
    shape = node.shapes[0]
    axes = node.options.squeezeDims
    if axes is None or not len(axes):
        return tuple(d for d in shape if d != 1)
    gone = {int(a) % len(shape) for a in axes}
    return tuple(d for i, d in enumerate(shape) if i not in gone)


def _transpose(node: _Node) -> Shape | None:
    order = node.numbers(1)
    return None if order is None else tuple(node.shapes[0][i] for i in order)


def _to_batch(node: _Node) -> Shape | None:
    blocks, amounts = node.numbers(1), node.numbers(2)
    if blocks is None or amounts is None:
        return None
    batch, *rest = node.shapes[0]
    for i, block in enumerate(blocks):
        rest[i] = (rest[i] + amounts[2 * i] + amounts[2 * i + 1]) // block
    return (batch * math.prod(blocks), *rest)


def _from_batch(node: _Node) -> Shape | None:
    blocks, amounts = node.numbers(1), node.numbers(2)
    if blocks is None or amounts is None:
        return None
    batch, *rest = node.shapes[0]
    for i, block in enumerate(blocks):
        rest[i] = rest[i] * block - amounts[2 * i] - amounts[2 * i + 1]
    return (batch // math.prod(blocks), *rest)


def _pad(node: _Node) -> Shape | None:
    amounts = node.numbers(1)
    if amounts is None:
        return None
    return tuple(d + amounts[2 * i] + amounts[2 * i + 1] for i, d in enumerate(node.shapes[0]))


def _reduced(node: _Node) -> Shape | None:
    axes = node.numbers(1)
    if axes is None:
        return None
    rank = len(node.shapes[0])
    gone = {a % rank for a in axes}
    if node.options.keepDims:
        return tuple(1 if i in gone else d for i, d in enumerate(node.shapes[0]))
    return tuple(d for i, d in enumerate(node.shapes[0]) if i not in gone)


def _concatenation(node: _Node) -> Shape:
    shape = list(node.shapes[0])
    axis = node.options.axis
    shape[axis] = sum(each[axis] for each in node.shapes)
    return tuple(shape)


def _split(node: _Node) -> Shape | None:
    axis = node.numbers(0)
    if axis is None:
        return None
    shape = list(node.shapes[1])
    shape[axis[0]] //= node.outputs
    return tuple(shape)


def _unpack(node: _Node) -> Shape:
    shape = list(node.shapes[0])
    del shape[node.options.axis]
    return tuple(shape)


def _pack(node: _Node) -> Shape:
    shape = list(node.shapes[0])
    axis = node.options.axis
    shape.insert(axis if axis >= 0 else axis + len(shape) + 1, len(node.shapes))
    return tuple(shape)


def _gather(node: _Node) -> Shape:
    if node.options.batchDims:
        raise ValueError("batch dimensions")
    axis = node.options.axis % len(node.shapes[0])
    return (*node.shapes[0][:axis], *node.shapes[1], *node.shapes[0][axis + 1 :])


def _strided_slice(node: _Node) -> Shape | None:
    begins, ends, strides = (node.numbers(i) for i in (1, 2, 3))
    options = node.options
    if begins is None or ends is None or strides is None:
        return None
    if options.ellipsisMask or options.newAxisMask or options.offset:
        return None
    shape = []
    for axis, size in enumerate(node.shapes[0]):
        bit = 1 << axis
        if axis >= len(begins):
            shape.append(size)
        elif not options.shrinkAxisMask & bit:
            first = None if options.beginMask & bit else begins[axis]
            last = None if options.endMask & bit else ends[axis]
            shape.append(len(range(size)[slice(first, last, strides[axis])]))
    return tuple(shape)


def _slice(node: _Node) -> Shape | None:
    begins, sizes = node.numbers(1), node.numbers(2)
    if begins is None or sizes is None:
        return None
    each = zip(node.shapes[0], begins, sizes, strict=True)
    return tuple(whole - begin if size == -1 else size for whole, begin, size in each)


def _resize(node: _Node) -> Shape | None:
    size = node.numbers(1)
    if size is None or len(size) != 2:
        return None
    return (node.shapes[0][0], *size, node.shapes[0][3])


def _transpose_conv(node: _Node) -> Shape | None:
    return node.numbers(0)


def _tile(node: _Node) -> Shape | None:
    times = node.numbers(1)
    if times is None:
        return None
    return tuple(d * t for d, t in zip(node.shapes[0], times, strict=True))


def _matmul(node: _Node) -> Shape:
    (rows, depth), (inner, columns) = node.shapes[0][-2:], node.shapes[1][-2:]
    rows = depth if node.options.adjX else rows
    columns = inner if node.options.adjY else columns
    return (*np.broadcast_shapes(node.shapes[0][:-2], node.shapes[1][:-2]), rows, columns)


def _to_space(node: _Node) -> Shape:
    batch, height, width, depth = node.shapes[0]
    size = node.options.blockSize
    return (batch, height * size, width * size, depth // size**2)


def _to_depth(node: _Node) -> Shape:
    batch, height, width, depth = node.shapes[0]
    size = node.options.blockSize
    return (batch, height // size, width // size, depth * size**2)


def _index_of(node: _Node) -> Shape | None:
    axis = node.numbers(1)
    if axis is None or len(axis) != 1:
        return None
    shape = list(node.shapes[0])
    del shape[axis[0]]
    return tuple(shape)


def _rank_only(node: _Node) -> Shape:
    return (len(node.shapes[0]),)


_SAME_SHAPE = (
    "ABS CEIL COS ELU EXP FLOOR GELU HARD_SWISH LEAKY_RELU LOG LOGICAL_NOT LOGISTIC NEG RELU RELU6 "
    "RELU_N1_TO_1 ROUND RSQRT SIN SOFTMAX SQRT SQUARE TANH QUANTIZE DEQUANTIZE CAST ZEROS_LIKE "
    "REVERSE_V2 L2_NORMALIZATION LOG_SOFTMAX"
)
_BROADCAST = (
    "ADD SUB MUL DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE FLOOR_DIV FLOOR_MOD POW PRELU EQUAL "
    "NOT_EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND LOGICAL_OR SELECT_V2"
)
_REDUCED = "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD REDUCE_ANY REDUCE_ALL"

_RULES: dict[str, tuple[str | None, _Rule]] = {
    **dict.fromkeys(_SAME_SHAPE.split(), (None, _same)),
    **dict.fromkeys(_BROADCAST.split(), (None, _broadcast)),
    **dict.fromkeys(_REDUCED.split(), ("ReducerOptions", _reduced)),
    "CONV_2D": ("Conv2DOptions", _convolution),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", _convolution),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _pool),
    "MAX_POOL_2D": ("Pool2DOptions", _pool),
    "FULLY_CONNECTED": ("FullyConnectedOptions", _fully_connected),
    "RESHAPE": (None, _reshape),
    "EXPAND_DIMS": (None, _expand_dims),
    "SQUEEZE": ("SqueezeOptions", _squeeze),
    "TRANSPOSE": (None, _transpose),
    "SPACE_TO_BATCH_ND": (None, _to_batch),
    "BATCH_TO_SPACE_ND": (None, _from_batch),
    "PAD": (None, _pad),
    "PADV2": (None, _pad),
    "MIRROR_PAD": (None, _pad),
    "DEPTH_TO_SPACE": ("DepthToSpaceOptions", _to_space),
    "SPACE_TO_DEPTH": ("SpaceToDepthOptions", _to_depth),
    "ARG_MAX": (None, _index_of),
    "ARG_MIN": (None, _index_of),
    "CONCATENATION": ("ConcatenationOptions", _concatenation),
    "SPLIT": ("SplitOptions", _split),
    "UNPACK": ("UnpackOptions", _unpack),
    "PACK": ("PackOptions", _pack),
    "GATHER": ("GatherOptions", _gather),
    "STRIDED_SLICE": ("StridedSliceOptions", _strided_slice),
    "SLICE": (None, _slice),
    "RESIZE_BILINEAR": (None, _resize),
    "RESIZE_NEAREST_NEIGHBOR": (None, _resize),
    "TRANSPOSE_CONV": (None, _transpose_conv),
    "TILE": (None, _tile),
    "BATCH_MATMUL": ("BatchMatMulOptions", _matmul),
    "SHAPE": (None, _rank_only),
}
