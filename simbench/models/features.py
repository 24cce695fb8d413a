"""What no firmware of simbench's runs, whatever its kernels, told before a model's structure.

Each refusal names the feature in the words of its field, the layer, and what to change in Keras or
in the converter.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from simbench.errors import ModelError
from simbench.firmware.operators import operators
from simbench.models.arithmetic import arithmetic
from simbench.models.operators import (
    BATCH_MATMUL,
    CONV_2D,
    DEPTHWISE_CONV_2D,
    FULLY_CONNECTED,
    PACK,
    QUANTIZE,
    SHAPE,
    STRIDED_SLICE,
    TRANSPOSE_CONV,
    constant_bytes,
)
from simbench.models.prepared import tensor_name
from simbench.models.schema import (
    FLOAT32,
    INT8,
    INT16,
    INT32,
    INT64,
    TENSOR_DTYPES,
    UINT8,
    operator_code,
    operator_name,
    scale_count,
    tensor_type_name,
)

MAX_RANK = 6  # of the firmware's kernels

_CUSTOM = 32  # schema.fbs, enum BuiltinOperator
_FUSED_RECURRENT = {16: "LSTM", 35: "RNN", 44: "LSTM", 46: "LSTM", 52: "RNN"}
_SVDF = 27
# whose int8 weights meet float activations where a converter was given no data
_HYBRID = frozenset(
    {CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, BATCH_MATMUL, TRANSPOSE_CONV, _SVDF}
    | _FUSED_RECURRENT.keys()
)
_INDEX_OF = frozenset({56, 79})  # ARG_MAX, ARG_MIN
# compare or copy whole numbers as they are
_WITHOUT_SCALES = frozenset(
    {
        *("ARG_MAX", "ARG_MIN", "CAST", "EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"),
        *("MAXIMUM", "MINIMUM", "NOT_EQUAL", "REDUCE_MAX", "REDUCE_MIN"),
    }
)
_DATA_INPUT = {TRANSPOSE_CONV: 2}  # which input's type decides, where not the first one's
_ADVICE = {
    "INT4": "int4 weights are not supported: quantize the weights to 8 bits",
    "STRING": "string tensors are not supported: do the text's lookup outside the model",
    "VARIANT": "lists of tensors (variant) are not supported: unroll the recurrent layer "
    "(keras.layers.RNN(..., unroll=True))",
    "BFLOAT16": "bfloat16 is not supported: convert with float32, or quantize to int8",
    "FLOAT64": "float64 is not supported: build the model with float32 (keras.config.set_floatx)",
}
_INT8_ONLY = (
    "set converter.optimizations = [tf.lite.Optimize.DEFAULT], a converter.representative_dataset, "
    "and converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]"
)


def check_features(model: Any, ops: Mapping[int, int] | None) -> None:
    """Raise :class:`ModelError` for a feature that is not supported.

    ``ops`` maps the firmware's builtin operators to the highest version of each; an operator that
    preparation may remove is left to :func:`simbench.models.verify.check_ops`.
    """
    for number, graph in enumerate(model.subgraphs):
        for layer, operator in enumerate(graph.operators):
            entry = _entry(model, operator)
            if entry is None:
                continue
            where = f"layer {layer}" if number == 0 else f"layer {layer} of subgraph {number}"
            _check_custom(entry, where)
            _check_hybrid(model, graph, operator, operator_code(entry), where)
            _check_scales(graph, operator, operator_code(entry), where)
            if ops is None or _may_go(graph, operator, operator_code(entry)):
                continue
            if operator_code(entry) not in ops:
                raise missing_operator(operator_code(entry), entry.version, where)
            check_type(graph, operator, operator_code(entry), where)
    for graph in model.subgraphs:
        for index, tensor in enumerate(graph.tensors):
            _check_tensor(index, tensor)
    _check_free_dimensions(model)


PREPARED_AWAY: Collection[int] = frozenset(
    {SHAPE, PACK, STRIDED_SLICE, QUANTIZE, 6, 22, 37, 38, 43, 70}
)
"""Operators that preparation may remove: shape chains, ends, what moves nothing, dilation."""


def _may_go(graph: Any, operator: Any, code: int) -> bool:
    """Whether preparation may remove the operator: one of those above, or arithmetic on shapes."""
    if code in PREPARED_AWAY:
        return True
    first = next(iter(operator.inputs), -1)
    is_whole = 0 <= first < len(graph.tensors) and graph.tensors[first].type in (INT32, INT64)
    return is_whole and arithmetic(operator_name(code)) is not None


def missing_operator(code: int, version: int, where: str) -> ModelError:
    """The refusal of an operator that the firmware has no kernel of."""
    if code in _FUSED_RECURRENT:
        name = _FUSED_RECURRENT[code]
        return ModelError(
            f"{where} is a fused {name} ({operator_name(code)}), which is not in this firmware: "
            f"convert with Keras's {name}(..., unroll=True), which the converter does not fuse"
        )
    return ModelError(
        f"op {operator_name(code)} (version {version}) of {where} is not in this firmware: convert "
        "the model without it ('simbench list ops' shows what there is)"
    )


def check_type(graph: Any, operator: Any, code: int, where: str) -> None:
    """Raise :class:`ModelError` where the firmware's operator has no kernel of the type given."""
    for output in operator.outputs[:1] if code in _INDEX_OF else ():
        if 0 <= output < len(graph.tensors) and graph.tensors[output].type != INT32:
            raise ModelError(
                f"op {operator_name(code)} of {where} gives int64, and this firmware gives int32 "
                "alone: tf.argmax(..., output_type=tf.int32)"
            )
    known = _types().get(code, ())
    index = next(iter(operator.inputs[_DATA_INPUT.get(code, 0) :]), -1)
    if not 0 <= index < len(graph.tensors):
        return
    dtype = TENSOR_DTYPES.get(graph.tensors[index].type)
    if known and dtype is not None and dtype.name not in known:
        raise ModelError(
            f"op {operator_name(code)} of {where} takes {dtype.name}, and this firmware runs it "
            f"for {', '.join(known)} ('simbench list ops' shows them): convert the layer in one of "
            "these types, or replace it"
        )


@cache
def _types() -> Mapping[int, tuple[str, ...]]:
    """The types of each operator that runs for some alone."""
    names = {dtype.name for dtype in TENSOR_DTYPES.values()}
    return {row.code: row.types for row in operators() if names.issuperset(row.types)}


def _entry(model: Any, operator: Any) -> Any:
    known = 0 <= operator.opcodeIndex < len(model.operatorCodes)
    return model.operatorCodes[operator.opcodeIndex] if known else None


def _check_custom(entry: Any, where: str) -> None:
    if operator_code(entry) != _CUSTOM:
        return
    raw = (entry.customCode or b"").decode("utf-8", "replace")
    name = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in raw)
    if name.startswith("Flex"):
        raise ModelError(
            f"{where} is the Flex (Select TensorFlow) op {name}, and a microcontroller has no "
            "TensorFlow: replace the Keras layer, and convert without tf.lite.OpsSet.SELECT_TF_OPS "
            "in converter.target_spec.supported_ops"
        )
    raise ModelError(
        f"{where} is the custom op {name!r}, which is not in this firmware: convert with "
        "converter.allow_custom_ops = False and builtin layers alone"
    )


def _check_hybrid(model: Any, graph: Any, operator: Any, code: int, where: str) -> None:
    if code not in _HYBRID:
        return
    tensors = [graph.tensors[i] for i in operator.inputs if 0 <= i < len(graph.tensors)]
    weights = [t for t in tensors if t.type in (INT8, UINT8) and constant_bytes(model, t)]
    if weights and any(t.type == FLOAT32 and not constant_bytes(model, t) for t in tensors):
        raise ModelError(
            f"{where} ({operator_name(code)}) takes float32 activations with int8 weights: hybrid "
            "(dynamic range) models are not supported; quantize it fully to int8, for which "
            f"{_INT8_ONLY}, or leave converter.optimizations empty for float32"
        )


def _check_scales(graph: Any, operator: Any, code: int, where: str) -> None:
    needed = code in _types() and operator_name(code) not in _WITHOUT_SCALES
    for index in (*operator.inputs, *operator.outputs):
        if not 0 <= index < len(graph.tensors):
            continue
        tensor = graph.tensors[index]
        found = f"{where} ({operator_name(code)}) has the tensor {tensor_name(tensor)!r}"
        scales = getattr(tensor.quantization, "scale", None)
        bad = [] if scales is None else [s for s in scales.tolist() if not 0 < s < math.inf]
        if bad:
            raise ModelError(
                f"{found} with the scale {bad[0]:g}, and a scale is a positive number: give a "
                "converter.representative_dataset of real inputs, and look for NaN in the weights"
            )
        if needed and tensor.type in (INT8, UINT8, INT16) and not scale_count(tensor):
            raise ModelError(
                f"{found} of {TENSOR_DTYPES[tensor.type].name} without a scale: quantize it with a "
                "converter.representative_dataset, or leave the layer in float32"
            )


def _check_tensor(index: int, tensor: Any) -> None:
    if tensor.type not in TENSOR_DTYPES:
        name = tensor_type_name(tensor.type)
        advice = _ADVICE.get(name)
        raise ModelError(
            f"tensor {index} of the model is {name}, and {advice}"
            if advice
            else f"tensor {index} of the model has the element type {name}, which the firmware "
            "cannot hold: convert it to int8 or float32"
        )
    if len(tensor.shape) > MAX_RANK:
        raise ModelError(
            f"tensor {index} of the model has {len(tensor.shape)} dimensions, the firmware knows "
            f"up to {MAX_RANK}: reshape it in Keras (keras.layers.Reshape) before the layer"
        )


def _check_free_dimensions(model: Any) -> None:
    for graph in model.subgraphs[:1]:
        for index in graph.inputs:
            if not 0 <= index < len(graph.tensors):
                continue
            signature = graph.tensors[index].shapeSignature
            sizes = [] if signature is None else [int(d) for d in signature]
            free = list(_free(sizes))
            if free:
                shown = ", ".join("free" if d < 0 else str(d) for d in sizes)
                raise ModelError(
                    f"the model's input has the shape ({shown}), and only the batch may be free: "
                    "give the others a size (keras.Input(shape=...) without None, or the shapes of "
                    "tf.TensorSpec) and convert it again"
                )


def _free(sizes: list[int]) -> Iterator[int]:
    return (axis for axis, size in enumerate(sizes) if size < 0 and axis > 0)
