"""Write a .tflite model of one operator, with whichever package here ships the schema."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np

_SCHEMAS = (
    "ai_edge_litert.schema_py_generated",
    "tflite_micro.tensorflow.lite.micro.python.schema_py_generated",
)


@dataclass(frozen=True)
class Tensor:
    """A tensor: its shape, its type in NumPy, a scale where it is quantised (or several, along its
    first dimension), data if constant."""

    shape: Sequence[int]
    dtype: str
    scale: float | Sequence[float] | None = None
    data: np.ndarray | None = None


def one_op(
    op: str, inputs: Sequence[Tensor], output: Tensor, options: Mapping[str, Any] | None = None
) -> bytes:
    """A model in which the operator ``op`` makes ``output`` of ``inputs``."""
    schema = _schema()
    model = schema.ModelT()
    model.version = 3
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, op)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = 1
    model.operatorCodes = [code]
    model.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors = [_tensor(schema, model, tensor) for tensor in (*inputs, output)]
    graph.inputs = [i for i, tensor in enumerate(inputs) if tensor.data is None]
    graph.outputs = [len(inputs)]
    graph.operators = [_operator(schema, op, len(inputs), options)]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _schema() -> Any:
    for name in _SCHEMAS:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise SystemExit(f"none of these is installed: {', '.join(_SCHEMAS)}")


def _tensor(schema: Any, model: Any, tensor: Tensor) -> Any:
    made = schema.TensorT()
    made.shape = list(tensor.shape)
    made.type = getattr(schema.TensorType, tensor.dtype.upper())
    made.buffer = len(model.buffers)
    buffer = schema.BufferT()
    if tensor.data is not None:
        buffer.data = list(tensor.data.tobytes())
    model.buffers.append(buffer)
    if tensor.scale is not None:
        made.quantization = schema.QuantizationParametersT()
        scales = [tensor.scale] if isinstance(tensor.scale, float) else list(tensor.scale)
        made.quantization.scale = scales
        made.quantization.zeroPoint = [0] * len(scales)
    return made


def _operator(schema: Any, op: str, inputs: int, options: Mapping[str, Any] | None) -> Any:
    made = schema.OperatorT()
    made.opcodeIndex = 0
    made.inputs = list(range(inputs))
    made.outputs = [inputs]
    if options is not None:
        kind = "".join(word.title() for word in op.split("_")).replace("Nd", "ND") + "Options"
        made.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        made.builtinOptions = getattr(schema, f"{kind}T")()
        for name, value in options.items():
            setattr(made.builtinOptions, name, value)
    return made
