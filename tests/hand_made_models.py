"""Small models put together by hand: tensors and operators of the schema's object API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.models.schema import FLOAT32, INT32, pack, schema

CONV_2D, DEQUANTIZE, FULLY_CONNECTED, RESHAPE = 3, 6, 9, 22
BATCH_TO_SPACE_ND, SPACE_TO_BATCH_ND, QUANTIZE = 37, 38, 114


@dataclass
class Maker:
    """A model of one subgraph in the making."""

    model: Any = field(default_factory=lambda: schema().ModelT())
    graph: Any = field(default_factory=lambda: schema().SubGraphT())

    def __post_init__(self) -> None:
        self.model.version, self.model.subgraphs = 3, [self.graph]
        self.model.buffers, self.model.operatorCodes = [schema().BufferT()], []
        self.model.metadata = []
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []

    def tensor(
        self,
        shape: tuple[int, ...],
        kind: int = FLOAT32,
        scales: tuple[float, ...] = (),
        zero_points: tuple[int, ...] = (),
        axis: int = 0,
        signature: tuple[int, ...] | None = None,
    ) -> int:
        """A tensor that a layer computes or the model is given; its index."""
        tensor = schema().TensorT()
        tensor.shape, tensor.type, tensor.buffer = np.array(shape, "<i4"), kind, 0
        tensor.name = f"t{len(self.graph.tensors)}".encode()
        if signature is not None:
            tensor.shapeSignature = np.array(signature, "<i4")
        if scales:
            tensor.quantization = schema().QuantizationParametersT()
            tensor.quantization.scale = np.array(scales, "<f4")
            tensor.quantization.zeroPoint = np.array(zero_points or [0] * len(scales), "<i8")
            tensor.quantization.quantizedDimension = axis
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, value: NDArray[Any], kind: int = INT32, **quantization: Any) -> int:
        """A constant tensor; its index."""
        index = self.tensor(value.shape, kind, **quantization)
        buffer = schema().BufferT()
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        self.graph.tensors[index].buffer = len(self.model.buffers) - 1
        return index

    def layer(
        self,
        code: int,
        inputs: list[int],
        outputs: list[int],
        options: str | None = None,
        version: int = 1,
        **values: Any,
    ) -> Any:
        """An operator with the options of the class ``options``, set to ``values``."""
        module = schema()
        entry = module.OperatorCodeT()
        entry.deprecatedBuiltinCode, entry.builtinCode = min(code, 127), code
        entry.version = version
        self.model.operatorCodes.append(entry)
        operator = module.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, outputs
        if options is not None:
            operator.builtinOptionsType = getattr(module.BuiltinOptions, options)
            operator.builtinOptions = getattr(module, f"{options}T")()
            for name, value in values.items():
                setattr(operator.builtinOptions, name, value)
        self.graph.operators.append(operator)
        return operator

    def packed(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The file, with these inputs and outputs."""
        self.graph.inputs, self.graph.outputs = inputs, outputs
        return pack(self.model)
