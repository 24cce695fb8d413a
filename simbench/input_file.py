"""A user's own input: an array, raw bytes, a picture or a sound, as the model takes it."""

from __future__ import annotations

import struct
import wave
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.benchmarks import InputEncoding
from simbench.errors import UsageError
from simbench.inputs import Input, area_average, crop_picture, tensor_bytes, wire_bytes
from simbench.models.prepared import PreparedModel, TensorInfo

_LARGEST = 64 << 20  # bytes; far more than any microcontroller's input

# what the readers raise on damaged files
_READ_ERRORS = (
    OSError, EOFError, ValueError, TypeError, KeyError, IndexError, SyntaxError, MemoryError,
    NotImplementedError, RuntimeError, OverflowError, struct.error, zipfile.BadZipFile, zlib.error,
    wave.Error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GivenInput:
    """An input read from a file, and sentences on what was changed to make it fit."""

    input: Input
    notes: tuple[str, ...]


Elements = tuple[NDArray[np.int8], tuple[str, ...]]


def read_input(path: Path, model: PreparedModel, encoding: InputEncoding) -> GivenInput:
    """The input in ``path``, told by its suffix: .npy, .npz, .bin, .png or .wav.

    Arrays are the tensor's elements (int8), pixels (uint8) or real values to quantize (floats), in
    the tensor's shape with or without its batch of one; .bin is what a client of the benchmark
    would send. Raises UsageError saying what is expected.
    """
    suffix = path.suffix.lower()
    if suffix != ".bin" and suffix not in _READERS:
        known = ", ".join([".bin", *_READERS])
        raise UsageError(f"{path} is no input: give a file that ends in one of {known}")
    if model.input.dtype != "int8":
        raise UsageError(f"the model takes {model.input.dtype}, inputs are given for int8 only")
    data = _size_checked(path)
    if suffix == ".bin":
        tensor = tensor_bytes(data, model.input, encoding)
        return GivenInput(Input(path.name, data, tensor), ())
    elements, notes = _READERS[suffix](path, model.input)
    wire = wire_bytes(elements, model.input, encoding)
    return GivenInput(Input(path.name, wire, elements.tobytes()), notes)


def _size_checked(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path} has more than 64 MB: that is no microcontroller's input")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path} ({error.strerror}): give another file") from error


def _array(path: Path, tensor: TensorInfo) -> Elements:
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.ndarray):
            loaded = _only(path, loaded, tensor)
    except _READ_ERRORS as error:
        raise UsageError(f"{path} is no NumPy array ({error}): save it with numpy.save") from error
    return _fitted(path, loaded, tensor), ()


def _only(path: Path, archive: Any, tensor: TensorInfo) -> NDArray[Any]:
    """The array named like the tensor, or the only one."""
    names = list(archive)
    if tensor.name not in names and len(names) != 1:
        raise UsageError(
            f"{path} holds {len(names)} arrays: keep one, or name one {tensor.name} as the model's "
            "input is"
        )
    array: NDArray[Any] = archive[tensor.name if tensor.name in names else names[0]]
    return array


def _fitted(path: Path, array: NDArray[Any], tensor: TensorInfo) -> NDArray[np.int8]:
    shapes = [tensor.shape] + ([tensor.shape[1:]] if tensor.shape[:1] == (1,) else [])
    if array.shape not in shapes:
        raise UsageError(f"{path} has the shape {array.shape}, the model takes {tensor.shape}")
    if array.dtype == np.int8:
        return np.ascontiguousarray(array).reshape(tensor.shape)
    if array.dtype == np.uint8:
        return (array.astype(np.int16) - 128).astype(np.int8).reshape(tensor.shape)
    if array.dtype.kind == "f":
        return tensor.quantize(array.reshape(tensor.shape)).astype(np.int8)
    raise UsageError(
        f"{path} holds {array.dtype}: give int8 (elements), uint8 (pixels) or float32 (real values)"
    )


def _picture(path: Path, tensor: TensorInfo) -> Elements:
    from PIL import Image

    if len(tensor.shape) != 4 or tensor.shape[3] not in (1, 3):
        raise UsageError(f"{path} is a picture, the model takes {tensor.shape}: give an array")
    _, height, width, channels = tensor.shape
    try:
        with Image.open(path) as file:
            pixels = np.asarray(file.convert("RGB" if channels == 3 else "L"), np.uint8)
    except (*_READ_ERRORS, Image.DecompressionBombError) as error:
        raise UsageError(
            f"{path} is no picture that can be read ({error}): save it anew"
        ) from error
    pixels = pixels.reshape(*pixels.shape[:2], channels)
    notes: tuple[str, ...] = ()
    if pixels.shape[:2] != (height, width):
        notes = (
            f"{path.name}: {pixels.shape[1]} x {pixels.shape[0]} pixels, cut to the central square "
            f"and resized to {width} x {height}",
        )
        pixels = area_average(crop_picture(pixels, None), height, width)
    return _fitted(path, pixels, tensor), notes


def _sound(path: Path, tensor: TensorInfo) -> Elements:
    """Mono samples as real values from -1 to 1, for models that take a sound itself."""
    try:
        with wave.open(str(path)) as file:
            shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except _READ_ERRORS as error:
        raise UsageError(f"{path} is no sound that can be read ({error}): give PCM") from error
    if shape[:2] != (1, 2):
        raise UsageError(
            f"{path} has {shape[0]} channels of {8 * shape[1]} bits: give mono, 16 bit"
        )
    if samples.size != tensor.elements:
        raise UsageError(
            f"{path} has {samples.size:,} samples, the model takes {tensor.shape}: give a sound of "
            f"{tensor.elements:,} samples, or its features as an array"
        )
    real = samples.reshape(tensor.shape).astype(np.float32) / np.float32(32768)
    note = f"{path.name}: taken at its own rate of {shape[2]:,} samples a second"
    return tensor.quantize(real).astype(np.int8), (note,)


_READERS: Mapping[str, Callable[[Path, TensorInfo], Elements]] = {
    ".npy": _array,
    ".npz": _array,
    ".png": _picture,
    ".wav": _sound,
}
