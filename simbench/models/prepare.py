"""From a model as converted to a model as a microcontroller wants it, with the same outputs.

Each step removes what no kernel needs and reports what it did, with the bytes it saved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from simbench.errors import ModelError
from simbench.models.calls import reached, renumber_callees
from simbench.models.dilation import restore_dilation
from simbench.models.fold import folded_value
from simbench.models.lifetimes import least_arena_bytes, tensor_lifetimes
from simbench.models.operators import (
    ASSIGN_VARIABLE,
    CONV_2D,
    DEPTHWISE_CONV_2D,
    EXPAND_DIMS,
    FULLY_CONNECTED,
    QUANTIZE,
    SQUEEZE,
    TRANSPOSE_CONV,
    macs,
)
from simbench.models.parse import LATER_OPTIONS, Signature, signatures
from simbench.models.prepared import Layer, PreparedModel, TensorInfo, tensor_info, tensor_name
from simbench.models.rewrite import add_buffer, add_constant, code_of, make_reshape
from simbench.models.schema import (
    BUFFER_ALIGNMENT,
    FLOAT32,
    INT8,
    INT16,
    INT32,
    INT64,
    TENSOR_DTYPES,
    UINT8,
    operator_name,
    pack,
    scale_count,
    schema,
)
from simbench.models.shapes import settle_shapes
from simbench.models.verify import (
    check_operators,
    check_ops,
    check_structure,
    is_constant,
    is_misplaced_bias,
    verify,
)

_Step = Callable[[Any], str | None]
"""Changes a ``ModelT`` and says what it did, or does nothing."""

_BIAS_INPUT = 2  # of convolutions and fully connected layers
_WITH_BIAS = (CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED)
_TRANSPOSED_INPUT, _TRANSPOSED_BIAS = 2, 3  # of TRANSPOSE_CONV
_END_TYPES = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")


def prepare(
    data: bytes, ops: Mapping[int, int] | None = None, sha256: str | None = None
) -> PreparedModel:
    """Verify and prepare a .tflite file; ``data`` comes back unchanged where nothing is to do.

    ``ops`` maps the builtin operator codes of the firmware to the highest version it knows (checked
    after preparation, which removes some); ``sha256`` is the pinned hash of ``data``. Raises
    :class:`ModelError`. The same ``data`` gives the same bytes everywhere.
    """
    model = verify(data, ops, sha256)
    changes, prepared = _apply_steps(model, data)
    if changes:
        check_structure(model)
        check_operators(model)
    if ops is not None:
        check_ops(model, ops)
    source_sha256 = hashlib.sha256(data).hexdigest()
    return _describe(model, prepared, source_sha256, changes, is_pinned=sha256 is not None)


def _apply_steps(model: Any, data: bytes) -> tuple[tuple[str, ...], bytes]:
    """Apply every step to ``model``, parsed from ``data``: a sentence for each change, and what the
    file then is, which is ``data`` where nothing was to do."""
    first = packed = pack(model)
    changed = not _is_aligned(model, data) or (_is_beyond_verifier(model) and packed != data)
    settling: tuple[_Step, ...] = (partial(_drop_signatures, signatures(data)), *_SETTLING)
    said = []
    for step in (*settling, _check, *_STEPS):
        sentence = step(model)
        if sentence is None:
            continue
        changed = True
        before, packed = len(packed), pack(model)
        said.append(f"{sentence}: {_saving(before - len(packed))}")
    if not changed:
        return (), data
    said.append(
        "repacked with every buffer aligned to 16 bytes and without what the firmware's schema "
        f"does not know: {_saving(len(data) - len(first))}"
    )
    return tuple(said), packed


def _is_beyond_verifier(model: Any) -> bool:
    operators = (operator for graph in model.subgraphs for operator in graph.operators)
    return any(operator.builtinOptionsType in LATER_OPTIONS for operator in operators)


def _check(model: Any) -> str | None:
    """What steps after this one may rely on, and a refusal where it is not so."""
    check_operators(model)
    return None


def _is_aligned(model: Any, data: bytes) -> bool:
    """Whether kernels may read words in place: some writers forget the schema's alignment."""
    start = np.frombuffer(data, np.uint8).ctypes.data
    buffers = (buffer.data for buffer in model.buffers if buffer.data is not None)
    return all((b.ctypes.data - start) % BUFFER_ALIGNMENT == 0 for b in buffers if b.nbytes)


def _saving(difference: int) -> str:
    return f"{abs(difference):,} bytes {'saved' if difference >= 0 else 'added'}"


def _describe(
    model: Any, data: bytes, source_sha256: str, changes: tuple[str, ...], *, is_pinned: bool
) -> PreparedModel:
    graph = model.subgraphs[0]
    inputs = tuple(tensor_info(graph.tensors[i]) for i in graph.inputs)
    outputs = tuple(tensor_info(graph.tensors[i]) for i in graph.outputs)
    for what, ends in (("takes", inputs), ("gives", outputs)):
        for tensor in ends:
            _check_end(what, tensor)
    layers = tuple(
        _layer(model, graph, index, operator) for index, operator in enumerate(graph.operators)
    )
    sha256 = hashlib.sha256(data).hexdigest()
    return PreparedModel(
        data=data,
        sha256=sha256,
        source_sha256=source_sha256,
        inputs=inputs,
        outputs=outputs,
        layers=layers,
        lifetimes=tensor_lifetimes(graph),
        changes=changes,
        is_pinned=is_pinned,
        is_stateful=_is_stateful(model),
        least_arena_bytes=least_arena_bytes(model, graph),
    )


def _is_stateful(model: Any) -> bool:
    return any(
        any(tensor.isVariable for tensor in graph.tensors)
        or any(code_of(model, operator) == ASSIGN_VARIABLE for operator in graph.operators)
        for graph in model.subgraphs
    )


def _check_end(what: str, tensor: TensorInfo) -> None:
    if tensor.dtype not in _END_TYPES:
        raise ModelError(
            f"the model {what} {tensor.dtype}, and the firmware {', '.join(_END_TYPES)} alone: "
            "set converter.inference_input_type and inference_output_type to tf.int8"
        )
    if tensor.dtype == "int8" and tensor.scale <= 0:
        raise ModelError(
            f"the model {what} int8 without a scale: quantize it with a representative dataset"
        )


def _layer(model: Any, graph: Any, index: int, operator: Any) -> Layer:
    output = graph.tensors[operator.outputs[0]] if operator.outputs else None
    return Layer(
        index=index,
        op=operator_name(code_of(model, operator)),
        name="" if output is None else tensor_name(output),
        macs=macs(model, graph, operator),
        output_shape=() if output is None else tuple(int(d) for d in output.shape),
    )


def _readers(graph: Any, tensor: int) -> list[Any]:
    return [operator for operator in graph.operators if tensor in operator.inputs]


def _drop_signatures(offered: tuple[Signature, ...], model: Any) -> str | None:
    """Of several signatures, the first subgraph's runs: what an interpreter runs unless asked."""
    kept = reached(model)
    if len(kept) == len(model.subgraphs):
        return None
    new = {old: index for index, old in enumerate(kept)}
    for old in kept:
        for operator in model.subgraphs[old].operators:
            renumber_callees(model, operator, new)
    said = f"dropped {len(model.subgraphs) - len(kept)} subgraphs that nothing calls"
    model.subgraphs = [model.subgraphs[old] for old in kept]
    running = ", ".join(signature.name for signature in offered if signature.subgraph == 0)
    others = ", ".join(signature.name for signature in offered if signature.subgraph != 0)
    what = f"the signature {running}" if running else "the first subgraph, which has no signature"
    return f"runs {what}, and left out {others}; {said}" if others else said


def _repair_biases(model: Any) -> str | None:
    """A vector of scales can be along its one dimension alone."""
    biases = [t for graph in model.subgraphs for t in graph.tensors if is_misplaced_bias(t)]
    for tensor in biases:
        tensor.quantization.quantizedDimension = 0
    if not biases:
        return None
    return f"repaired the quantized dimension of {len(biases)} biases, which have only one"


def _fix_batch(model: Any) -> str | None:
    """Shapes are those for a batch of 1, through every operator, not those that the file says."""
    changed = settle_shapes(model)
    signed = [t for g in model.subgraphs for t in g.tensors if t.shapeSignature is not None]
    for tensor in signed:
        tensor.shapeSignature = None
    if not signed:
        return None
    said = f"set the free dimensions of {len(signed)} tensors from their shapes"
    return f"{said}, {changed} of which the file had wrong" if changed else said


def _fold_constants(model: Any) -> str | None:
    folded = []
    for graph in model.subgraphs:
        for operator in list(graph.operators):
            value = folded_value(model, graph, operator)
            if value is None or operator.outputs[0] in graph.outputs:
                continue
            graph.tensors[operator.outputs[0]].buffer = add_buffer(model, value)
            graph.operators.remove(operator)
            folded.append(operator_name(code_of(model, operator)))
    return f"folded the constant {', '.join(folded)}" if folded else None


def _reshape_only(model: Any) -> str | None:
    """EXPAND_DIMS and SQUEEZE move no element."""
    made = []
    for graph in model.subgraphs:
        for operator in graph.operators:
            code = code_of(model, operator)
            if code in (EXPAND_DIMS, SQUEEZE):
                shape = tuple(int(d) for d in graph.tensors[operator.outputs[0]].shape)
                make_reshape(model, graph, operator, shape)
                made.append(operator_name(code))
    return f"made {', '.join(made)} a RESHAPE" if made else None


def _restore_dilation(model: Any) -> str | None:
    restored = restore_dilation(model)
    return f"restored {restored} dilated convolutions" if restored else None


def _give_biases(model: Any) -> str | None:
    """A converter leaves a bias of zeros out; kernels of 2020 then read a tensor with index -1."""
    given = 0
    for graph in model.subgraphs:
        zeros: dict[tuple[int, int], int] = {}
        for operator in graph.operators:
            place = _lacks_bias(model, graph, operator)
            if place is None:
                continue
            given = _TRANSPOSED_INPUT if place == _TRANSPOSED_BIAS else 0
            activations = graph.tensors[operator.inputs[given]].type
            kind = {FLOAT32: FLOAT32, INT16: INT64}.get(activations, INT32)
            size = int(graph.tensors[operator.outputs[0]].shape[-1])
            if (kind, size) not in zeros:
                value = np.zeros(size, TENSOR_DTYPES[kind])
                zeros[kind, size] = add_constant(model, graph, "zero bias", value, kind)
            operator.inputs = [*operator.inputs[:place], zeros[kind, size]]
            given += 1
    return f"gave {given} layers the bias of zeros that was left out" if given else None


def _lacks_bias(model: Any, graph: Any, operator: Any) -> int | None:
    """Which input a bias of zeros is to be, where there is none and one changes no output."""
    code = code_of(model, operator)
    if code in _WITH_BIAS and not _has_bias(operator):
        return _BIAS_INPUT
    if code != TRANSPOSE_CONV or _has_bias(operator, _TRANSPOSED_BIAS):
        return None
    # without one, TensorFlow Lite sums int16 in 32 bits, and TensorFlow Lite Micro in 64
    is_short = graph.tensors[operator.inputs[_TRANSPOSED_INPUT]].type == INT16
    return _TRANSPOSED_BIAS if is_short else None


def _has_bias(operator: Any, place: int = _BIAS_INPUT) -> bool:
    return len(operator.inputs) > place and operator.inputs[place] != -1


def _drop_other_inputs(model: Any) -> str | None:
    """The QUANTIZE of a float32 input, and that of a uint8 one which only subtracts 128."""
    graph = model.subgraphs[0]
    dropped = []
    for position, index in enumerate(graph.inputs):
        readers = _readers(graph, index)
        if len(readers) != 1 or index in graph.outputs or code_of(model, readers[0]) != QUANTIZE:
            continue
        if len(graph.operators) == 1:  # else nothing is left
            continue
        given, target = graph.tensors[index], readers[0].outputs[0]
        if graph.tensors[target].type == INT8 and _is_other_end(given, graph.tensors[target]):
            graph.inputs[position] = target
            graph.operators.remove(readers[0])
            dropped.append(f"{_type_name(given)} input {tensor_name(given)}")
    return f"removed QUANTIZE after the {', '.join(dropped)}" if dropped else None


def _drop_other_outputs(model: Any) -> str | None:
    """The DEQUANTIZE to a float32 output, and the QUANTIZE to a uint8 one which only adds 128."""
    graph = model.subgraphs[0]
    dropped = []
    for position, index in enumerate(graph.outputs):
        writers = [operator for operator in graph.operators if index in operator.outputs]
        if not writers or _readers(graph, index) or graph.outputs.count(index) > 1:
            continue
        if len(graph.operators) == 1:  # else nothing is left
            continue
        name = operator_name(code_of(model, writers[0]))
        given, source = graph.tensors[index], writers[0].inputs[0]
        wanted = {FLOAT32: "DEQUANTIZE", UINT8: "QUANTIZE"}.get(given.type)
        if name != wanted or graph.tensors[source].type != INT8:
            continue
        if is_constant(model, graph.tensors[source]) or source in (*graph.inputs, *graph.outputs):
            continue
        if _is_other_end(given, graph.tensors[source]):
            graph.outputs[position] = source
            graph.operators.remove(writers[0])
            dropped.append(f"{name} before the {_type_name(given)} output {tensor_name(given)}")
    return f"removed {', '.join(dropped)}" if dropped else None


def _is_other_end(end: Any, inner: Any) -> bool:
    """Whether a model may as well take or give ``inner`` (int8) in the place of ``end``."""
    if end.type == FLOAT32:
        return True
    if end.type != UINT8 or scale_count(end) != 1 or scale_count(inner) != 1:
        return False
    outer, within = end.quantization, inner.quantization
    same = outer.scale[0] == within.scale[0]
    return bool(same and outer.zeroPoint[0] - 128 == within.zeroPoint[0])


def _type_name(tensor: Any) -> str:
    return TENSOR_DTYPES[tensor.type].name


def _drop_bias_quantization(model: Any) -> str | None:
    """No kernel reads a bias's scales (they are input times weight scale); they only cost RAM."""
    biases = []
    for graph in model.subgraphs:
        for operator in graph.operators:
            if code_of(model, operator) in _WITH_BIAS and _has_bias(operator):
                tensor = graph.tensors[operator.inputs[_BIAS_INPUT]]
                scales = getattr(tensor.quantization, "scale", None)
                if scales is not None and len(scales) > 1 and tensor.type in (INT32, INT64):
                    tensor.quantization = None
                    biases.append(tensor)
    return f"dropped the scales of {len(biases)} per-channel biases" if biases else None


def _drop_metadata(model: Any) -> str | None:
    names = [(entry.name or b"").decode("utf-8", "replace") for entry in model.metadata]
    model.metadata = []
    printable = ["".join(c for c in name if c.isprintable()) for name in names]
    return f"dropped the metadata {', '.join(printable)}" if names else None


def _drop_unused(model: Any) -> str | None:
    """Tensors, buffers and operator codes that nothing refers to; one empty buffer serves all."""
    graphs = model.subgraphs
    counts = sum(len(g.tensors) for g in graphs), len(model.buffers), len(model.operatorCodes)
    for graph in graphs:
        _renumber_tensors(graph)
    _renumber_buffers(model)
    operators = [operator for graph in graphs for operator in graph.operators]
    used = sorted({operator.opcodeIndex for operator in operators})
    model.operatorCodes = [model.operatorCodes[old] for old in used]
    new = {old: index for index, old in enumerate(used)}
    for operator in operators:
        operator.opcodeIndex = new[operator.opcodeIndex]
    left = sum(len(g.tensors) for g in graphs), len(model.buffers), len(model.operatorCodes)
    tensors, buffers, codes = (a - b for a, b in zip(counts, left, strict=True))
    each = ((tensors, "unused tensors"), (buffers, "buffers"), (codes, "operator codes"))
    dropped = ", ".join(f"{number} {things}" for number, things in each if number)
    return f"dropped {' and '.join(dropped.rsplit(', ', 1))}" if dropped else None


def _renumber_tensors(graph: Any) -> None:
    used = {*graph.inputs, *graph.outputs}
    for operator in graph.operators:
        used.update(operator.inputs, operator.outputs)
        if operator.intermediates is not None:
            used.update(int(i) for i in operator.intermediates)
    kept = sorted(used - {-1})
    new = {old: index for index, old in enumerate(kept)} | {-1: -1}
    graph.tensors = [graph.tensors[old] for old in kept]
    graph.inputs = [new[i] for i in graph.inputs]
    graph.outputs = [new[i] for i in graph.outputs]
    for operator in graph.operators:
        operator.inputs = [new[i] for i in operator.inputs]
        operator.outputs = [new[i] for i in operator.outputs]
        if operator.intermediates is not None:
            operator.intermediates = [new[int(i)] for i in operator.intermediates]


def _renumber_buffers(model: Any) -> None:
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    kept = sorted({t.buffer for t in tensors if is_constant(model, t)})
    new = {old: index + 1 for index, old in enumerate(kept)}
    empty = schema().BufferT()  # by convention the first buffer is empty: "no data"
    model.buffers = [empty, *(model.buffers[old] for old in kept)]
    for tensor in tensors:
        tensor.buffer = new.get(tensor.buffer, 0)


_SETTLING: tuple[_Step, ...] = (_repair_biases, _fix_batch, _fold_constants)

_STEPS: tuple[_Step, ...] = (
    _drop_other_inputs,
    _drop_other_outputs,
    _reshape_only,
    _restore_dilation,
    _give_biases,
    _drop_bias_quantization,
    _drop_metadata,
    _drop_unused,
)
