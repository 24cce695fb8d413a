"""A user's own input: an array, raw bytes, a picture or a sound, as the model takes it."""

from __future__ import annotations

import struct
import wave
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.benchmarks import InputEncoding
from simbench.errors import UsageError
from simbench.models.prepared import PreparedModel, TensorInfo
from simbench.task.inputs import (
    Input,
    area_average,
    crop_picture,
    join_inputs,
    tensor_bytes,
    wire_bytes,
    wire_size,
)
from simbench.task.resampling import resampled

_RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # samples a second
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


Elements = tuple[NDArray[Any], tuple[str, ...]]


def read_input(path: Path, model: PreparedModel, encoding: InputEncoding) -> GivenInput:
    """The input in ``path``, told by its suffix: .npy, .npz, .bin, .png or .wav.

    Arrays are the tensor's elements (int8), pixels (uint8) or real values, quantized where the
    model is (floats), in the tensor's shape with or without its batch of one; .bin is what a client
    of the benchmark would send. A model that takes floats is given real values and sounds alone.
    Raises UsageError saying what is expected.
    """
    suffix = path.suffix.lower()
    if suffix != ".bin" and suffix not in _READERS:
        known = ", ".join([".bin", *_READERS])
        raise UsageError(f"{path} is no input: give a file that ends in one of {known}")
    data = _size_checked(path)
    if len(model.inputs) > 1:
        return GivenInput(_several(path, data, model, encoding), ())
    if suffix == ".bin":
        return GivenInput(_raw(path, data, model.input, encoding), ())
    elements, notes = _READERS[suffix](path, model.input)
    wire = wire_bytes(elements, model.input, encoding)
    return GivenInput(Input(path.name, wire, elements.tobytes()), notes)


def _raw(path: Path, data: bytes, tensor: TensorInfo, encoding: InputEncoding) -> Input:
    try:
        return Input(path.name, data, tensor_bytes(data, tensor, encoding))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _several(path: Path, data: bytes, model: PreparedModel, encoding: InputEncoding) -> Input:
    """An input for each of the model's: arrays by their names, or bytes one after another."""
    names = ", ".join(tensor.name for tensor in model.inputs)
    if path.suffix.lower() == ".bin":
        return join_inputs(path.name, _parts(path, data, model, encoding))
    if path.suffix.lower() != ".npz":
        raise UsageError(
            f"{path} is one input, the model takes {len(model.inputs)}: give an .npz with an array "
            f"for each ({names})"
        )
    parts = []
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {tensor.name: archive[tensor.name] for tensor in model.inputs}
    except _READ_ERRORS as error:
        raise UsageError(
            f"{path} has no array for each input ({error}): name them {names}"
        ) from error
    for tensor in model.inputs:
        elements = _fitted(path, arrays[tensor.name], tensor)
        parts.append(Input("", wire_bytes(elements, tensor, encoding), elements.tobytes()))
    return join_inputs(path.name, parts)


def _parts(
    path: Path, data: bytes, model: PreparedModel, encoding: InputEncoding
) -> Iterator[Input]:
    sizes = [wire_size(tensor, encoding) for tensor in model.inputs]
    if len(data) != sum(sizes):
        raise UsageError(
            f"{path}: an input has {len(data):,} bytes, the model takes {sum(sizes):,}: give "
            "inputs made for it"
        )
    start = 0
    for tensor, size in zip(model.inputs, sizes, strict=True):
        yield _raw(path, data[start : start + size], tensor, encoding)
        start += size


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


def _fitted(path: Path, array: NDArray[Any], tensor: TensorInfo) -> NDArray[Any]:
    shapes = [tensor.shape] + ([tensor.shape[1:]] if tensor.shape[:1] == (1,) else [])
    if array.shape not in shapes:
        raise UsageError(f"{path} has the shape {array.shape}, the model takes {tensor.shape}")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise UsageError(f"{path} has values that are not finite (NaN or infinity): mend them")
        return _quantized(array.reshape(tensor.shape), tensor)
    if tensor.is_real:
        raise UsageError(f"{path} holds {array.dtype}, the model takes real values: give float32")
    if array.dtype == tensor.dtype:
        return np.ascontiguousarray(array).reshape(tensor.shape)
    if array.dtype == np.uint8 and tensor.dtype == "int8":
        return (array.astype(np.int16) - 128).astype(np.int8).reshape(tensor.shape)
    raise UsageError(
        f"{path} holds {array.dtype}: give {tensor.dtype} (elements), "
        f"{'uint8 (pixels) ' if tensor.dtype == 'int8' else ''}or float32 (real values)"
    )


def _quantized(real: NDArray[Any], tensor: TensorInfo) -> NDArray[Any]:
    return tensor.quantize(real).astype(tensor.dtype)


def _picture(path: Path, tensor: TensorInfo) -> Elements:
    from PIL import Image

    if len(tensor.shape) != 4 or tensor.shape[3] not in (1, 3):
        raise UsageError(f"{path} is a picture, the model takes {tensor.shape}: give an array")
    if tensor.is_real:
        raise UsageError(
            f"{path} is a picture, the model takes real values: give an array of float32, scaled "
            "as in its training"
        )
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
    if max(tensor.shape, default=0) != tensor.elements:
        raise UsageError(
            f"{path} is a sound, the model takes {tensor.shape}, which are features: compute them "
            "of the sound as its training did, and give them as an array"
        )
    rate, samples = _samples(path)
    real, note = _at_model_rate(path, samples.astype(np.float32) / np.float32(32768), rate, tensor)
    return _quantized(real.reshape(tensor.shape), tensor), (f"{path.name}: {note}",)


def _samples(path: Path) -> tuple[int, NDArray[np.int16]]:
    """The rate in samples a second, and the samples, of a mono file of 16 bits."""
    try:
        with wave.open(str(path)) as file:
            form = (file.getnchannels(), 8 * file.getsampwidth())
            rate, samples = file.getframerate(), file.readframes(file.getnframes())
        if form == (1, 16) and rate > 0:
            return rate, np.frombuffer(samples, "<i2")
    except _READ_ERRORS as error:
        raise UsageError(f"{path} is no sound that can be read ({error}): give PCM") from error
    raise UsageError(
        f"{path} has {form[0]} channels of {form[1]} bits: give mono, 16 bit, at a known rate"
    )


def _at_model_rate(
    path: Path, real: NDArray[np.float32], rate: int, tensor: TensorInfo
) -> tuple[NDArray[np.float32], str]:
    """The sound with as many samples as the model takes, and what was done to it.

    A model file does not say its rate: it is the usual one at which a sound as long as this has the
    model's number of samples.
    """
    if real.size == tensor.elements:
        return real, f"taken at its own rate of {rate:,} samples a second"
    wanted = next((r for r in _RATES if real.size * r == tensor.elements * rate), None)
    if wanted is None:
        raise UsageError(
            f"{path} has {real.size:,} samples ({real.size / rate:.3g} s), the model takes "
            f"{tensor.elements:,}: cut the sound to {tensor.elements:,} samples at the model's rate"
        )
    heard = resampled(real, rate, wanted)
    said = f"resampled from {rate:,} to {wanted:,} samples a second, to be {tensor.elements:,}"
    return np.clip(heard, -1.0, 1.0).astype(np.float32), said


_READERS: Mapping[str, Callable[[Path, TensorInfo], Elements]] = {
    ".npy": _array,
    ".npz": _array,
    ".png": _picture,
    ".wav": _sound,
}
