"""What a model must answer: bit-exact outputs of TensorFlow Lite's reference kernels on the host.

Two interpreters are exact and agree with each other: ``tflite-runtime`` and its successor
``ai-edge-litert`` before 1.3, both with the reference resolver. ``tflite-micro``, for the Pythons
that have no wheel of the others (from 3.13 on), agrees but for a step in one of 399,360 elements of
``ad``, measured on the 624 windows of its smoke set. From 1.3 on ``ai-edge-litert`` rounds once
where the kernels of microcontrollers round twice, and is often one step off; the optimised
resolvers are further off. What the first two lack or compute wrongly, a few forms of operators, is
judged by ``tflite-micro`` (:mod:`simbench.models.followed`).

A model that is not pinned runs in a process of its own (:mod:`simbench.models.apart`).
"""

from __future__ import annotations

import importlib
import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.errors import InfrastructureError, ModelError
from simbench.files.installed import version_of
from simbench.models.apart import outputs_apart
from simbench.models.prepared import PreparedModel

MICRO_RELEASE = "0.dev20261023182759"
"""The release of tflite-micro that answers were compared with."""

_MICRO = "tflite-micro"
_EXACT = ("tflite-runtime", "ai-edge-litert", _MICRO)
_ROUNDS_ONCE = (1, 3)  # ai-edge-litert from this version on
_MICRO_ARENA_BYTES = 64 << 20
_VERSION_SLOT = 8  # of OperatorCode's third field, in its table of offsets


def reference_outputs(
    model: PreparedModel | bytes, inputs: Sequence[bytes | NDArray[Any]]
) -> tuple[bytes, ...]:
    """The raw output tensors' bytes (one after another) for each input's, one after another too.

    Variables keep their values from one input to the next, as in the firmware.

    Raises :class:`ModelError` where the interpreter refuses the model or crashes on it, and
    :class:`InfrastructureError` where no exact interpreter is installed.
    """
    data = model if isinstance(model, bytes) else model.data
    raw = [np.asarray(x).tobytes() if not isinstance(x, bytes) else x for x in inputs]
    if isinstance(model, PreparedModel) and model.is_pinned:
        return outputs_here(_interpreter_package(data), data, raw)
    return outputs_apart(_interpreter_package(data), data, raw)


def reference_version(model: PreparedModel | None = None) -> str:
    """Name and version of the interpreter that :func:`reference_outputs` uses (for ``model``)."""
    name = _interpreter_package(None if model is None else model.data)
    return f"{name} {version_of(name)}"


def interpreter_versions() -> tuple[str | None, ...]:
    """The versions of all interpreters that may answer: which one does, a model's content says."""
    return tuple(map(version_of, _EXACT))


def _followed(data: bytes) -> tuple[str, ...]:
    from simbench.models.followed import only_in_micro  # a model whose answers are kept is not read

    return only_in_micro(data)


def _interpreter_package(data: bytes | None = None) -> str:
    """The installed package that is exact for the model ``data``."""
    exact = list(filter(_is_exact, _EXACT))
    if not exact:
        raise InfrastructureError(
            "no exact host interpreter: install tflite-runtime 2.14, ai-edge-litert 1.2.0 or "
            "tflite-micro with pip, whichever has a wheel for this Python (from 3.13 on one is for "
            "Linux on x86-64 alone), then run again"
        )
    wrong = () if data is None or exact[0] == _MICRO else _followed(data)
    if not wrong:
        return exact[0]
    if _MICRO not in exact:
        raise InfrastructureError(
            f"the model has {', '.join(wrong)} in a form that the reference kernels of {exact[0]} "
            f"lack or compute wrongly: pip install tflite-micro=={MICRO_RELEASE}, then run again"
        )
    return _MICRO


def _is_exact(package: str) -> bool:
    release = version_of(package)
    if not release:
        return False
    return package != "ai-edge-litert" or _major_minor(release) < _ROUNDS_ONCE


def _major_minor(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".")[:2])


def outputs_here(package: str, data: bytes, inputs: Sequence[bytes]) -> tuple[bytes, ...]:
    """As :func:`reference_outputs`, in this process, by the interpreter ``package``."""
    try:
        run = _Micro(data) if package == _MICRO else _Lite(package, data)
        return tuple(map(run, inputs))
    except (RuntimeError, ValueError, MemoryError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(
            f"the host interpreter refuses the model ({reason}), so that nothing says what it must "
            "answer: replace the layer, or convert it in another type"
        ) from error


def _input_arrays(raw: bytes, inputs: Sequence[Any]) -> Iterator[NDArray[Any]]:
    """The tensors of the model's inputs, which lie one after another in ``raw``."""
    shapes = [tuple(int(d) for d in details["shape"]) for details in inputs]
    dtypes = [np.dtype(details["dtype"]) for details in inputs]
    sizes = [math.prod(shape) * d.itemsize for shape, d in zip(shapes, dtypes, strict=True)]
    if len(raw) != sum(sizes):
        elements = len(raw) // dtypes[0].itemsize, sum(map(math.prod, shapes))
        raise ValueError("an input has {} elements, the model takes {}".format(*elements))
    start = 0
    for shape, dtype, size in zip(shapes, dtypes, sizes, strict=True):
        yield np.frombuffer(raw[start : start + size], dtype).reshape(shape)
        start += size


def _of_first_versions(data: bytes) -> bytes:
    """The model with version 1 of every operator, which an interpreter has of each that it has.

    A reference resolver knows fewer versions than its kernels: of DEPTH_TO_SPACE, LOG, REVERSE_V2
    and TILE those before int8. What a version stands for, types and options say too.
    """
    from simbench.models.schema import schema

    rewritten = bytearray(data)
    model = schema().Model.GetRootAs(rewritten, 0)
    for index in range(model.OperatorCodesLength()):
        table = model.OperatorCodes(index)._tab
        offset = table.Offset(_VERSION_SLOT)
        if offset:
            struct.pack_into("<i", rewritten, table.Pos + offset, 1)
    return bytes(rewritten)


class _Lite:
    """TensorFlow Lite with its reference resolver."""

    def __init__(self, package: str, data: bytes) -> None:
        module = importlib.import_module(f"{package.replace('-', '_')}.interpreter")
        self._run = module.Interpreter(
            model_content=_of_first_versions(data),
            num_threads=1,
            experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
        )
        self._run.allocate_tensors()
        self._inputs = self._run.get_input_details()
        self._outputs = self._run.get_output_details()

    def __call__(self, raw: bytes) -> bytes:
        for details, array in zip(self._inputs, _input_arrays(raw, self._inputs), strict=True):
            self._run.set_tensor(details["index"], array)
        self._run.invoke()
        return b"".join(self._run.get_tensor(o["index"]).tobytes() for o in self._outputs)


class _Micro:
    """TensorFlow Lite Micro's reference kernels on the host."""

    def __init__(self, data: bytes) -> None:
        runtime = importlib.import_module("tflite_micro").runtime
        self._run = runtime.Interpreter.from_bytes(data, arena_size=_MICRO_ARENA_BYTES)
        inputs, self._outputs = _numbers_of_ends(data)
        self._inputs = [self._run.get_input_details(i) for i in range(inputs)]

    def __call__(self, raw: bytes) -> bytes:
        for index, array in enumerate(_input_arrays(raw, self._inputs)):
            self._run.set_input(array, index)
        self._run.invoke()
        return b"".join(self._run.get_output(i).tobytes() for i in range(self._outputs))


def _numbers_of_ends(data: bytes) -> tuple[int, int]:
    """How many inputs and outputs the model has."""
    from simbench.models.schema import schema

    graph = schema().Model.GetRootAs(data, 0).Subgraphs(0)
    return graph.InputsLength(), graph.OutputsLength()
