"""Is a .tflite file safe and known? Everything is checked before anything else touches a model.

First the flatbuffer (C++ verifier), then whether what the model uses is known at all, then what
the schema cannot say: indices, sizes, shapes, quantization, subgraphs and operators, so that
neither the firmware nor the host interpreter can be led astray.
Every failure is a :class:`ModelError` with one sentence.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simbench.errors import ModelError
from simbench.models.calls import check_call, reached
from simbench.models.features import check_features, missing_operator
from simbench.models.operators import check_operator, constant_bytes
from simbench.models.parse import parse
from simbench.models.schema import (
    FILE_IDENTIFIER,
    INT8,
    INT16,
    INT32,
    INT64,
    TENSOR_DTYPES,
    UINT8,
    operator_code,
    operator_name,
)
from simbench.models.shapes import output_shape
from simbench.models.verifier import is_flatbuffer

SCHEMA_VERSION = 3
MAX_FILE_BYTES = 16 << 20
MAX_TENSOR_BYTES = 16 << 20
MAX_TENSORS_BYTES = 256 << 20
MAX_ENDS = 64  # inputs, and outputs, of a model
MAX_SUBGRAPHS = 64
MIN_FILE_BYTES = 16

_ZERO_POINTS = {UINT8: (0, 255), INT16: (-32768, 32767), INT8: (-128, 127)}


def read_model(path: Path) -> bytes:
    """The bytes of a user's .tflite; raises :class:`ModelError` where it cannot be one."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise ModelError(f"{path} is not a file: give a .tflite file")
        if size > MAX_FILE_BYTES:
            raise ModelError(
                f"{path} has {size:,} bytes, more than any microcontroller's model "
                f"({MAX_FILE_BYTES:,}): give a .tflite file"
            )
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the model {path}: {error.strerror}") from error


def verify(data: bytes, ops: Mapping[int, int] | None = None, sha256: str | None = None) -> Any:
    """The ``ModelT`` of a .tflite file whose features are known and whose parts are all there.

    What its operators ask of their tensors is left to :func:`check_operators`, once the shapes are
    settled. ``ops`` maps the builtin operator codes that the firmware has to the highest version of
    each; ``sha256`` is the pinned hash.
    """
    check_hash(data, sha256)
    if not MIN_FILE_BYTES <= len(data) <= MAX_FILE_BYTES:
        raise ModelError(f"the model has {len(data):,} bytes: give a .tflite file")
    if data[4:8] != FILE_IDENTIFIER:
        raise ModelError("this is not a .tflite file (the mark TFL3 is missing): give another")
    if not is_flatbuffer(data):
        raise ModelError("the model is damaged or truncated: fetch or convert it again")
    model = parse(data)
    check_features(model, ops)
    check_structure(model)
    return model


def check_hash(data: bytes, sha256: str | None) -> None:
    """Raise :class:`ModelError` where the bytes are not the pinned ones (``None``: not pinned)."""
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256:
        raise ModelError(
            f"the model's sha256 is {found}, not the pinned {sha256}: remove the download and "
            "fetch it again"
        )


def check_ops(model: Any, ops: Mapping[int, int]) -> None:
    """Raise :class:`ModelError` where the firmware lacks an operator, or its version."""
    for number, graph in enumerate(model.subgraphs):
        for layer, operator in enumerate(graph.operators):
            entry = model.operatorCodes[operator.opcodeIndex]
            code = operator_code(entry)
            where = f"layer {layer}" if number == 0 else f"layer {layer} of subgraph {number}"
            if code not in ops:
                raise missing_operator(code, entry.version, where)
            if entry.version > ops[code]:
                raise ModelError(
                    f"op {operator_name(code)} of {where} is version {entry.version}, this "
                    f"firmware knows up to {ops[code]}: convert the model without what is new in "
                    "it ('simbench list ops' shows what there is)"
                )


def check_structure(model: Any) -> None:
    """Raise :class:`ModelError` where the model's parts are not all there, and of a known size."""
    if model.version != SCHEMA_VERSION:
        raise ModelError(
            f"the model's schema version is {model.version}, not {SCHEMA_VERSION}: convert it again"
        )
    if not 1 <= len(model.subgraphs) <= MAX_SUBGRAPHS:
        raise ModelError(
            f"the model has {len(model.subgraphs)} subgraphs, not 1 to {MAX_SUBGRAPHS}: convert "
            "it again"
        )
    main = model.subgraphs[0]
    if not main.tensors or not main.operators or not model.buffers:
        raise ModelError("the model is empty: give one with at least one layer")
    for entry in model.operatorCodes:
        if operator_code(entry) < 0 or entry.version < 1:
            raise ModelError("the model names an impossible operator: convert it again")
    reached(model)
    total = 0
    for graph in model.subgraphs:
        scales_alone = _scales_alone(graph)
        for index, tensor in enumerate(graph.tensors):
            _check_tensor(model, index, tensor, 0 if index in scales_alone else 1)
            total += tensor_bytes(tensor)
    if total > MAX_TENSORS_BYTES:
        raise ModelError(
            f"the model's tensors take {total:,} bytes, more than any microcontroller's: give "
            "another"
        )
    for number, graph in enumerate(model.subgraphs):
        _check_flow(model, graph, least_ends=1 if number == 0 else 0)


def check_operators(model: Any) -> None:
    """Raise :class:`ModelError` where an operator's tensors or options do not fit it."""
    for graph in model.subgraphs:
        for layer, operator in enumerate(graph.operators):
            check_operator(model, graph, layer, operator)
            wrong = check_call(model, graph, operator)
            expected = output_shape(model, graph, operator)
            if expected is not None and expected != _shape(graph.tensors[operator.outputs[0]]):
                wrong = "has an output of the wrong size"
            if wrong is not None:
                name = operator_name(operator_code(model.operatorCodes[operator.opcodeIndex]))
                raise ModelError(
                    f"layer {layer} ({name}) of the model {wrong}: convert the model again"
                )


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(int(d) for d in tensor.shape)


def tensor_bytes(tensor: Any) -> int:
    """Bytes of a tensor's elements, from its shape and type."""
    return math.prod(int(d) for d in tensor.shape) * TENSOR_DTYPES[tensor.type].itemsize


def _scales_alone(graph: Any) -> set[int]:
    """Tensors without elements that only say how a fused layer quantizes between its steps."""
    intermediate: set[int] = set()
    used = {*graph.inputs, *graph.outputs}
    for operator in graph.operators:
        used.update(operator.inputs, operator.outputs)
        if operator.intermediates is not None:
            intermediate.update(int(i) for i in operator.intermediates)
    return intermediate - used


def _check_tensor(model: Any, index: int, tensor: Any, least: int) -> None:
    def wrong(what: str) -> ModelError:
        return ModelError(f"tensor {index} of the model {what}: convert the model again")

    if not 0 <= tensor.buffer < len(model.buffers):
        raise wrong(f"points to buffer {tensor.buffer}, which is not there")
    if any(d < least for d in tensor.shape):
        raise wrong("has a dimension that is not positive")
    size = tensor_bytes(tensor)
    if size > MAX_TENSOR_BYTES:
        raise wrong(f"takes {size:,} bytes, more than any microcontroller has")
    data = model.buffers[tensor.buffer].data
    if data is not None and data.nbytes and data.nbytes != size:
        raise wrong(f"has {data.nbytes:,} bytes of data where its shape and type need {size:,}")
    if data is not None and data.nbytes and tensor.isVariable:
        raise wrong("is both variable and constant")
    if tensor.quantization is not None:
        _check_quantization(tensor, wrong)


def _check_quantization(tensor: Any, wrong: Callable[[str], ModelError]) -> None:
    quantization = tensor.quantization
    scales = quantization.scale
    zero_points = quantization.zeroPoint
    count = 0 if scales is None else len(scales)
    if (0 if zero_points is None else len(zero_points)) not in (0, count):
        raise wrong("has not as many zero points as scales")
    if count == 0:
        return
    axis = quantization.quantizedDimension
    # a converter writes an axis even where one scale stands for the whole tensor
    along = 0 <= axis < len(tensor.shape) and tensor.shape[axis] == count
    if count > 1 and not along and not is_misplaced_bias(tensor):
        raise wrong(f"has {count} scales, which is not the size of its quantized dimension")
    if not all(math.isfinite(s) and s > 0 for s in scales.tolist()):
        raise wrong("has a scale that is not a positive number")
    least, most = _ZERO_POINTS.get(tensor.type, (-(2**31), 2**31 - 1))
    if zero_points is not None and not all(least <= z <= most for z in zero_points.tolist()):
        raise wrong("has a zero point outside its type")


def is_misplaced_bias(tensor: Any) -> bool:
    """Whether this is a vector of a scale for each element that names a dimension it has not.

    TensorFlow Lite Micro runs such files: no kernel reads the scales of a bias.
    """
    quantization = tensor.quantization
    scales = None if quantization is None else quantization.scale
    return (
        tensor.type in (INT32, INT64)
        and scales is not None
        and len(scales) > 1
        and _shape(tensor) == (len(scales),)
        and quantization.quantizedDimension != 0
    )


def is_constant(model: Any, tensor: Any) -> bool:
    """Whether the tensor's elements are in the file."""
    return constant_bytes(model, tensor) > 0


def _check_flow(model: Any, graph: Any, least_ends: int) -> None:
    """Indices are in range, and every tensor is written once, before it is read."""
    _check_ends(graph, least_ends)
    variables = {i for i, tensor in enumerate(graph.tensors) if tensor.isVariable}
    written = {i for i, tensor in enumerate(graph.tensors) if is_constant(model, tensor)}
    for index in graph.inputs:
        if index in written or index in variables:
            raise ModelError(f"input {index} of the model is no free tensor: convert it again")
        written.add(index)
    for layer, operator in enumerate(graph.operators):
        if not 0 <= operator.opcodeIndex < len(model.operatorCodes):
            raise ModelError(f"layer {layer} of the model names no operator: convert it again")
        wrong = _unwritable(operator, len(graph.tensors), written, variables)
        if wrong is not None:
            raise ModelError(f"layer {layer} of the model {wrong}: convert the model again")
        written.update(operator.outputs)
    for index in graph.outputs:
        if index not in written:
            raise ModelError(f"output {index} of the model comes from no layer: convert it again")


def _check_ends(graph: Any, least: int) -> None:
    for what, ends in (("input", graph.inputs), ("output", graph.outputs)):
        if not least <= len(ends) <= MAX_ENDS:
            raise ModelError(
                f"the model has {len(ends)} {what}s: give one with {max(least, 1)} to {MAX_ENDS}"
            )
        for index in ends:
            if not 0 <= index < len(graph.tensors):
                raise ModelError(f"{what} {index} of the model is not there: convert it again")


def _unwritable(operator: Any, count: int, written: set[int], variables: set[int]) -> str | None:
    """What is wrong with the operator's reads and writes, if anything."""
    for index in operator.inputs:
        if index == -1:  # an optional input, left out
            continue
        if not 0 <= index < count:
            return f"reads tensor {index}, which is not there"
        if index not in written and index not in variables:
            return f"reads tensor {index} before anything writes it"
    for index in operator.outputs:
        if not 0 <= index < count or index in written or index in variables:
            return f"writes tensor {index}, which it must not"
    if len(set(operator.outputs)) != len(operator.outputs):
        return "writes a tensor twice"
    for index in operator.intermediates if operator.intermediates is not None else ():
        if not 0 <= index < count:
            return f"uses tensor {index}, which is not there"
    return None
