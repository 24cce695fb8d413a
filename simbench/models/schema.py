"""The TensorFlow Lite schema's object API, and its packing with the alignment the schema asks for.

The generated module comes with the package ``ai-edge-litert`` or ``tflite-micro``. It is loaded by
its path, which leaves the package's own start-up and its shared libraries out.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

from simbench.errors import InfrastructureError

FILE_IDENTIFIER = b"TFL3"
BUFFER_ALIGNMENT = 16  # schema.fbs, table Buffer: data:[ubyte] (force_align: 16)

_MODULE = "simbench_tflite_schema"
_PLACES = (
    ("ai_edge_litert", "schema_py_generated.py"),
    ("tflite_micro", "tensorflow/lite/micro/python/schema_py_generated.py"),
)

TENSOR_DTYPES: dict[int, np.dtype[Any]] = {  # schema.fbs, enum TensorType
    0: np.dtype("<f4"),
    1: np.dtype("<f2"),
    2: np.dtype("<i4"),
    3: np.dtype("u1"),
    4: np.dtype("<i8"),
    6: np.dtype("?"),
    7: np.dtype("<i2"),
    9: np.dtype("i1"),
    13: np.dtype("<u4"),  # RESOURCE: the handle of a variable
}
FLOAT32, FLOAT16, INT32, UINT8, INT64, BOOL, INT16, INT8, RESOURCE = 0, 1, 2, 3, 4, 6, 7, 9, 13


@cache
def schema() -> ModuleType:
    """The generated schema module (classes ``ModelT``, ``OperatorT``, ``BuiltinOperator``...).

    Raises :class:`InfrastructureError` where no installed package has it.
    """
    path = _schema_path()
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    if spec is None or spec.loader is None:
        raise InfrastructureError(f"{path} cannot be imported: install its package again with pip")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    spec.loader.exec_module(module)
    return module


def _schema_path() -> Path:
    for package, inner in _PLACES:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            if (Path(folder) / inner).is_file():
                return Path(folder) / inner
    raise InfrastructureError(
        "no package with the TensorFlow Lite schema: install ai-edge-litert (from 1.2.0 on) or "
        "tflite-micro with pip, then run again"
    )


@cache
def operator_names() -> dict[int, str]:
    """Names of the builtin operators by code, as the schema spells them (``CONV_2D``)."""
    pairs = vars(schema().BuiltinOperator).items()
    return {code: name for name, code in pairs if isinstance(code, int)}


def operator_name(code: int) -> str:
    """Name of a builtin operator, or its number where the schema does not know it."""
    return operator_names().get(code, f"number {code}")


@cache
def tensor_type_name(code: int) -> str:
    """Name of a tensor type (``INT8``), or its number where the schema does not know it."""
    pairs = vars(schema().TensorType).items()
    names: dict[int, str] = {number: name for name, number in pairs if isinstance(number, int)}
    return names.get(code, f"number {code}")


@cache
def enum_values(name: str) -> frozenset[int]:
    """What a value of the schema's enum ``name`` can be."""
    values = vars(getattr(schema(), name)).values()
    return frozenset(value for value in values if isinstance(value, int))


def operator_code(entry: Any) -> int:
    """Builtin code of an ``OperatorCodeT``: codes above 127 are in the newer of its two fields."""
    return max(int(entry.deprecatedBuiltinCode), int(entry.builtinCode))


class _AlignedData:
    """A buffer's bytes as the object API packs a value: aligned to 16 in the finished file."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data

    def Pack(self, builder: Any) -> int:  # noqa: N802 (the object API's name)
        module = schema()
        raw = self._data.tobytes()
        builder.StartVector(1, len(raw), BUFFER_ALIGNMENT)
        head = builder.head - len(raw)
        builder.head = head
        builder.Bytes[head : head + len(raw)] = raw
        vector = builder.EndVector()
        module.BufferStart(builder)
        module.BufferAddData(builder, vector)
        packed: int = module.BufferEnd(builder)
        return packed


def pack(model: Any) -> bytes:
    """The ``ModelT`` as the bytes of a .tflite file; the same model gives the same bytes."""
    buffers = model.buffers
    model.buffers = [b if b.data is None else _AlignedData(b.data) for b in buffers]
    try:
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    finally:
        model.buffers = buffers
    return bytes(builder.Output())


def scale_count(tensor: Any) -> int:
    """How many scales a tensor has with a zero point each; 0 where it is not quantized."""
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or quantization.zeroPoint is None:
        return 0
    return min(len(quantization.scale), len(quantization.zeroPoint))
