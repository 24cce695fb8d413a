"""Parts that preparation adds to a model: constants, operator codes, RESHAPE."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.models.operators import RESHAPE
from simbench.models.schema import INT32, operator_code, schema


def code_of(model: Any, operator: Any) -> int:
    """The builtin code of an ``OperatorT``."""
    return operator_code(model.operatorCodes[operator.opcodeIndex])


def add_buffer(model: Any, value: NDArray[Any]) -> int:
    """A buffer with the elements of ``value``; its index."""
    buffer = schema().BufferT()
    buffer.data = np.frombuffer(value.tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def add_constant(model: Any, graph: Any, name: str, value: NDArray[Any], kind: int) -> int:
    """A constant tensor of the schema's type ``kind`` without quantization; its index."""
    tensor = schema().TensorT()
    tensor.name, tensor.type = name.encode(), kind
    tensor.shape = np.array(value.shape, "<i4")
    tensor.buffer = add_buffer(model, value)
    tensor.isVariable = False
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def make_reshape(model: Any, graph: Any, operator: Any, shape: tuple[int, ...]) -> None:
    """Make the operator a RESHAPE of its first input to ``shape``."""
    module = schema()
    operator.opcodeIndex = _operator_code(model, RESHAPE)
    options = module.ReshapeOptionsT()
    options.newShape = np.array(shape, "<i4")
    operator.builtinOptions = options
    operator.builtinOptionsType = module.BuiltinOptions.ReshapeOptions
    wanted = add_constant(model, graph, "shape", np.array(shape, "<i4"), INT32)
    operator.inputs = [operator.inputs[0], wanted]


def _operator_code(model: Any, code: int) -> int:
    for index, entry in enumerate(model.operatorCodes):
        if operator_code(entry) == code and entry.version == 1:
            return index
    entry = schema().OperatorCodeT()
    entry.deprecatedBuiltinCode = entry.builtinCode = code
    entry.version = 1
    model.operatorCodes.append(entry)
    return len(model.operatorCodes) - 1
