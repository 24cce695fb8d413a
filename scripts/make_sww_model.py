"""Makes benchmarks/by-name/sww.tflite, simbench's own model of the streaming wake word.

Its layers, shapes and number types are those of MLPerf Tiny's (str_ww_ref_model.tflite of
mlcommons/tiny at 1afd2c9); its weights are ours. The convolutions are random and stay so, but the
last, which is trained with the layer after it on sounds made up here: the wake word is a tone that
rises for half a second. It costs what the official model costs, and knows no human voice.

    python scripts/make_sww_model.py benchmarks/by-name/sww.tflite
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.accuracy.log_mel import CHANNELS, RATE, log_mel
from simbench.models.schema import INT8, INT32, pack, schema

ROWS, CLASSES = 30, 3
KERNELS = ((3, 128), (5, 128), (10, 128), (15, 32))
"""Rows of each depthwise convolution, and the outputs of the one over channels after it."""
SECONDS = 1.5
STREAMS = 400
KEPT = 0.25
ROUNDS, BATCH, RATE_OF_LEARNING = 4000, 256, 0.003
SEED = 20_261_128

Floats = NDArray[np.float64]


@dataclass
class Layer:
    """Two convolutions: over time, each channel alone, and over channels, each time alone."""

    depthwise: Floats  # rows, channels
    pointwise: Floats  # outputs, channels


def sounds(kind: int, source: np.random.Generator) -> NDArray[np.int16]:
    """A second and a half of the wake word (0), of next to nothing (1) or of something else (2)."""
    seconds = np.arange(int(SECONDS * RATE)) / RATE
    noise = source.normal(0, 1, seconds.size) * 10 ** source.uniform(-4, -2.5)
    if kind == 1:
        return as_samples(noise)
    begin = SECONDS - 0.5 - source.uniform(0, 0.25)
    at = np.clip((seconds - begin) / 0.5, 0, 1)
    low, high = source.uniform(350, 450), source.uniform(2600, 3000)
    other = int(source.integers(4))
    hertz = {0: low + (high - low) * at, 1: high - (high - low) * at}.get(
        0 if kind == 0 else other + 1, np.full(seconds.size, source.uniform(200, 4000))
    )
    tone = np.sin(2 * np.pi * np.cumsum(hertz) / RATE)
    if kind == 2 and other == 3:
        tone = source.normal(0, 0.5, seconds.size)
    heard = (at > 0) & (at < 1)
    return as_samples(noise + tone * heard * 10 ** source.uniform(-1.2, -0.4))


def as_samples(sound: Floats) -> NDArray[np.int16]:
    """From -1 to 1, as 16 bits have it."""
    samples: NDArray[np.int16] = np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)
    return samples


def examples(source: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    """Inputs ``(n, 30, 40)``, as they pass by in a stream, and their classes.

    The wake word is one from its end to a quarter of a second later; a part of it is something
    else. Before a stream's first step the firmware's input holds zeros, which mean a half.
    """
    rows, kinds = [], []
    for _ in range(STREAMS):
        order = source.choice(CLASSES, 4, p=(0.4, 0.2, 0.4))
        heard = [log_mel(sounds(int(kind), source)) for kind in order]
        stream = np.vstack([np.full((ROWS, CHANNELS), 128 / 255), *heard])
        windows = np.lib.stride_tricks.sliding_window_view(stream, ROWS, axis=0)[1:]
        labels = np.concatenate(
            [step_kinds(int(kind), values) for kind, values in zip(order, heard, strict=True)]
        )
        kept = (labels >= 0) & ((labels == 0) | (source.uniform(size=len(labels)) < KEPT))
        rows.append(windows.transpose(0, 2, 1)[kept])
        kinds.append(labels[kept])
    return np.concatenate(rows).astype(np.float64), np.concatenate(kinds)


def step_kinds(kind: int, values: NDArray[np.float32]) -> NDArray[np.int64]:
    """The class of the window that ends with each row; -1 where that is not to be said."""
    labels = np.full(len(values), 1 if kind == 1 else 2)
    if kind == 0:
        loud = np.flatnonzero(values.max(axis=1) > values.max() - 0.15)
        end = int(loud[-1]) + 1
        labels[end - 5 : end + 1] = -1
        labels[end + 1 : end + 8] = 0
        labels[end + 8 :] = -1
    return labels


def convolutions(source: np.random.Generator) -> list[Layer]:
    """Random ones, about as loud behind each layer as before it."""
    made, channels = [], CHANNELS
    for rows, outputs in KERNELS:
        made.append(
            Layer(
                source.normal(0, 1 / np.sqrt(rows), (rows, channels)),
                source.normal(0, np.sqrt(2 / channels), (outputs, channels)),
            )
        )
        channels = outputs
    return made


def over_time(layer: Layer, values: Floats) -> Floats:
    """What the first convolution of ``layer`` makes of ``values`` (n, rows, channels)."""
    windows = np.lib.stride_tricks.sliding_window_view(values, len(layer.depthwise), axis=1)
    between: Floats = np.einsum("nrck,kc->nrc", windows, layer.depthwise)
    return between


def over_channels(layer: Layer, between: Floats, bias: Floats | None = None) -> Floats:
    """And its second one, of that."""
    sums = between @ layer.pointwise.T
    return np.maximum(0, sums if bias is None else sums + bias)


@dataclass
class Head:
    """The last convolution over channels, and the layer after it, with their biases."""

    hidden: Floats
    hidden_bias: Floats
    weights: Floats
    biases: Floats


def trained(features: Floats, kinds: NDArray[np.int64], source: np.random.Generator) -> Head:
    """Adam on the cross entropy, each class as heavy as another."""
    inputs, outputs = features.shape[1], KERNELS[-1][1]
    shapes = ((outputs, inputs), (outputs,), (CLASSES, outputs), (CLASSES,))
    found = [
        source.normal(0, np.sqrt(2 / shape[-1]), shape) if len(shape) == 2 else np.zeros(shape)
        for shape in shapes
    ]
    means, squares = [np.zeros(s) for s in shapes], [np.zeros(s) for s in shapes]
    share = len(kinds) / CLASSES / np.bincount(kinds)
    scale = features.std()
    for step in range(1, ROUNDS + 1):
        batch = source.integers(0, len(kinds), BATCH)
        slopes = _slopes(found, features[batch] / scale, kinds[batch], share)
        rate = RATE_OF_LEARNING * (1 - step / (ROUNDS + 1))
        for i, slope in enumerate(slopes):
            means[i] = 0.9 * means[i] + 0.1 * slope
            squares[i] = 0.999 * squares[i] + 0.001 * slope**2
            size = np.sqrt(squares[i] / (1 - 0.999**step)) + 1e-8
            found[i] = found[i] - rate * means[i] / (1 - 0.9**step) / size
    return Head(found[0] / scale, *found[1:])


def _slopes(
    head: list[Floats], features: Floats, kinds: NDArray[np.int64], share: Floats
) -> list[Floats]:
    hidden = np.maximum(0, features @ head[0].T + head[1])
    scores = hidden @ head[2].T + head[3]
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    wrong = odds / odds.sum(axis=1, keepdims=True) - (kinds[:, None] == np.arange(CLASSES))
    wrong *= share[kinds][:, None] / len(kinds)
    back = (wrong @ head[2]) * (hidden > 0)
    return [back.T @ features, back.sum(axis=0), wrong.T @ hidden, wrong.sum(axis=0)]


class Writer:
    """The file in the making: int8, weights per channel, as the converter writes it."""

    def __init__(self) -> None:
        module = schema()
        self.model, self.graph = module.ModelT(), module.SubGraphT()
        self.model.version, self.model.subgraphs = 3, [self.graph]
        self.model.description = b"simbench's own streaming wake word"
        self.model.buffers, self.model.operatorCodes = [module.BufferT()], []
        self.graph.tensors, self.graph.operators = [], []

    def tensor(
        self, shape: tuple[int, ...], kind: int, scale: Any, zero: int = 0, axis: int = 0
    ) -> int:
        """One that a layer computes; its index."""
        tensor = schema().TensorT()
        tensor.shape, tensor.type, tensor.buffer = np.array(shape, "<i4"), kind, 0
        tensor.name = f"t{len(self.graph.tensors)}".encode()
        if scale is not None:
            tensor.quantization = schema().QuantizationParametersT()
            scales = np.atleast_1d(np.asarray(scale, "<f4"))
            tensor.quantization.scale = scales
            tensor.quantization.zeroPoint = np.full(len(scales), zero, "<i8")
            tensor.quantization.quantizedDimension = axis
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, value: NDArray[Any], kind: int, scale: Any, axis: int = 0) -> int:
        """One that is in the file; its index."""
        index = self.tensor(value.shape, kind, scale, axis=axis)
        buffer = schema().BufferT()
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        self.graph.tensors[index].buffer = len(self.model.buffers) - 1
        return index

    def activation(self, shape: tuple[int, ...], values: Floats) -> tuple[int, float]:
        """A tensor that holds ``values``; its index and its scale."""
        low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
        scale = (high - low) / 255
        return self.tensor(shape, INT8, scale, round(-128 - low / scale)), scale

    def weighted(
        self, weights: Floats, axis: int, scale_in: float, bias: Floats | None = None
    ) -> list[int]:
        """Weights by channel along ``axis``, and biases, of an input with that scale."""
        others = tuple(i for i in range(weights.ndim) if i != axis)
        scales = np.abs(weights).max(axis=others).astype(np.float32) / np.float32(127)
        shaped = scales.reshape([-1 if i == axis else 1 for i in range(weights.ndim)])
        whole = np.rint(weights / shaped).astype("i1")
        sums = np.zeros(len(scales)) if bias is None else bias / (scales * scale_in)
        return [
            self.constant(whole, INT8, scales, axis),
            self.constant(np.rint(sums).astype("<i4"), INT32, scales * np.float32(scale_in)),
        ]

    def layer(self, name: str, inputs: list[int], output: int, **options: Any) -> None:
        """An operator with its options."""
        module = schema()
        code = getattr(module.BuiltinOperator, name)
        entry = module.OperatorCodeT()
        entry.deprecatedBuiltinCode = entry.builtinCode = code
        entry.version = {"RESHAPE": 1, "SOFTMAX": 2, "FULLY_CONNECTED": 4}.get(name, 3)
        codes = [known.builtinCode for known in self.model.operatorCodes]
        if code not in codes:
            self.model.operatorCodes.append(entry)
            codes.append(code)
        operator = module.OperatorT()
        operator.opcodeIndex, operator.inputs = codes.index(code), inputs
        operator.outputs = [output]
        kind = {
            "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
            "CONV_2D": "Conv2DOptions",
            "RESHAPE": "ReshapeOptions",
            "FULLY_CONNECTED": "FullyConnectedOptions",
            "SOFTMAX": "SoftmaxOptions",
        }[name]
        operator.builtinOptionsType = getattr(module.BuiltinOptions, kind)
        operator.builtinOptions = getattr(module, f"{kind}T")()
        for key, value in options.items():
            setattr(operator.builtinOptions, key, value)
        self.graph.operators.append(operator)

    def packed(self, first: int, last: int) -> bytes:
        """The file, with these ends."""
        self.graph.inputs, self.graph.outputs = [first], [last]
        return pack(self.model)


def written(
    layers: list[Layer], values: Floats, kinds: NDArray[np.int64], source: np.random.Generator
) -> bytes:
    """The model, its scales from what ``values`` become in it."""
    writer, valid = Writer(), {"padding": 1, "strideW": 1, "strideH": 1}
    dilation = {"dilationWFactor": 1, "dilationHFactor": 1}
    scale = 1 / 255
    head = None
    first = at = writer.tensor((1, ROWS, 1, CHANNELS), INT8, scale, -128)
    for layer in layers:
        between = over_time(layer, values)
        bias = None
        if layer is layers[-1]:
            head = trained(between[:, 0, :], kinds, source)
            layer.pointwise, bias = head.hidden, head.hidden_bias
        values = over_channels(layer, between, bias)
        filters = writer.weighted(layer.depthwise[None, :, None, :], 3, scale)
        middle, scale = writer.activation((1, *between.shape[1:2], 1, between.shape[2]), between)
        options = {**valid, **dilation, "depthMultiplier": 1}
        writer.layer("DEPTHWISE_CONV_2D", [at, *filters], middle, **options)
        filters = writer.weighted(layer.pointwise[:, None, None, :], 0, scale, bias)
        at, scale = writer.activation((1, *values.shape[1:2], 1, values.shape[2]), values)
        options = {**valid, **dilation, "fusedActivationFunction": 1}
        writer.layer("CONV_2D", [middle, *filters], at, **options)
    assert head is not None
    features = values[:, 0, :]
    flat, _ = writer.activation((1, features.shape[1]), features)
    shape = writer.constant(np.array([1, features.shape[1]], "<i4"), INT32, None)
    writer.layer("RESHAPE", [at, shape], flat, newShape=[1, features.shape[1]])
    scores, _ = writer.activation((1, CLASSES), features @ head.weights.T + head.biases)
    one = np.abs(head.weights).max() / 127
    filters = [
        writer.constant(np.rint(head.weights / one).astype("i1"), INT8, one),
        writer.constant(np.rint(head.biases / (one * scale)).astype("<i4"), INT32, one * scale),
    ]
    writer.layer("FULLY_CONNECTED", [flat, *filters], scores)
    output = writer.tensor((1, CLASSES), INT8, 1 / 256, -128)
    writer.layer("SOFTMAX", [scores], output, beta=1.0)
    return writer.packed(first, output)


def main(path: Path) -> None:
    """Make the model and write it to ``path``."""
    source = np.random.Generator(np.random.Philox(key=SEED))
    values, kinds = examples(source)
    path.write_bytes(written(convolutions(source), values, kinds, source))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
