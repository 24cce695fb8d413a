"""A verified .tflite file as objects: only what the firmware's schema knows is read.

Most fields that the schema gained later (variants, external buffers) are not covered by the
flatbuffer verifier, and nothing on the microcontroller reads them: they are left out. Of signatures
only the names are read, to say which one runs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simbench.errors import ModelError
from simbench.models.schema import schema

LAST_BUILTIN_OPTIONS = 101
"""BatchMatMulOptions, the last of the union in the schema (July 2020) that the verifier knows."""

LATER_OPTIONS = frozenset({103, 111, 112, 113, 116})
"""Those after it that the firmware reads: CALL_ONCE, the variables' three, GELU. A file that has
one is always packed anew, as the verifier did not look into it."""

MAX_INDICES = 1024
"""More dimensions, or inputs of one operator, than any model has."""

_READ_ERRORS = (struct.error, IndexError, ValueError, TypeError, UnicodeDecodeError, OverflowError)


def parse(data: bytes) -> Any:
    """The ``ModelT`` of a file that passed the flatbuffer verifier.

    Arrays are views of ``data``. Raises :class:`ModelError` where parts of the file overlap (which
    a hostile file uses to grow without bounds) or lie outside it.
    """
    try:
        return _Reader(data).model()
    except _READ_ERRORS as error:
        raise ModelError(
            "the model is damaged: a part of it lies outside the file; fetch or convert it again"
        ) from error


def used_codes(data: bytes) -> frozenset[int]:
    """The builtin operators that the subgraphs of a verified file have, by their numbers."""
    model = schema().Model.GetRootAs(data, 0)
    entries = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    codes = [max(entry.DeprecatedBuiltinCode(), entry.BuiltinCode()) for entry in entries]
    graphs = (model.Subgraphs(i) for i in range(model.SubgraphsLength()))
    return frozenset(
        codes[graph.Operators(i).OpcodeIndex()]
        for graph in graphs
        for i in range(graph.OperatorsLength())
    )


@dataclass(frozen=True, slots=True)
class Signature:
    """One of the functions that a file offers by name, and the subgraph that it is."""

    name: str
    subgraph: int


def signatures(data: bytes) -> tuple[Signature, ...]:
    """The signatures of a file; raises as :func:`parse`."""
    try:
        return _Reader(data).signatures()
    except _READ_ERRORS as error:
        raise ModelError(
            "the model is damaged: a signature of it lies outside the file; convert it again"
        ) from error


def _each(table: Any, name: str, read: Callable[[Any], Any]) -> list[Any]:
    """``read`` applied to every table of the vector ``name``."""
    item = getattr(table, name)
    return [read(item(i)) for i in range(getattr(table, f"{name}Length")())]


class _Reader:
    """Reads tables, and spends the file's size as a budget for all arrays and strings."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = len(data)
        self._schema = schema()

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ModelError("the model is hostile: parts of the file overlap; do not use it")

    def _array(self, table: Any, name: str) -> Any:
        if getattr(table, f"{name}IsNone")():
            return None
        array = getattr(table, f"{name}AsNumpy")()
        if isinstance(array, int):  # the accessor's answer for an absent vector
            return None
        self._spend(array.nbytes)
        return array

    def _text(self, raw: bytes | None) -> bytes | None:
        if raw is not None:
            self._spend(len(raw))
        return raw

    def model(self) -> Any:
        source = self._schema.Model.GetRootAs(self._data, 0)
        model = self._schema.ModelT()
        model.version = source.Version()
        model.description = self._text(source.Description())
        model.operatorCodes = _each(source, "OperatorCodes", self._operator_code)
        model.subgraphs = _each(source, "Subgraphs", self._subgraph)
        model.buffers = _each(source, "Buffers", self._buffer)
        model.metadata = _each(source, "Metadata", self._metadata)
        return model

    def signatures(self) -> tuple[Signature, ...]:
        source = self._schema.Model.GetRootAs(self._data, 0)
        return tuple(_each(source, "SignatureDefs", self._signature))

    def _signature(self, source: Any) -> Signature:
        name = (self._text(source.SignatureKey()) or b"").decode("utf-8", "replace")
        return Signature("".join(c for c in name if c.isprintable()), source.SubgraphIndex())

    def _operator_code(self, source: Any) -> Any:
        code = self._schema.OperatorCodeT()
        code.deprecatedBuiltinCode = source.DeprecatedBuiltinCode()
        code.builtinCode = source.BuiltinCode()
        code.version = source.Version()
        code.customCode = self._text(source.CustomCode())
        return code

    def _buffer(self, source: Any) -> Any:
        buffer = self._schema.BufferT()
        buffer.data = self._array(source, "Data")
        if source.Offset() > 1:  # 0 and 1 are the placeholders of a buffer inside the file
            raise ModelError(
                "the model keeps its weights outside the flatbuffer; convert it to less than 2 GB"
            )
        return buffer

    def _metadata(self, source: Any) -> Any:
        metadata = self._schema.MetadataT()
        metadata.name = self._text(source.Name())
        metadata.buffer = source.Buffer()
        return metadata

    def _subgraph(self, source: Any) -> Any:
        graph = self._schema.SubGraphT()
        graph.name = self._text(source.Name())
        graph.inputs = self._indices(source, "Inputs")
        graph.outputs = self._indices(source, "Outputs")
        graph.tensors = _each(source, "Tensors", self._tensor)
        graph.operators = _each(source, "Operators", self._operator)
        return graph

    def _indices(self, table: Any, name: str) -> list[int]:
        array = self._array(table, name)
        if array is None:
            return []
        if len(array) > MAX_INDICES:
            raise ModelError(
                f"the model is hostile: a list in it has {len(array):,} entries; do not use it"
            )
        return [int(i) for i in array]

    def _tensor(self, source: Any) -> Any:
        tensor = self._schema.TensorT()
        tensor.name = self._text(source.Name())
        tensor.type = source.Type()
        tensor.buffer = source.Buffer()
        tensor.isVariable = bool(source.IsVariable())
        tensor.shape = np.array(self._indices(source, "Shape"), "<i4")
        tensor.shapeSignature = self._array(source, "ShapeSignature")
        if source.Quantization() is not None:
            tensor.quantization = self._quantization(source.Quantization())
        if source.Sparsity() is not None:
            raise ModelError(
                "the model has sparse tensors, which the firmware cannot read; convert it without "
                "sparsity"
            )
        return tensor

    def _quantization(self, source: Any) -> Any:
        quantization = self._schema.QuantizationParametersT()
        for name, field in (("Min", "min"), ("Max", "max"), ("Scale", "scale")):
            setattr(quantization, field, self._array(source, name))
        quantization.zeroPoint = self._array(source, "ZeroPoint")
        quantization.quantizedDimension = source.QuantizedDimension()
        return quantization

    def _operator(self, source: Any) -> Any:
        operator = self._schema.OperatorT()
        operator.opcodeIndex = source.OpcodeIndex()
        operator.inputs = self._indices(source, "Inputs")
        operator.outputs = self._indices(source, "Outputs")
        operator.intermediates = self._array(source, "Intermediates")
        operator.mutatingVariableInputs = self._array(source, "MutatingVariableInputs")
        operator.customOptions = self._array(source, "CustomOptions")
        operator.builtinOptionsType = source.BuiltinOptionsType()
        kind = operator.builtinOptionsType
        if 0 < kind <= LAST_BUILTIN_OPTIONS or kind in LATER_OPTIONS:
            operator.builtinOptions = self._schema.BuiltinOptionsCreator(
                operator.builtinOptionsType, source.BuiltinOptions()
            )
            arrays = [v for v in vars(operator.builtinOptions).values() if hasattr(v, "nbytes")]
            self._spend(sum(array.nbytes for array in arrays))
            texts = [v for v in vars(operator.builtinOptions).values() if isinstance(v, bytes)]
            self._spend(sum(map(len, texts)))
        else:
            operator.builtinOptionsType = 0
        return operator
