"""A family of depthwise-separable keyword spotters: quantized models with random weights.

Cost hardly depends on what a network has learnt, so a search over shapes needs no training. Written
with flatbuffers and TensorFlow Lite's schema alone: ``python spotters.py FOLDER [--count N]``.
"""

from __future__ import annotations

import argparse
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simbench.models.schema import pack, schema

WORDS = 12
FRAMES, COEFFICIENTS = 49, 10  # of a second of speech: the input of the benchmark kws
INT32, INT8 = 2, 9
SAME, RELU = 0, 1
SCALE = 0.05


@dataclass(frozen=True, slots=True)
class Spotter:
    """A network: a convolution, then ``channels`` of each depthwise-separable block after it.

    ``stem`` is the convolution's channels, ``stride`` its step in time, ``kernel`` the height and
    width of the depthwise filters, and ``halves`` after how many blocks one makes the map smaller.
    """

    stem: int
    stride: int
    kernel: int
    channels: tuple[int, ...]
    halves: int

    @property
    def name(self) -> str:
        """Its parameters as the name of its file."""
        widths = "-".join(map(str, self.channels))
        return f"s{self.stem}x{self.stride}-k{self.kernel}-h{self.halves}-{widths}"


def family() -> Iterator[Spotter]:
    """Every network of the family, in a fixed order."""
    stems, strides, kernels = (4, 6, 8, 12, 16, 24, 32), (2, 4), (3, 5)
    widths = (4, 6, 8, 12, 16, 20, 24, 32, 48)
    for stem, stride, kernel, depth in itertools.product(stems, strides, kernels, range(1, 6)):
        for width, growth, halves in itertools.product(widths, (1.0, 1.5), (0, 1, 2)):
            if halves < depth or halves == 0:
                channels = tuple(_even(width * growth**i) for i in range(depth))
                yield Spotter(stem, stride, kernel, channels, halves)


def _even(width: float) -> int:
    return max(2, int(width) // 2 * 2)


def sample(count: int, seed: int = 0) -> list[Spotter]:
    """``count`` different networks of the family, the same for the same ``seed``."""
    everyone = list(dict.fromkeys(family()))
    return random.Random(seed).sample(everyone, min(count, len(everyone)))


def model(spotter: Spotter, seed: int = 0) -> bytes:
    """The .tflite of ``spotter``: int8 throughout, weights by ``seed``."""
    return _Writer(np.random.default_rng(seed)).write(spotter)


class _Writer:
    """Puts operators one after another; the last tensor is what the next one reads."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._schema: Any = schema()
        self._model = self._schema.ModelT()
        self._model.version = 3
        self._model.buffers = [self._schema.BufferT()]
        self._model.operatorCodes = []
        self._graph = self._schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._model.subgraphs = [self._graph]

    def write(self, spotter: Spotter) -> bytes:
        shape = (FRAMES, COEFFICIENTS, 1)
        self._last = self._tensor((1, *shape), INT8, SCALE)
        self._graph.inputs = [self._last]
        shape = self._convolution(shape, spotter.stem, (10, 4), (spotter.stride, 2))
        for index, channels in enumerate(spotter.channels):
            step = 2 if spotter.halves and index % spotter.halves == spotter.halves - 1 else 1
            shape = self._depthwise(shape, spotter.kernel, step)
            shape = self._convolution(shape, channels, (1, 1), (1, 1))
        self._pool(shape)
        self._dense(shape[2])
        self._softmax()
        self._graph.outputs = [self._last]
        return pack(self._model)

    def _convolution(
        self, shape: Sequence[int], channels: int, kernel: Sequence[int], stride: Sequence[int]
    ) -> tuple[int, int, int]:
        weights = self._weights((channels, *kernel, shape[2]), axis=0)
        options = {"strideH": stride[0], "strideW": stride[1]}
        made = (-(-shape[0] // stride[0]), -(-shape[1] // stride[1]), channels)
        self._layer("CONV_2D", 3, "Conv2DOptions", options, weights, channels, made)
        return made

    def _depthwise(self, shape: Sequence[int], kernel: int, step: int) -> tuple[int, int, int]:
        weights = self._weights((1, kernel, kernel, shape[2]), axis=3)
        options = {"strideH": step, "strideW": step, "depthMultiplier": 1}
        made = (-(-shape[0] // step), -(-shape[1] // step), shape[2])
        name = "DepthwiseConv2DOptions"
        self._layer("DEPTHWISE_CONV_2D", 3, name, options, weights, shape[2], made)
        return made

    def _layer(
        self,
        op: str,
        version: int,
        table: str,
        options: dict[str, int],
        weights: int,
        channels: int,
        made: Sequence[int],
    ) -> None:
        options = {**options, "padding": SAME, "fusedActivationFunction": RELU}
        inputs = [self._last, weights, self._bias(channels)]
        self._operator(op, version, table, options, inputs, (1, *made))

    def _pool(self, shape: Sequence[int]) -> None:
        options = {"padding": 1, "filterHeight": shape[0], "filterWidth": shape[1]}
        options |= {"strideH": shape[0], "strideW": shape[1]}
        self._operator(
            "AVERAGE_POOL_2D", 2, "Pool2DOptions", options, [self._last], (1, 1, 1, shape[2])
        )

    def _dense(self, channels: int) -> None:
        weights = self._weights((WORDS, channels))
        inputs = [self._last, weights, self._bias(WORDS)]
        self._operator("FULLY_CONNECTED", 4, "FullyConnectedOptions", {}, inputs, (1, WORDS))

    def _softmax(self) -> None:
        output = self._tensor((1, WORDS), INT8, 1 / 256, zero_point=-128)
        self._operator("SOFTMAX", 2, "SoftmaxOptions", {"beta": 1.0}, [self._last], None, output)

    def _operator(
        self,
        op: str,
        version: int,
        table: str,
        options: dict[str, Any],
        inputs: list[int],
        shape: Sequence[int] | None,
        output: int | None = None,
    ) -> None:
        made = self._schema.OperatorT()
        made.opcodeIndex = self._code(getattr(self._schema.BuiltinOperator, op), version)
        made.inputs = inputs
        if output is None:
            assert shape is not None
            output = self._tensor(shape, INT8, SCALE)
        made.outputs = [output]
        made.builtinOptionsType = getattr(self._schema.BuiltinOptions, table)
        made.builtinOptions = getattr(self._schema, f"{table}T")()
        for name, value in options.items():
            setattr(made.builtinOptions, name, value)
        self._graph.operators.append(made)
        self._last = output

    def _code(self, number: int, version: int) -> int:
        for index, code in enumerate(self._model.operatorCodes):
            if code.builtinCode == number:
                return index
        code = self._schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = number
        code.version = version
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1

    def _weights(self, shape: Sequence[int], axis: int | None = None) -> int:
        values = self._rng.integers(-127, 128, shape, np.int8)
        scales = [0.01] if axis is None else [0.01] * shape[axis]
        return self._constant(values, INT8, scales, axis or 0)

    def _bias(self, channels: int) -> int:
        values = self._rng.integers(-500, 500, channels, np.int32)
        return self._constant(values, INT32, [SCALE * 0.01] * channels, 0)

    def _constant(self, values: Any, kind: int, scales: Sequence[float], axis: int) -> int:
        index = self._tensor(values.shape, kind, 0)
        tensor, buffer = self._graph.tensors[index], self._schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        tensor.buffer = len(self._model.buffers)
        tensor.quantization = self._quantization(scales, [0] * len(scales), axis)
        self._model.buffers.append(buffer)
        return index

    def _tensor(self, shape: Sequence[int], kind: int, scale: float, zero_point: int = 0) -> int:
        tensor = self._schema.TensorT()
        tensor.name = f"t{len(self._graph.tensors)}".encode()
        tensor.shape, tensor.type, tensor.buffer = list(shape), kind, 0
        if scale:
            tensor.quantization = self._quantization([scale], [zero_point], 0)
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _quantization(self, scales: Sequence[float], zeros: Sequence[int], axis: int) -> Any:
        made = self._schema.QuantizationParametersT()
        made.scale, made.zeroPoint = np.array(scales, np.float32), np.array(zeros, np.int64)
        made.quantizedDimension = axis
        return made


def main() -> None:
    """Write a sample of the family into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    for spotter in sample(asked.count, asked.seed):
        (asked.folder / f"{spotter.name}.tflite").write_bytes(model(spotter))


if __name__ == "__main__":
    main()
