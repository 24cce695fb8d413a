"""Inputs for a benchmark: seeded ones, and real pictures from the pinned wheel of scikit-image.

Both are the same on every platform: seeded bytes are the raw output of a counter-based generator,
and pictures are averaged over areas in whole numbers.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.benchmarks import Benchmark, InputEncoding, Picture
from simbench.errors import InfrastructureError, UsageError
from simbench.files.fetch import fetch_wheel
from simbench.models.prepared import PreparedModel, TensorInfo

PICTURES = "scikit-image"
"""The pinned wheel that has the pictures. It is read, not installed."""


@dataclass(frozen=True, slots=True)
class Input:
    """An input as a client sends it (``wire``) and as the interpreter gets it (``tensor``).

    ``expect`` is its true label, where it is known.
    """

    name: str
    wire: bytes
    tensor: bytes
    expect: str | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """The class with the greatest output. ``score`` is that output as a real value, None where a
    float32 model gives none that is finite."""

    index: int
    label: str
    score: float | None


def seeded_inputs(
    model: PreparedModel,
    count: int,
    encoding: InputEncoding = InputEncoding.BYTES,
    seed: int = 0,
) -> tuple[Input, ...]:
    """``count`` inputs, the first of which do not depend on ``count``.

    They go over the full range of int8, uint8 and int16, from -1 to 1 where the model takes floats,
    and are 0 or 1 where it takes int32, int64 or bool. Input ``i`` is the raw output of Philox 4x64
    (Salmon et al., 2011) with key ``seed`` and ``i`` in the highest word of its counter, the number
    of the model's input in the next, read as little-endian bytes: a generator that NumPy promises
    never to change.
    """
    return tuple(
        join_inputs(
            f"seeded-{index}",
            [
                _input("", _random_tensor(tensor, seed, index, position), tensor, encoding)
                for position, tensor in enumerate(model.inputs)
            ],
        )
        for index in range(count)
    )


def join_inputs(name: str, parts: Iterable[Input]) -> Input:
    """One input for each of the model's as the one that goes over the wire: one after another."""
    each = list(parts)
    return Input(name, b"".join(p.wire for p in each), b"".join(p.tensor for p in each))


def _random_tensor(tensor: TensorInfo, seed: int, index: int, position: int) -> NDArray[Any]:
    counter = [0, 0, position, index]
    words = np.random.Philox(key=seed, counter=counter).random_raw(-(-tensor.size // 8))
    raw = np.asarray(words, "<u8").tobytes()[: tensor.size]
    if tensor.is_real:
        return _unit_floats(np.frombuffer(raw, "<u4")).reshape(tensor.shape)
    elements = np.frombuffer(raw, np.uint8 if tensor.dtype == "bool" else tensor.dtype)
    if tensor.dtype in ("bool", "int32", "int64"):  # of indices, 0 and 1 are in nearly every table
        elements = elements & 1
    return elements.astype(tensor.dtype).reshape(tensor.shape)


def _unit_floats(words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Floats in [-1, 1), each the upper 24 bits of a word as a fixed-point number: exact."""
    return (words >> 8).astype(np.float32) / np.float32(1 << 23) - np.float32(1)


def benchmark_inputs(benchmark: Benchmark, model: PreparedModel, count: int) -> tuple[Input, ...]:
    """The benchmark's seeded inputs for its model, or for a user's in its place."""
    return seeded_inputs(model, count, benchmark.encoding, benchmark.seed)


def real_inputs(benchmark: Benchmark, model: PreparedModel) -> tuple[Input, ...]:
    """The benchmark's pictures (none for sound), encoded as its client sends them.

    Raises :class:`UsageError` where ``model`` takes another shape than the benchmark's, and
    :class:`InfrastructureError` where a picture is missing or cannot be fetched.
    """
    if benchmark.pictures and model.input.shape != benchmark.input_shape:
        raise UsageError(
            f"the model takes {model.input.shape}, the pictures of {benchmark.id} are "
            f"{benchmark.input_shape}: run it without --benchmark {benchmark.id}"
        )
    return picture_inputs(benchmark.pictures, benchmark, model)


def picture_inputs(
    pictures: Iterable[Picture], benchmark: Benchmark, model: PreparedModel
) -> tuple[Input, ...]:
    """``pictures`` in the shape of ``benchmark``, which is that of ``model``.

    Raises :class:`InfrastructureError` where a picture is missing or cannot be fetched.
    """
    return tuple(
        _input(
            picture.name,
            _pixels(picture, benchmark),
            model.input,
            benchmark.encoding,
            picture.expect,
        )
        for picture in pictures
    )


def _pixels(picture: Picture, benchmark: Benchmark) -> NDArray[np.int8]:
    """The picture as the tensor's elements: pixel - 128, as the pinned models take it."""
    _, height, width, channels = benchmark.input_shape
    image = read_picture(picture, channels)
    small = area_average(crop_picture(image, picture.crop), height, width)
    return (small.astype(np.int16) - 128).astype(np.int8).reshape(benchmark.input_shape)


def read_picture(picture: Picture, channels: int) -> NDArray[np.uint8]:
    """The picture of the pinned scikit-image, ``(height, width, channels)``.

    Transparency is laid over white; grey is repeated for three channels. Raises
    :class:`InfrastructureError` where it is not in there, and what fetching raises.
    """
    from PIL import Image

    wheel = fetch_wheel(PICTURES)
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            Image.open(io.BytesIO(archive.read(f"skimage/data/{picture.file}"))) as file,
        ):
            layers = file.convert("RGBA")
        white = Image.new("RGBA", layers.size, (255, 255, 255, 255))
        opaque = Image.alpha_composite(white, layers)
        pixels = np.asarray(opaque.convert("RGB" if channels == 3 else "L"), np.uint8)
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InfrastructureError(
            f"the picture {picture.file} of scikit-image cannot be read ({error}): remove {wheel}, "
            "so that it is fetched again"
        ) from error
    return pixels.reshape(*pixels.shape[:2], channels)


def crop_picture(
    image: NDArray[np.uint8], crop: tuple[int, int, int, int] | None
) -> NDArray[np.uint8]:
    """The part ``crop`` (left, top, width, height), or the central square."""
    height, width = image.shape[:2]
    if crop is None:
        side = min(height, width)
        crop = ((width - side) // 2, (height - side) // 2, side, side)
    left, top, wide, high = crop
    if wide < 1 or high < 1 or left + wide > width or top + high > height:
        raise UsageError(
            f"the crop {list(crop)} is outside a picture of {width} x {height} pixels: correct it "
            "in the benchmark's YAML"
        )
    return image[top : top + high, left : left + wide]


def area_average(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize ``(h, w, c)`` by averaging over each new pixel's area, in exact whole numbers.

    Halves round up.
    """
    rows = _overlaps(image.shape[0], height)
    columns = _overlaps(image.shape[1], width)
    # every sum is a whole number below 2**53, which float64 holds exactly in any order
    across = np.tensordot(image.astype(np.float64), columns, (1, 1))
    sums: NDArray[np.float64] = np.tensordot(rows, across, (1, 0))
    area = image.shape[0] * image.shape[1]
    whole = sums.astype(np.int64).transpose(0, 2, 1)
    rounded: NDArray[np.int64] = (2 * whole + area) // (2 * area)
    return rounded.astype(np.uint8)


def _overlaps(old: int, new: int) -> NDArray[np.float64]:
    """How much of old pixel j lies in new pixel i, both on a line of old x new units."""
    starts = np.maximum(np.arange(new)[:, None] * old, np.arange(old)[None, :] * new)
    ends = np.minimum((np.arange(new)[:, None] + 1) * old, (np.arange(old)[None, :] + 1) * new)
    overlaps: NDArray[np.float64] = np.maximum(ends - starts, 0).astype(np.float64)
    return overlaps


def _input(
    name: str,
    elements: NDArray[Any],
    tensor: TensorInfo,
    encoding: InputEncoding,
    expect: str | None = None,
) -> Input:
    return Input(name, wire_bytes(elements, tensor, encoding), elements.tobytes(), expect)


def wire_bytes(elements: NDArray[Any], tensor: TensorInfo, encoding: InputEncoding) -> bytes:
    """Tensor elements as a client sends them, such that the firmware gets the same elements.

    Raises :class:`UsageError` where floats are to be sent as unsigned bytes.
    """
    if tensor.is_real:
        check_real(encoding)
        return elements.astype("<f4").tobytes()
    if encoding is InputEncoding.UINT8 and tensor.dtype == "int8":
        return (elements.astype(np.int16) + 128).astype(np.uint8).tobytes()
    if encoding is InputEncoding.FLOAT32:
        return tensor.dequantize(elements).astype("<f4").tobytes()
    return elements.tobytes()


def wire_size(tensor: TensorInfo, encoding: InputEncoding) -> int:
    """Bytes of an input as a client sends it."""
    return tensor.elements * 4 if encoding is InputEncoding.FLOAT32 else tensor.size


def tensor_bytes(wire: bytes, tensor: TensorInfo, encoding: InputEncoding) -> bytes:
    """What the interpreter gets of ``wire``, exactly as the firmware makes it.

    Raises :class:`UsageError` where the number of bytes is not the model's, or its encoding.
    """
    size = wire_size(tensor, encoding)
    if len(wire) != size:
        raise UsageError(
            f"an input has {len(wire):,} bytes, the model takes {size:,}: give inputs made for it"
        )
    if tensor.is_real:
        check_real(encoding)
        return wire
    if encoding is InputEncoding.UINT8 and tensor.dtype == "int8":
        return (np.frombuffer(wire, np.uint8).astype(np.int16) - 128).astype(np.int8).tobytes()
    if encoding is InputEncoding.FLOAT32:
        return tensor.quantize(np.frombuffer(wire, "<f4")).tobytes()
    return wire


def check_real(encoding: InputEncoding) -> None:
    """Raise :class:`UsageError` where a model of floats is to be sent pixels."""
    if encoding is InputEncoding.UINT8:
        raise UsageError(
            "the benchmark sends pixels, the model takes float32: quantize the model to int8"
        )


def prediction(labels: Iterable[str], model: PreparedModel, output: bytes) -> Prediction:
    """The class that the output tensor's bytes name; the first of equals, numbered without labels.

    A model whose outputs are not as many as the labels has unnamed classes.
    """
    elements = np.frombuffer(output[: model.output.size], model.output.dtype)
    real = model.output.dequantize(elements)
    names = list(labels)
    index = int(real.argmax())
    label = names[index] if len(names) == len(real) else f"class {index}"
    score = float(real[index])
    return Prediction(index, label, score if isfinite(score) else None)


def mean_squared_error(
    model: PreparedModel, given: Input, output: bytes, encoding: InputEncoding
) -> float:
    """How far an autoencoder's output is from its input, as real values: its anomaly score.

    The input is what came over the wire: where that is floats, they are not quantized first, as the
    reference does it (mlcommons/tiny, anomaly_detection/submitter_implemented.cpp at 1afd2c9).
    """
    if encoding is InputEncoding.FLOAT32:
        real = np.frombuffer(given.wire, "<f4")
    else:
        real = model.input.dequantize(np.frombuffer(given.tensor, model.input.dtype))
    answered = model.output.dequantize(np.frombuffer(output, model.output.dtype))
    if real.size != answered.size:
        raise UsageError(
            f"the model takes {real.size} values and gives {answered.size}, which have no mean "
            "squared error: give an autoencoder"
        )
    return float(np.mean((real.astype(np.float64) - answered.astype(np.float64)) ** 2))
