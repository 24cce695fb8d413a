"""Cases of single operators, drawn at random: one function for each kind, by name in ``CASES``."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
from single_op import Case, Tensor, constant, random_array

Draw = Callable[[Random], Case]
CASES: dict[str, Draw] = {}

_MOVED = ("int8", "float32", "int32")
_LIMITS = {"int8": 127, "uint8": 127, "int16": 32767}


def _case(function: Draw) -> Draw:
    CASES[function.__name__.strip("_")] = function
    return function


# --- tensors ---


def _shape(r: Random, least: int = 1, most: int = 4, size: int = 6) -> tuple[int, ...]:
    return tuple(r.randint(1, size) for _ in range(r.randint(least, most)))


def _tensor(r: Random, shape: Sequence[int], dtype: str) -> Tensor:
    """With a scale and a zero point of its own, where its type is quantized."""
    if dtype == "int16":
        return Tensor(tuple(shape), dtype, (round(10 ** r.uniform(-5, -2), 8),), (0,))
    if dtype not in _LIMITS:
        return Tensor(tuple(shape), dtype)
    zero_point = r.randint(-128, 127) if dtype == "int8" else r.randint(0, 255)
    # below what every reference bears
    return Tensor(tuple(shape), dtype, (round(10 ** r.uniform(-3, -0.1), 6),), (zero_point,))


def _shaped(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    return replace(tensor, shape=tuple(shape), data=None)


def _rng(r: Random) -> np.random.Generator:
    return np.random.default_rng(r.getrandbits(30))


def _filled(r: Random, tensor: Tensor) -> Tensor:
    return replace(tensor, data=random_array(_rng(r), tensor))


# --- data movement ---


@_case
def transpose(r: Random) -> Case:
    shape = _shape(r, 1, 5, 5)
    order = list(range(len(shape)))
    r.shuffle(order)
    x = _tensor(r, shape, r.choice((*_MOVED, "int16", "int64")))
    y = _shaped(x, [shape[i] for i in order])
    return Case("TRANSPOSE", (x, constant(order)), (y,), "TransposeOptions")


@_case
def slice_(r: Random) -> Case:
    shape = _shape(r)
    begin = [r.randint(0, d - 1) for d in shape]
    size = [r.randint(1, d - b) for d, b in zip(shape, begin, strict=True)]
    x = _tensor(r, shape, r.choice((*_MOVED, "int16")))
    return Case("SLICE", (x, constant(begin), constant(size)), (_shaped(x, size),), "SliceOptions")


@_case
def strided_slice(r: Random) -> Case:
    shape = _shape(r)
    n = len(shape)
    shrink, begin_mask, end_mask = (r.getrandbits(n) for _ in range(3))
    begin_mask &= ~shrink
    begin = [r.randint(-d, d - 1) for d in shape]
    end = [r.randint(-d - 1, d + 1) for d in shape]
    step = [1 if shrink >> i & 1 else r.choice((1, 1, 2, 3, -1, -2)) for i in range(n)]
    index = tuple(
        begin[i]
        if shrink >> i & 1
        else builtins.slice(
            None if begin_mask >> i & 1 else begin[i],
            None if end_mask >> i & 1 else end[i],
            step[i],
        )
        for i in range(n)
    )
    taken = np.zeros(shape)[index].shape
    if 0 in taken:
        return strided_slice(r)
    x = _tensor(r, shape, r.choice((*_MOVED, "int16")))
    ends = [begin[i] + 1 if shrink >> i & 1 else end[i] for i in range(n)]
    options = {"beginMask": begin_mask, "endMask": end_mask, "shrinkAxisMask": shrink}
    options |= {"ellipsisMask": 0, "newAxisMask": 0}
    inputs = (x, constant(begin), constant(ends), constant(step))
    return Case("STRIDED_SLICE", inputs, (_shaped(x, taken),), "StridedSliceOptions", options)


@_case
def split(r: Random) -> Case:
    shape, parts = list(_shape(r)), r.randint(1, 3)
    axis = r.randrange(len(shape))
    x = _tensor(r, [d * parts if i == axis else d for i, d in enumerate(shape)], r.choice(_MOVED))
    options = {"numSplits": parts}
    return Case("SPLIT", (constant(axis), x), (_shaped(x, shape),) * parts, "SplitOptions", options)


@_case
def split_v(r: Random) -> Case:
    shape, sizes = list(_shape(r)), [r.randint(1, 4) for _ in range(r.randint(1, 3))]
    axis = r.randrange(len(shape))
    shape[axis] = sum(sizes)
    x = _tensor(r, shape, r.choice(_MOVED))
    parts = tuple(_shaped(x, [n if i == axis else d for i, d in enumerate(shape)]) for n in sizes)
    inputs = (x, constant(sizes), constant(axis))
    return Case("SPLIT_V", inputs, parts, "SplitVOptions", {"numSplits": len(sizes)})


@_case
def unpack(r: Random) -> Case:
    shape = _shape(r)
    axis = r.randrange(len(shape))
    x = _tensor(r, shape, r.choice(_MOVED))
    part = _shaped(x, shape[:axis] + shape[axis + 1 :])
    options = {"num": shape[axis], "axis": axis - len(shape) * r.randint(0, 1)}
    return Case("UNPACK", (x,), (part,) * shape[axis], "UnpackOptions", options)


@_case
def pack(r: Random) -> Case:
    shape, count = _shape(r, 1, 3), r.randint(1, 4)
    axis = r.randint(0, len(shape))
    x = _tensor(r, shape, r.choice(_MOVED))
    whole = _shaped(x, (*shape[:axis], count, *shape[axis:]))
    return Case("PACK", (x,) * count, (whole,), "PackOptions", {"valuesCount": count, "axis": axis})


@_case
def concatenation(r: Random) -> Case:
    shape = _shape(r)
    axis = r.randrange(len(shape))
    x = _tensor(r, shape, r.choice((*_MOVED, "int16", "uint8")))
    sizes = [r.randint(1, 5) for _ in range(r.randint(1, 4))]
    shapes = [[n if i == axis else d for i, d in enumerate(shape)] for n in (*sizes, sum(sizes))]
    # uint8 alone may join different scales
    parts = [_tensor(r, s, "uint8") if x.dtype == "uint8" else _shaped(x, s) for s in shapes[:-1]]
    whole = _shaped(x, shapes[-1])
    return Case("CONCATENATION", tuple(parts), (whole,), "ConcatenationOptions", {"axis": axis})


def _padding(r: Random, shape: Sequence[int]) -> tuple[Tensor, list[int]]:
    amounts = [(r.randint(0, 2), r.randint(0, 3)) for _ in shape]
    return constant(amounts), [d + a + b for d, (a, b) in zip(shape, amounts, strict=True)]


@_case
def pad(r: Random) -> Case:
    shape = _shape(r)
    amounts, padded = _padding(r, shape)
    x = _tensor(r, shape, r.choice((*_MOVED, "int16")))
    return Case("PAD", (x, amounts), (_shaped(x, padded),), "PadOptions")


@_case
def padv2(r: Random) -> Case:
    shape = _shape(r)
    amounts, padded = _padding(r, shape)
    x = _tensor(r, shape, r.choice(_MOVED))
    value = replace(x, shape=(), data=np.asarray(7, x.dtype))
    return Case("PADV2", (x, amounts, value), (_shaped(x, padded),), "PadV2Options")


@_case
def mirror_pad(r: Random) -> Case:
    shape, symmetric = tuple(r.randint(2, 5) for _ in range(r.randint(1, 4))), r.randint(0, 1)
    amounts = [[r.randint(0, d - 1 + symmetric) for _ in range(2)] for d in shape]
    padded = [d + sum(a) for d, a in zip(shape, amounts, strict=True)]
    x = _tensor(r, shape, r.choice(("int8", "float32")))
    inputs = (x, constant(amounts))
    return Case(
        "MIRROR_PAD", inputs, (_shaped(x, padded),), "MirrorPadOptions", {"mode": symmetric}
    )


@_case
def tile(r: Random) -> Case:
    shape = _shape(r, 1, 4, 4)
    times = [r.randint(1, 3) for _ in shape]
    x = _tensor(r, shape, r.choice(_MOVED))
    repeated = [a * b for a, b in zip(shape, times, strict=True)]
    return Case("TILE", (x, constant(times)), (_shaped(x, repeated),), "TileOptions")


@_case
def broadcast_to(r: Random) -> Case:
    shape = _shape(r, 1, 4, 4)
    given = [r.choice((d, d, 1)) for d in shape][r.randint(0, len(shape) - 1) :]
    x = _tensor(r, given, r.choice(_MOVED))
    y = _shaped(x, shape)
    return Case("BROADCAST_TO", (x, constant(shape)), (y,), "BroadcastToOptions")


@_case
def reverse(r: Random) -> Case:
    shape = _shape(r)
    x = _tensor(r, shape, r.choice(_MOVED))
    axes = constant([r.randrange(len(shape))])
    return Case("REVERSE_V2", (x, axes), (x,), "ReverseV2Options")


@_case
def gather(r: Random) -> Case:
    shape = _shape(r)
    axis = r.randrange(len(shape))
    batch = r.randint(0, min(axis, 1))
    places = (*shape[:batch], *_shape(r, 0, 2, 4))
    indices = constant(_rng(r).integers(0, shape[axis], places))
    x = _tensor(r, shape, r.choice((*_MOVED, "int16")))
    y = _shaped(x, (*shape[:axis], *places[batch:], *shape[axis + 1 :]))
    options = {"axis": axis, "batchDims": batch}
    return Case("GATHER", (x, indices), (y,), "GatherOptions", options)


@_case
def gather_nd(r: Random) -> Case:
    shape = _shape(r)
    depth, count = r.randint(1, len(shape)), r.randint(1, 4)
    indices = constant([[r.randrange(d) for d in shape[:depth]] for _ in range(count)])
    x = _tensor(r, shape, r.choice(_MOVED))
    return Case(
        "GATHER_ND", (x, indices), (_shaped(x, (count, *shape[depth:])),), "GatherNdOptions"
    )


@_case
def space_to_depth(r: Random) -> Case:
    block, n, h, w, c = r.randint(2, 3), *(r.randint(1, 3) for _ in range(4))
    x = _tensor(r, (n, h * block, w * block, c), r.choice(("int8", "float32")))
    y = _shaped(x, (n, h, w, c * block * block))
    return Case("SPACE_TO_DEPTH", (x,), (y,), "SpaceToDepthOptions", {"blockSize": block})


@_case
def depth_to_space(r: Random) -> Case:
    block, n, h, w, c = r.randint(2, 3), *(r.randint(1, 3) for _ in range(4))
    x = _tensor(r, (n, h, w, c * block * block), r.choice(("int8", "float32")))
    y = _shaped(x, (n, h * block, w * block, c))
    return Case("DEPTH_TO_SPACE", (x,), (y,), "DepthToSpaceOptions", {"blockSize": block})


@_case
def space_to_batch(r: Random) -> Case:
    spatial, n, c = r.randint(1, 2), r.randint(1, 2), r.randint(1, 4)
    block = [r.randint(1, 3) for _ in range(spatial)]
    small = [r.randint(2, 4) for _ in range(spatial)]
    amounts = [[r.randint(0, 1), r.randint(0, 1) if b > 1 else 0] for b in block]
    each = zip(block, small, amounts, strict=True)
    large = [b * s - sum(a) for b, s, a in each]
    x = _tensor(r, (n, *large, c), r.choice(("int8", "float32")))
    y = _shaped(x, (n * int(np.prod(block)), *small, c))
    inputs = (x, constant(block), constant(amounts))
    return Case("SPACE_TO_BATCH_ND", inputs, (y,), "SpaceToBatchNDOptions")


@_case
def batch_to_space(r: Random) -> Case:
    spatial, n, c = r.randint(1, 2), r.randint(1, 2), r.randint(1, 4)
    block = [r.randint(1, 3) for _ in range(spatial)]
    small = [r.randint(2, 4) for _ in range(spatial)]
    crops = [[r.randint(0, 1), r.randint(0, 1) if b > 1 else 0] for b in block]
    large = [b * s - sum(a) for b, s, a in zip(block, small, crops, strict=True)]
    x = _tensor(r, (n * int(np.prod(block)), *small, c), r.choice(("int8", "float32")))
    inputs = (x, constant(block), constant(crops))
    return Case("BATCH_TO_SPACE_ND", inputs, (_shaped(x, (n, *large, c)),), "BatchToSpaceNDOptions")


@_case
def select(r: Random) -> Case:
    whole = _shape(r, 1, 4, 5)
    shapes = [tuple(r.choice((d, d, 1)) for d in whole) for _ in range(3)]
    yes = _tensor(r, shapes[1], r.choice((*_MOVED, "int16")))
    inputs = (Tensor(shapes[0], "bool"), yes, _shaped(yes, shapes[2]))
    return Case(
        "SELECT_V2", inputs, (_shaped(yes, np.broadcast_shapes(*shapes)),), "SelectV2Options"
    )


# --- two inputs ---


def _pair(r: Random) -> tuple[tuple[int, ...], tuple[int, ...]]:
    whole = _shape(r, 1, 4, 5)
    a = tuple(r.choice((d, d, d, 1)) for d in whole)
    b = r.choice((a, tuple(r.choice((d, d, 1)) for d in whole)))
    return (a, b[r.randint(0, len(b) - 1) :]) if r.random() < 0.3 else (a, b)


def _binary(op: str, types: Sequence[str], options: str, *, fused: bool = False) -> None:
    def draw(r: Random) -> Case:
        shapes, dtype = _pair(r), r.choice(types)
        a, b = (_tensor(r, s, dtype) for s in shapes)
        y = _tensor(r, np.broadcast_shapes(*shapes), dtype)
        if y.scale:  # a result that its type can hold
            larger = max(a.scale[0], b.scale[0])
            least = {"MUL": a.scale[0] * b.scale[0], "SQUARED_DIFFERENCE": 4 * larger**2}
            y = replace(y, scale=(max(y.scale[0], 1.01 * least.get(op, larger / 4096)),))
        chosen = {"fusedActivationFunction": r.choice((0, 0, 1, 2, 3))} if fused else {}
        if op in ("ADD", "SUB") and dtype == "int16":
            chosen["potScaleInt16"] = False
        return Case(op, (a, b), (y,), options, chosen)

    CASES[op.lower()] = draw


_NUMBERS = ("int8", "uint8", "int16", "int32", "float32")
for _op in ("ADD", "SUB", "MUL"):
    _binary(_op, _NUMBERS, f"{_op.capitalize()}Options", fused=True)
_binary("DIV", ("float32",), "DivOptions", fused=True)
_binary("SQUARED_DIFFERENCE", ("int8", "int32", "float32"), "SquaredDifferenceOptions")
_binary("FLOOR_DIV", ("float32",), "FloorDivOptions")
_binary("FLOOR_MOD", ("float32",), "FloorModOptions")
_binary("LOGICAL_AND", ("bool",), "LogicalAndOptions")
_binary("LOGICAL_OR", ("bool",), "LogicalOrOptions")


def _compared(op: str, options: str) -> None:
    def draw(r: Random) -> Case:
        shapes, dtype = _pair(r), r.choice(("int8", "uint8", "int32", "int64", "float32"))
        a, b = (_tensor(r, s, dtype) for s in shapes)
        return Case(op, (a, b), (Tensor(np.broadcast_shapes(*shapes), "bool"),), options)

    CASES[op.lower()] = draw


for _op in ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"):
    _compared(_op, f"{_op.title().replace('_', '')}Options")


def _extreme(op: str) -> None:
    def draw(r: Random) -> Case:
        shapes = _pair(r)
        a = _tensor(r, shapes[0], r.choice(_NUMBERS))
        y = _shaped(a, np.broadcast_shapes(*shapes))
        return Case(op, (a, _shaped(a, shapes[1])), (y,), "MaximumMinimumOptions")

    CASES[op.lower()] = draw


_extreme("MAXIMUM")
_extreme("MINIMUM")


@_case
def prelu(r: Random) -> Case:
    shape, dtype = _shape(r, 4, 4, 5), r.choice(("int8", "float32"))
    x, y = (_tensor(r, shape, dtype) for _ in range(2))
    return Case("PRELU", (x, _filled(r, _tensor(r, (1, 1, shape[3]), dtype))), (y,))


# --- one input ---


def _unary(op: str, types: Sequence[str], options: str | None = None) -> None:
    def draw(r: Random) -> Case:
        shape, dtype = _shape(r), r.choice(types)
        x, y = (_tensor(r, shape, dtype) for _ in range(2))
        if op in ("RSQRT", "LOG") and x.scale:
            x = replace(x, zero_point=(-128,))
        if op == "EXP" and x.scale:  # beyond 32 bits tflite-runtime wraps around
            x = replace(x, scale=(min(x.scale[0], 0.04),))
        if op == "HARD_SWISH" and x.scale:
            y = replace(y, scale=(max(y.scale[0], x.scale[0] / 100),))
        chosen: dict[str, Any] = {}
        if op == "LEAKY_RELU":
            chosen["alpha"] = round(r.uniform(0.01, 0.5), 3)
        if op == "GELU":
            chosen["approximate"] = r.random() < 0.5
        return Case(op, (x,), (y,), options, chosen)

    CASES[op.lower()] = draw


_unary("ABS", ("int8", "int16", "float32"), "AbsOptions")
_unary("NEG", ("int32", "int64", "float32"), "NegOptions")
_unary("ELU", ("int8", "float32"))
_unary("EXP", ("int8", "float32"), "ExpOptions")
_unary("LOG", ("int8", "float32"))
_unary("GELU", ("int8", "float32"), "GeluOptions")
_unary("SQRT", ("float32",))
_unary("SIN", ("float32",))
_unary("COS", ("float32",), "CosOptions")
_unary("ROUND", ("float32",))
_unary("ZEROS_LIKE", ("int32", "float32"), "ZerosLikeOptions")
_unary("RSQRT", ("int8", "float32"))
_unary("RELU", ("int8", "uint8", "float32"))
_unary("RELU6", ("int8", "uint8", "float32"))
_unary("RELU_N1_TO_1", ("int8", "float32"))
_unary("HARD_SWISH", ("int8", "uint8", "float32"), "HardSwishOptions")
_unary("LEAKY_RELU", ("int8", "uint8", "float32"), "LeakyReluOptions")
_unary("SQUARE", ("float32",), "SquareOptions")
_unary("FLOOR", ("float32",))
_unary("CEIL", ("float32",))
_unary("LOGICAL_NOT", ("bool",), "LogicalNotOptions")


@_case
def arg_max(r: Random) -> Case:
    return _arg(r, "ARG_MAX", "ArgMaxOptions")


@_case
def arg_min(r: Random) -> Case:
    return _arg(r, "ARG_MIN", "ArgMinOptions")


def _arg(r: Random, op: str, options: str) -> Case:
    shape = _shape(r, 2, 4)
    axis = r.randrange(len(shape))
    out = Tensor(shape[:axis] + shape[axis + 1 :], "int32")
    x = _tensor(r, shape, r.choice(("int8", "float32")))
    return Case(op, (x, constant(axis)), (out,), options, {"outputType": 2})  # INT32


@_case
def l2_normalization(r: Random) -> Case:
    dtype = r.choice(("int8", "float32"))
    x = _tensor(r, _shape(r, 2, 4, 9), dtype)
    y = Tensor(x.shape, dtype, (1 / 128,), (0,)) if dtype == "int8" else _shaped(x, x.shape)
    return Case("L2_NORMALIZATION", (x,), (y,), "L2NormOptions", {}, 2)


@_case
def reshape(r: Random) -> Case:
    x = _tensor(r, _shape(r), r.choice(_MOVED))
    size = int(np.prod(x.shape))
    parts = [n for n in range(1, size + 1) if size % n == 0]
    first = r.choice(parts)
    shape = (first, size // first)
    options = {"newShape": list(shape)}
    return Case("RESHAPE", (x, constant(shape)), (_shaped(x, shape),), "ReshapeOptions", options)


def _to_unit(op: str, scales: dict[str, tuple[float, int]], options: str | None = None) -> None:
    """Operators whose output's scale is a part of what they are."""

    def draw(r: Random) -> Case:
        dtype = r.choice(sorted(scales))
        shape, (scale, zero_point) = _shape(r, 1, 3, 9), scales[dtype]
        x = _tensor(r, shape, dtype)
        chosen = {"beta": 1.0} if op == "SOFTMAX" else {}
        return Case(op, (x,), (Tensor(shape, dtype, (scale,), (zero_point,)),), options, chosen, 3)

    CASES[op.lower()] = draw


_to_unit("SOFTMAX", {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)}, "SoftmaxOptions")
_to_unit("LOGISTIC", {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)})
_to_unit("TANH", {"int8": (1 / 128, 0), "int16": (1 / 32768, 0)})


_QUANTIZED = [("float32", to) for to in ("int8", "uint8", "int16")]
_QUANTIZED += [("int8", "int8"), ("int8", "uint8"), ("uint8", "int8")]
_QUANTIZED += [("int16", "int8"), ("int16", "int16")]


@_case
def quantize(r: Random) -> Case:
    shape = _shape(r)
    x, y = (_tensor(r, shape, dtype) for dtype in r.choice(_QUANTIZED))
    return Case("QUANTIZE", (x,), (y,), "QuantizeOptions")


@_case
def dequantize(r: Random) -> Case:
    x = _tensor(r, _shape(r), r.choice(("int8", "uint8", "int16", "float16")))
    return Case("DEQUANTIZE", (x,), (Tensor(x.shape, "float32"),), "DequantizeOptions")


@_case
def cast(r: Random) -> Case:
    shape, dtype = _shape(r), r.choice(("int8", "uint8", "int32", "int64", "bool", "float32"))
    # what does not fit an integer is nobody's
    to = r.choice(
        ("int32", "int64") if dtype == "float32" else ("int8", "int32", "float32", "bool")
    )
    return Case("CAST", (Tensor(shape, dtype),), (Tensor(shape, to),))


# --- reductions ---


def _reduced(op: str, types: Sequence[str], *, rescales: bool = False) -> None:
    def draw(r: Random) -> Case:
        shape = _shape(r)
        n = len(shape)
        axes = [1, 2] if n == 4 and r.random() < 0.4 else r.sample(range(n), r.randint(1, n))
        keeps = r.random() < 0.5
        kept = [1 if i in axes else d for i, d in enumerate(shape) if keeps or i not in axes]
        x = _tensor(r, shape, r.choice(types))
        y = _tensor(r, kept, x.dtype) if rescales and r.random() < 0.6 else _shaped(x, kept)
        given = constant([a - n * (axes != [1, 2] and r.randint(0, 1)) for a in axes])
        return Case(op, (x, given), (y,), "ReducerOptions", {"keepDims": keeps})

    CASES[op.lower()] = draw


_reduced("MEAN", ("int8", "uint8", "int16", "int32", "float32"), rescales=True)
_reduced("SUM", ("int8", "int32", "float32"), rescales=True)
_reduced("REDUCE_MAX", ("int8", "int32", "float32"))
_reduced("REDUCE_MIN", ("int8", "int32", "float32"))
_reduced("REDUCE_PROD", ("float32",))
_reduced("REDUCE_ANY", ("bool",))
_reduced("REDUCE_ALL", ("bool",))


# --- weights ---


def _weights(r: Random, shape: tuple[int, ...], axis: int, per_channel: bool) -> Tensor:
    count = shape[axis] if per_channel else 1
    scales = tuple(round(10 ** r.uniform(-3, -1.5), 7) for _ in range(count))
    values = _rng(r).integers(-127, 127, shape, endpoint=True).astype(np.int8)
    return Tensor(shape, "int8", scales, (0,) * count, axis, values)


def _bias(r: Random, x: Tensor, weights: Tensor, channels: int) -> Tensor:
    values = _rng(r).integers(-(1 << 14), 1 << 14, channels)
    scales = tuple(float(np.float32(x.scale[0]) * np.float32(s)) for s in weights.scale)
    dtype = "int64" if x.dtype == "int16" else "int32"
    zero_points = (0,) * len(scales)
    return Tensor((channels,), dtype, scales, zero_points, data=values.astype(dtype))


def _answer(r: Random, shape: Sequence[int], x: Tensor, weights: Tensor, depth: int) -> Tensor:
    """An output whose scale suits sums of ``depth`` products, more or less."""
    sum_ = x.scale[0] * float(np.median(weights.scale)) * _LIMITS[x.dtype] / 2 * 60 * depth**0.5
    y = _tensor(r, shape, x.dtype)
    return replace(y, scale=(float(np.float32(sum_ / _LIMITS[x.dtype] * r.uniform(0.5, 3))),))


def _fused(r: Random) -> dict[str, Any]:
    return {"fusedActivationFunction": r.choice((0, 1, 3))}


def _dense(dtype: str, *, per_channel: bool) -> Draw:
    def draw(r: Random) -> Case:
        rows, depth, channels = r.randint(1, 3), r.randint(1, 70), r.randint(1, 33)
        x = _tensor(r, (rows, depth), dtype)
        weights = _weights(r, (channels, depth), 0, per_channel)
        bias = _bias(r, x, weights, channels)
        # without a bias, sums of int16 are kept differently
        given = bias if dtype == "int16" or r.random() < 0.7 else None
        y = _answer(r, (rows, channels), x, weights, depth)
        inputs = (x, weights, given)
        return Case("FULLY_CONNECTED", inputs, (y,), "FullyConnectedOptions", _fused(r), 4)

    return draw


CASES["dense"] = _dense("int8", per_channel=False)
CASES["dense_per_channel"] = _dense("int8", per_channel=True)
CASES["dense_int16"] = _dense("int16", per_channel=False)


def _window(size: int, reach: int, stride: int, same: bool) -> int:
    return -(-size // stride) if same else -(-(size - reach + 1) // stride)


def _conv(dtype: str = "int8", *, groups: bool = False, depthwise: bool = False) -> Draw:
    def draw(r: Random) -> Case:
        height, width, dilation = r.randint(1, 4), r.randint(1, 4), r.choice((1, 1, 2))
        strides = (1, 1) if dilation > 1 else (r.randint(1, 2), r.randint(1, 2))
        same, batch = r.random() < 0.5, r.randint(1, 2)
        reach = [(f - 1) * dilation + 1 for f in (height, width)]
        sizes = [n + r.randint(0, 5) for n in reach]
        each = zip(sizes, reach, strides, strict=True)
        out = [_window(n, f, s, same) for n, f, s in each]
        count, depth = r.randint(2, 4) if groups else 1, r.randint(1, 9)
        multiplier = r.choice((1, 1, 2, 3))
        channels = depth * multiplier if depthwise else count * r.randint(1, 6)
        x = _tensor(r, (batch, *sizes, depth * count), dtype)
        shape = (1, height, width, channels) if depthwise else (channels, height, width, depth)
        weights = _weights(r, shape, 3 if depthwise else 0, r.random() < 0.8)
        products = height * width * (1 if depthwise else depth)
        y = _answer(r, (batch, *out, channels), x, weights, products)
        options = {"strideH": strides[0], "strideW": strides[1], "padding": 0 if same else 1}
        options |= {"dilationHFactor": dilation, "dilationWFactor": dilation, **_fused(r)}
        if depthwise:
            options["depthMultiplier"] = multiplier
        op = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        class_ = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
        return Case(op, (x, weights, _bias(r, x, weights, channels)), (y,), class_, options, 3)

    return draw


CASES["conv"] = _conv()
CASES["conv_in_groups"] = _conv(groups=True)
CASES["conv_int16"] = _conv("int16")
CASES["depthwise"] = _conv(depthwise=True)
CASES["depthwise_int16"] = _conv("int16", depthwise=True)


@_case
def conv_float32(r: Random) -> Case:
    case = _conv(groups=r.random() < 0.3)(r)
    x, weights, bias = (
        None if t is None else replace(t, dtype="float32", scale=(), zero_point=())
        for t in case.inputs
    )
    assert x is not None
    assert weights is not None
    assert bias is not None
    y = replace(case.outputs[0], dtype="float32", scale=(), zero_point=())
    filled = (_filled(r, replace(weights, data=None)), _filled(r, replace(bias, data=None)))
    return replace(case, inputs=(x, *filled), outputs=(y,))


def _lstm(dtype: str) -> Draw:
    def matrix(r: Random, rows: int, columns: int) -> Tensor:
        if dtype == "float32":
            values = _rng(r).standard_normal((rows, columns)).astype(np.float32)
            return Tensor((rows, columns), dtype, data=values)
        return _weights(r, (rows, columns), 0, per_channel=False)

    def draw(r: Random) -> Case:
        batch, time, depth, units = (r.randint(1, most) for most in (2, 5, 12, 9))
        is_time_major = r.random() < 0.3
        ends = (time, batch) if is_time_major else (batch, time)
        x = _tensor(r, (*ends, depth), dtype)
        is_real = dtype == "float32"
        share = () if is_real else (1 / 128 if dtype == "int8" else 1 / 32768,)
        zero = () if is_real else (r.randint(-9, 9) if dtype == "int8" else 0,)
        hidden = Tensor((batch, units), dtype, share, zero, is_variable=True)
        cell_scale = () if is_real else (2.0 ** -r.randint(9, 13),)
        cell_zero = () if is_real else (0,)
        cell_type = dtype if is_real else "int16"
        cell = Tensor((batch, units), cell_type, cell_scale, cell_zero, is_variable=True)
        of_input = [matrix(r, units, depth) for _ in range(4)]
        of_hidden = [matrix(r, units, units) for _ in range(4)]
        if is_real:
            biases = [_filled(r, Tensor((units,), dtype)) for _ in range(4)]
        else:
            biases = [_bias(r, x, weights, units) for weights in of_input]
        lacking = (None,)
        inputs = (x, *of_input, *of_hidden, *lacking * 3, *biases, *lacking * 2, hidden, cell)
        y = Tensor((*ends, units), dtype, share, zero)
        options: dict[str, Any] = {"fusedActivationFunction": 4, "timeMajor": is_time_major}
        options["cellClip"] = r.choice((0.0, 0.0, 1.5, 10.0))
        class_ = "UnidirectionalSequenceLSTMOptions"
        op = "UNIDIRECTIONAL_SEQUENCE_LSTM"
        return Case(op, (*inputs, *lacking * 4), (y,), class_, options)

    return draw


CASES["lstm"] = _lstm("int8")
CASES["lstm_int16"] = _lstm("int16")
CASES["lstm_float32"] = _lstm("float32")


def _pool(op: str) -> None:
    def draw(r: Random) -> Case:
        window, strides = [r.randint(1, 3) for _ in range(2)], [r.randint(1, 3) for _ in range(2)]
        same, sizes = r.random() < 0.5, [n + r.randint(0, 5) for n in window]
        each = zip(sizes, window, strides, strict=True)
        out = [_window(n, f, s, same) for n, f, s in each]
        batch, channels = r.randint(1, 2), r.randint(1, 9)
        x = _tensor(r, (batch, *sizes, channels), r.choice(("int8", "int16", "float32")))
        options = {"strideH": strides[0], "strideW": strides[1], "padding": 0 if same else 1}
        options |= {"filterHeight": window[0], "filterWidth": window[1], **_fused(r)}
        y = _shaped(x, (batch, *out, channels))
        return Case(op, (x,), (y,), "Pool2DOptions", options, 3)

    CASES[op.lower()] = draw


_pool("AVERAGE_POOL_2D")
_pool("MAX_POOL_2D")


@_case
def transpose_conv(r: Random) -> Case:
    height, width, channels, depth = (r.randint(1, 4) for _ in range(4))
    strides, same = (r.randint(1, 3), r.randint(1, 3)), r.random() < 0.5
    sizes = (r.randint(1, 4), r.randint(1, 4))
    each = zip(sizes, strides, (height, width), strict=True)
    out = [n * s if same else n * s + max(f - s, 0) for n, s, f in each]
    x = _tensor(r, (1, *sizes, depth), "int8")
    weights = _weights(r, (channels, height, width, depth), 0, True)
    y = _answer(r, (1, *out, channels), x, weights, height * width * depth)
    bias = (_bias(r, x, weights, channels),) if r.random() < 0.7 else ()
    options = {"strideH": strides[0], "strideW": strides[1], "padding": 0 if same else 1}
    inputs = (constant(y.shape), weights, x, *bias)
    return Case("TRANSPOSE_CONV", inputs, (y,), "TransposeConvOptions", options, 3)


@_case
def batch_matmul(r: Random) -> Case:
    rows, columns, depth, batch = *(r.randint(1, 6) for _ in range(3)), _shape(r, 0, 2, 3)
    shapes = [tuple(r.choice((d, d, 1)) for d in batch) for _ in range(2)]
    turned = [r.random() < 0.5 for _ in range(2)]
    ends = [(depth, rows) if turned[0] else (rows, depth)]
    ends.append((columns, depth) if turned[1] else (depth, columns))
    dtype = r.choice(("int8", "float32"))
    a, b = (_tensor(r, (*s, *e), dtype) for s, e in zip(shapes, ends, strict=True))
    y = _tensor(r, (*np.broadcast_shapes(*shapes), rows, columns), dtype)
    if y.scale:
        y = replace(y, scale=(float(np.float32(a.scale[0] * b.scale[0] * 36 * depth**0.5)),))
    options = {"adjX": turned[0], "adjY": turned[1]}
    return Case("BATCH_MATMUL", (a, b), (y,), "BatchMatMulOptions", options)


def _resized(op: str, options: str) -> None:
    def draw(r: Random) -> Case:
        batch, height, width, channels = (r.randint(1, 5) for _ in range(4))
        size, way = (r.randint(1, 9), r.randint(1, 9)), r.randint(0, 2)
        x = _tensor(r, (batch, height, width, channels), r.choice(("int8", "float32")))
        chosen = {"alignCorners": way == 1, "halfPixelCenters": way == 2}
        y = _shaped(x, (batch, *size, channels))
        return Case(op, (x, constant(size)), (y,), options, chosen, 3)

    CASES[op.lower()] = draw


_resized("RESIZE_BILINEAR", "ResizeBilinearOptions")
_resized("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")


# --- sums, logarithms, look-ups ---


@_case
def add_n(r: Random) -> Case:
    x = _tensor(r, _shape(r), r.choice(("int8", "float32", "int32")))
    y = _tensor(r, x.shape, x.dtype)
    return Case("ADD_N", (x,) * r.randint(2, 5), (y,), "AddNOptions")


@_case
def cumsum(r: Random) -> Case:
    x = _tensor(r, _shape(r), r.choice(("int8", "float32")))
    y = _tensor(r, x.shape, x.dtype)
    axis = constant(r.randrange(len(x.shape)) - len(x.shape) * r.randint(0, 1))
    options = {"exclusive": bool(r.randint(0, 1)), "reverse": bool(r.randint(0, 1))}
    return Case("CUMSUM", (x, axis), (y,), "CumsumOptions", options)


@_case
def div_int8(r: Random) -> Case:
    # tflite-micro gives nothing to rely on for a divisor of zero, or where all quotients are small
    x = replace(_tensor(r, _shape(r), "int8"), scale=(round(r.uniform(0.1, 0.5), 6),))
    y, z = (replace(_shaped(x, x.shape), scale=(round(r.uniform(0.001, 0.03), 6),)) for _ in "yz")
    y = replace(y, zero_point=(-128,))
    divisor = np.asarray(_rng(r).integers(-127, 127, x.shape), np.int8)
    options = {"fusedActivationFunction": r.choice((0, 1, 3))}
    return Case("DIV", (x, replace(y, data=divisor)), (z,), "DivOptions", options)


@_case
def log_softmax(r: Random) -> Case:
    x = _tensor(r, _shape(r, 1, 4, 12), r.choice(("int8", "float32")))
    scaled = ((16 / 256,), (127,)) if x.dtype == "int8" else ((), ())
    y = Tensor(x.shape, x.dtype, *scaled)
    return Case("LOG_SOFTMAX", (x,), (y,), "LogSoftmaxOptions")


@_case
def embedding_lookup(r: Random) -> Case:
    table = _tensor(r, _shape(r, 2, 3, 5), r.choice(("int8", "float32")))
    is_hybrid = table.dtype == "int8" and r.randint(0, 1)
    if is_hybrid:
        table = replace(table, zero_point=(0,))
    places = constant(_rng(r).integers(0, table.shape[0], r.randint(1, 5)))
    shape = (*places.shape, *table.shape[1:])
    y = Tensor(shape, "float32") if is_hybrid else _shaped(table, shape)
    return Case("EMBEDDING_LOOKUP", (places, table), (y,))


@_case
def l2_pool(r: Random) -> Case:
    window, stride = r.randint(1, 3), r.randint(1, 3)
    n, h, w, c = (r.randint(3, 6) for _ in range(4))
    is_valid = r.randint(0, 1)
    sizes = [-(-(d - (window - 1) * is_valid) // stride) for d in (h, w)]
    options = {
        **{"padding": is_valid, "strideW": stride, "strideH": stride},
        **{"filterWidth": window, "filterHeight": window},
        "fusedActivationFunction": r.choice((0, 1, 3)),
    }
    x, y = Tensor((n, h, w, c), "float32"), Tensor((n, *sizes, c), "float32")
    return Case("L2_POOL_2D", (x,), (y,), "Pool2DOptions", options)


def broadcast_args(r: Random) -> Case:
    """Of shapes that fit together, which are constants: a model of it alone has no input."""
    shape = _shape(r)
    part = [d if r.randint(0, 1) else 1 for d in shape][r.randrange(len(shape)) :]
    other = [
        1 if d != 1 and r.randint(0, 1) and i < len(shape) - len(part) else d
        for i, d in enumerate(shape)
    ]
    y = Tensor((len(shape),), "int32")
    return Case("BROADCAST_ARGS", (constant(part), constant(other)), (y,))


@_case
def rectifier_int16(r: Random) -> Case:
    shape = _shape(r)
    x, y = (_tensor(r, shape, "int16") for _ in range(2))
    return Case(r.choice(("RELU", "RELU6", "RELU_N1_TO_1")), (x,), (y,))
