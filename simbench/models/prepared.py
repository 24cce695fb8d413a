"""A model as the firmware gets it: its bytes, its ends, its layers, and what was changed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simbench.models.schema import TENSOR_DTYPES, scale_count

_DTYPE_NAMES = {code: dtype.name for code, dtype in TENSOR_DTYPES.items()}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output tensor. ``scale`` is 0 where the tensor is not quantized."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        """Raise TypeError for what is no type, as in a store that was forged."""
        np.dtype(self.dtype)

    @property
    def is_real(self) -> bool:
        """Whether its elements are real values as they are, without quantization."""
        return self.dtype == "float32"

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes of the tensor."""
        return self.elements * np.dtype(self.dtype).itemsize

    def quantize(self, values: ArrayLike) -> NDArray[Any]:
        """Real ``values`` as elements of this tensor, exactly as the firmware quantizes them.

        ``clamp(round(x / scale) + zero_point)`` in float32, halves away from zero. NaN gives the
        zero point. Of a tensor of floats, they are the values themselves.
        """
        real = np.asarray(values, np.float32).reshape(self.shape)
        if self.is_real:
            return real
        limits = np.iinfo(self.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            steps = np.nan_to_num(real / np.float32(self.scale), nan=0.0)
        whole = np.trunc(steps)
        # the fraction is exact in float32, where adding a half to the value would not be
        with np.errstate(invalid="ignore"):
            away = np.where(np.abs(steps - whole) >= np.float32(0.5), np.sign(steps), np.float32(0))
        span = np.float32(1 << 17)  # beyond every type's range, within int32
        rounded = np.clip(whole + away, -span, span).astype(np.int32)
        clamped = np.clip(rounded + self.zero_point, limits.min, limits.max)
        elements: NDArray[Any] = clamped.astype(self.dtype)
        return elements

    def dequantize(self, elements: NDArray[Any]) -> NDArray[np.float32]:
        """Elements of this tensor as real values in float32: ``(q - zero_point) * scale``."""
        if self.is_real:
            return elements.astype(np.float32)
        steps = elements.astype(np.int32) - np.int32(self.zero_point)
        return steps.astype(np.float32) * np.float32(self.scale)


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator, numbered in order of execution. ``name`` is its output tensor's."""

    index: int
    op: str
    name: str
    macs: int
    output_shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A tensor's name, and the layers in which it is needed: ``first`` to ``last``, inclusive."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PreparedModel:
    """A verified model ready for the firmware. ``changes`` says what preparation did, in sentences.

    ``lifetimes`` are those of the tensors that a layer computes or the model is given, by index.
    ``is_stateful`` says that an output depends on the inputs before too; ``least_arena_bytes`` is
    what the tensors alone need that must be in memory at once. ``source_sha256`` is the hash of the
    file it was prepared from; ``is_pinned`` says that this was the hash expected, so that the file
    is known and trusted.
    """

    data: bytes
    sha256: str
    source_sha256: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    layers: tuple[Layer, ...]
    lifetimes: Mapping[int, Lifetime]
    changes: tuple[str, ...]
    is_pinned: bool
    is_stateful: bool = False
    least_arena_bytes: int = 0

    @property
    def input(self) -> TensorInfo:
        """The first input tensor."""
        return self.inputs[0]

    @property
    def output(self) -> TensorInfo:
        """The first output tensor."""
        return self.outputs[0]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(layer.macs for layer in self.layers)


def input_names(model: PreparedModel | None, sent: Iterable[bytes]) -> tuple[str, ...]:
    """What each input's output may be kept under: a hash over all that decides it.

    That is the input alone, or where the model keeps a state, those before it too.
    """
    history = hashlib.sha256()
    names = []
    for given in sent:
        one = hashlib.sha256(given)
        history.update(one.digest())
        is_stateful = model is not None and model.is_stateful
        names.append((history if is_stateful else one).hexdigest())
    return tuple(names)


def tensor_info(tensor: Any) -> TensorInfo:
    """What the harness needs to know of a ``TensorT``."""
    is_quantized = scale_count(tensor) == 1
    return TensorInfo(
        name=tensor_name(tensor),
        shape=tuple(int(d) for d in tensor.shape),
        dtype=_DTYPE_NAMES[tensor.type],
        scale=float(tensor.quantization.scale[0]) if is_quantized else 0.0,
        zero_point=int(tensor.quantization.zeroPoint[0]) if is_quantized else 0,
    )


def tensor_name(tensor: Any) -> str:
    """A tensor's name, with what cannot be printed replaced."""
    text = (tensor.name or b"").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
