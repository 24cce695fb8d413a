"""From a model as converted to a model as a microcontroller wants it, with the same outputs.

Each step removes what no kernel needs and reports what it did, with the bytes it saved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from simbench.errors import ModelError
from simbench.models.fold import folded_value
from simbench.models.lifetimes import tensor_lifetimes
from simbench.models.operators import (
    CONV_2D,
    DEPTHWISE_CONV_2D,
    DEQUANTIZE,
    FULLY_CONNECTED,
    QUANTIZE,
    macs,
)
from simbench.models.prepared import Layer, PreparedModel, tensor_info, tensor_name
from simbench.models.schema import (
    BUFFER_ALIGNMENT,
    FLOAT32,
    INT8,
    INT32,
    operator_code,
    operator_name,
    pack,
    schema,
)
from simbench.models.verify import check_graph, check_ops, is_constant, verify

_BIAS_INPUT = 2  # of convolutions and fully connected layers


def prepare(
    data: bytes, ops: Mapping[int, int] | None = None, sha256: str | None = None
) -> PreparedModel:
    """Verify and prepare a .tflite file; ``data`` comes back unchanged where nothing is to do.

    ``ops`` maps the builtin operator codes of the firmware to the highest version it knows (checked
    after preparation, which removes some); ``sha256`` is the pinned hash of ``data``. Raises
    :class:`ModelError`. The same ``data`` gives the same bytes everywhere.
    """
    model = verify(data, sha256=sha256)
    changes = tuple(_apply_steps(model, data))
    prepared = pack(model) if changes else data
    if changes:
        check_graph(model)
    if ops is not None:
        check_ops(model, ops)
    source_sha256 = hashlib.sha256(data).hexdigest()
    return _describe(model, prepared, source_sha256, changes, is_pinned=sha256 is not None)


def _apply_steps(model: Any, data: bytes) -> Iterator[str]:
    """Apply every step to ``model``, parsed from ``data``; yield a sentence for each change."""
    start = size = len(pack(model))
    changed = not _is_aligned(model, data)
    for step in _STEPS:
        said = step(model)
        if said is None:
            continue
        changed = True
        before, size = size, len(pack(model))
        yield f"{said}: {_saving(before - size)}"
    if changed:
        yield (
            "repacked with every buffer aligned to 16 bytes and without what the firmware's schema "
            f"does not know: {_saving(len(data) - start)}"
        )


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
    if len(inputs) != 1:
        raise ModelError(
            f"the model has {len(inputs)} inputs, the MLPerf Tiny protocol feeds exactly one: "
            "convert it with one input"
        )
    if not all(t.is_real or (t.dtype == "int8" and t.scale > 0) for t in (*inputs, *outputs)):
        raise ModelError(
            f"the model takes {inputs[0].dtype} and gives {outputs[0].dtype}, the firmware runs "
            "models with int8 or float32 ends: quantize it fully to int8"
        )
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
    )


def _layer(model: Any, graph: Any, index: int, operator: Any) -> Layer:
    output = graph.tensors[operator.outputs[0]]
    return Layer(
        index=index,
        op=operator_name(_code(model, operator)),
        name=tensor_name(output),
        macs=macs(model, graph, operator),
        output_shape=tuple(int(d) for d in output.shape),
    )


def _code(model: Any, operator: Any) -> int:
    return operator_code(model.operatorCodes[operator.opcodeIndex])


def _readers(graph: Any, tensor: int) -> list[Any]:
    return [operator for operator in graph.operators if tensor in operator.inputs]


def _fix_batch(model: Any) -> str | None:
    """Static shapes alone decide: a free batch dimension is what the shape says (1 in practice)."""
    signed = [t for t in model.subgraphs[0].tensors if t.shapeSignature is not None]
    for tensor in signed:
        tensor.shapeSignature = None
    return f"set the free dimensions of {len(signed)} tensors from their shapes" if signed else None


def _fold_shapes(model: Any) -> str | None:
    graph = model.subgraphs[0]
    folded = []
    for operator in list(graph.operators):
        value = folded_value(model, graph, operator)
        if value is None or operator.outputs[0] in graph.outputs:
            continue
        buffer = schema().BufferT()
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
        graph.tensors[operator.outputs[0]].buffer = len(model.buffers)
        model.buffers.append(buffer)
        graph.operators.remove(operator)
        folded.append(operator_name(_code(model, operator)))
    return f"folded the constant {', '.join(folded)}" if folded else None


def _drop_float_inputs(model: Any) -> str | None:
    graph = model.subgraphs[0]
    dropped = []
    for position, index in enumerate(graph.inputs):
        readers = _readers(graph, index)
        if graph.tensors[index].type != FLOAT32 or len(readers) != 1 or index in graph.outputs:
            continue
        target = readers[0].outputs[0]
        if _code(model, readers[0]) != QUANTIZE or graph.tensors[target].type != INT8:
            continue
        graph.inputs[position] = target
        graph.operators.remove(readers[0])
        dropped.append(tensor_name(graph.tensors[index]))
    return f"removed QUANTIZE after the float32 input {', '.join(dropped)}" if dropped else None


def _drop_float_outputs(model: Any) -> str | None:
    graph = model.subgraphs[0]
    dropped = []
    for position, index in enumerate(graph.outputs):
        writers = [operator for operator in graph.operators if index in operator.outputs]
        if graph.tensors[index].type != FLOAT32 or not writers or _readers(graph, index):
            continue
        source = writers[0].inputs[0]
        if _code(model, writers[0]) != DEQUANTIZE or graph.tensors[source].type != INT8:
            continue
        if is_constant(model, graph.tensors[source]) or graph.outputs.count(index) > 1:
            continue
        graph.outputs[position] = source
        graph.operators.remove(writers[0])
        dropped.append(tensor_name(graph.tensors[index]))
    return f"removed DEQUANTIZE before the float32 output {', '.join(dropped)}" if dropped else None


def _drop_bias_quantization(model: Any) -> str | None:
    """No kernel reads a bias's scales (they are input times weight scale); they only cost RAM."""
    graph = model.subgraphs[0]
    biases = set()
    for operator in graph.operators:
        if _code(model, operator) not in (CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED):
            continue
        for index in operator.inputs[_BIAS_INPUT:]:
            quantization = graph.tensors[index].quantization if index >= 0 else None
            scales = getattr(quantization, "scale", None)
            if scales is not None and len(scales) > 1 and graph.tensors[index].type == INT32:
                biases.add(index)
    for index in biases:
        graph.tensors[index].quantization = None
    return f"dropped the scales of {len(biases)} per-channel biases" if biases else None


def _drop_metadata(model: Any) -> str | None:
    names = [(entry.name or b"").decode("utf-8", "replace") for entry in model.metadata]
    model.metadata = []
    printable = ["".join(c for c in name if c.isprintable()) for name in names]
    return f"dropped the metadata {', '.join(printable)}" if names else None


def _drop_unused(model: Any) -> str | None:
    """Tensors, buffers and operator codes that nothing refers to; one empty buffer serves all."""
    graph = model.subgraphs[0]
    counts = len(graph.tensors), len(model.buffers), len(model.operatorCodes)
    _renumber_tensors(graph)
    _renumber_buffers(model, graph)
    used = sorted({operator.opcodeIndex for operator in graph.operators})
    model.operatorCodes = [model.operatorCodes[old] for old in used]
    new = {old: index for index, old in enumerate(used)}
    for operator in graph.operators:
        operator.opcodeIndex = new[operator.opcodeIndex]
    left = len(graph.tensors), len(model.buffers), len(model.operatorCodes)
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


def _renumber_buffers(model: Any, graph: Any) -> None:
    kept = sorted({t.buffer for t in graph.tensors if is_constant(model, t)})
    new = {old: index + 1 for index, old in enumerate(kept)}
    empty = schema().BufferT()  # by convention the first buffer is empty: "no data"
    model.buffers = [empty, *(model.buffers[old] for old in kept)]
    for tensor in graph.tensors:
        tensor.buffer = new.get(tensor.buffer, 0)


_STEPS: tuple[Callable[[Any], str | None], ...] = (
    _fix_batch,
    _fold_shapes,
    _drop_float_inputs,
    _drop_float_outputs,
    _drop_bias_quantization,
    _drop_metadata,
    _drop_unused,
)
