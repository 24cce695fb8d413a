"""A dilated convolution as converters spell it, turned back into one.

A converter writes SPACE_TO_BATCH_ND, a convolution without dilation over each residue of the input,
and BATCH_TO_SPACE_ND. Where the zeros added and the rows cropped are those of one dilated
convolution with SAME or VALID padding, both give the same outputs, sum by sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simbench.models.operators import (
    BATCH_TO_SPACE_ND,
    CONV_2D,
    DEPTHWISE_CONV_2D,
    RESHAPE,
    SPACE_TO_BATCH_ND,
    constant_value,
)
from simbench.models.rewrite import code_of, make_reshape

_SAME, _VALID = 0, 1  # schema.fbs, enum Padding
_CONVOLUTIONS = (CONV_2D, DEPTHWISE_CONV_2D)


@dataclass(frozen=True, slots=True)
class _Chain:
    """The operators of one spelling. ``enter`` and ``leave`` are the RESHAPE operators around a
    convolution of one axis, which TensorFlow Lite has in two axes alone."""

    to_batch: Any
    enter: Any | None
    convolution: Any
    leave: Any | None
    from_batch: Any

    @property
    def operators(self) -> tuple[Any, ...]:
        whole = (self.to_batch, self.enter, self.convolution, self.leave, self.from_batch)
        return tuple(operator for operator in whole if operator is not None)


def restore_dilation(model: Any) -> int:
    """Turn every chain of the main graph that equals a dilated convolution into it; how many."""
    graph = model.subgraphs[0]
    restored = 0
    for operator in list(graph.operators):
        chain = _chain(model, graph, operator)
        if chain is not None and _restore(model, graph, chain):
            restored += 1
    return restored


def _chain(model: Any, graph: Any, first: Any) -> _Chain | None:
    if code_of(model, first) != SPACE_TO_BATCH_ND:
        return None
    found = [first]
    while len(found) < 5 and code_of(model, found[-1]) != BATCH_TO_SPACE_ND:
        output = found[-1].outputs[0]
        readers = [o for o in graph.operators if output in o.inputs]
        if len(readers) != 1 or readers[0].inputs[0] != output or output in graph.outputs:
            return None
        found.append(readers[0])
    codes = [code_of(model, operator) for operator in found]
    if codes[1:2] == [RESHAPE] and len(found) == 5:
        chain = _Chain(found[0], found[1], found[2], found[3], found[4])
        ends = (codes[1], codes[3])
    elif len(found) == 3:
        chain = _Chain(found[0], None, found[1], None, found[2])
        ends = (RESHAPE, RESHAPE)
    else:
        return None
    whole = (SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND)
    is_chain = (codes[0], codes[-1]) == whole and ends == (RESHAPE, RESHAPE)
    return chain if is_chain and code_of(model, chain.convolution) in _CONVOLUTIONS else None


def _restore(model: Any, graph: Any, chain: _Chain) -> bool:
    options = chain.convolution.builtinOptions
    strides = (options.strideH, options.strideW)
    dilations = (options.dilationHFactor, options.dilationWFactor)
    if options.padding != _VALID or strides != (1, 1) or dilations != (1, 1):
        return False
    if not _keeps_quantization(graph, chain):
        return False
    spread = _spread(model, graph, chain)
    padding = None if spread is None else _padding(model, graph, chain, *spread)
    if spread is None or padding is None:
        return False
    factors, _ = spread
    options.padding = padding
    options.dilationHFactor, options.dilationWFactor = factors
    _connect(model, graph, chain)
    return True


def _keeps_quantization(graph: Any, chain: _Chain) -> bool:
    """What moves elements must not change what they mean."""
    moved = [o for o in chain.operators if o is not chain.convolution]
    for operator in moved:
        source, target = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
        if source.type != target.type or _meaning(source) != _meaning(target):
            return False
    return True


def _meaning(tensor: Any) -> tuple[list[float], list[int]]:
    quantization = tensor.quantization
    scales = getattr(quantization, "scale", None)
    points = getattr(quantization, "zeroPoint", None)
    return (
        [] if scales is None else [float(s) for s in scales],
        [] if points is None else [int(z) for z in points],
    )


def _spread(model: Any, graph: Any, chain: _Chain) -> tuple[tuple[int, int], list[int]] | None:
    """The dilation along height and width, and which of both each block is of."""
    blocks = _numbers(model, graph, chain.to_batch, 1)
    if blocks is None or blocks != _numbers(model, graph, chain.from_batch, 1):
        return None
    inside = _shape(graph, chain.convolution.inputs[0])
    if len(blocks) == 2 and chain.enter is None:
        return (blocks[0], blocks[1]), [0, 1]
    if len(blocks) != 1 or chain.enter is None:
        return None
    outside = _shape(graph, chain.to_batch.outputs[0])
    if inside == (outside[0], 1, *outside[1:]):
        return (1, blocks[0]), [1]
    if inside == (outside[0], outside[1], 1, *outside[2:]):
        return (blocks[0], 1), [0]
    return None


def _padding(
    model: Any, graph: Any, chain: _Chain, factors: tuple[int, int], axes: list[int]
) -> int | None:
    """SAME or VALID, where one of both is what the chain adds and crops along every axis."""
    added = _numbers(model, graph, chain.to_batch, 2)
    cropped = _numbers(model, graph, chain.from_batch, 2)
    if added is None or cropped is None or any(cropped[::2]):
        return None
    filter_hw = _shape(graph, chain.convolution.inputs[1])[1:3]
    source, target = (
        _shape(graph, chain.to_batch.inputs[0]),
        _shape(graph, chain.from_batch.outputs[0]),
    )
    possible = {_SAME, _VALID}
    for i, axis in enumerate(axes):
        reach = (filter_hw[axis] - 1) * factors[axis]
        before, size, given = added[2 * i], source[1 + i], target[1 + i]
        if (before, given) != (reach // 2, size):
            possible.discard(_SAME)
        if (before, given) != (0, size - reach):
            possible.discard(_VALID)
    if len(axes) == 1 and filter_hw[1 - axes[0]] != 1:
        return None
    return min(possible, default=None)


def _connect(model: Any, graph: Any, chain: _Chain) -> None:
    """The convolution reads what was split and gives what was put together."""
    source, target = chain.to_batch.inputs[0], chain.from_batch.outputs[0]
    if chain.enter is None or chain.leave is None:
        chain.convolution.inputs[0] = source
        chain.convolution.outputs[0] = target
    else:
        chain.enter.inputs[0] = source
        chain.leave.outputs[0] = target
        position = 1 if _shape(graph, chain.convolution.inputs[0])[1] == 1 else 2
        for operator, end in ((chain.enter, source), (chain.leave, target)):
            flat = _shape(graph, end)
            inner = (*flat[:position], 1, *flat[position:])
            is_enter = operator is chain.enter
            tensor = operator.outputs[0] if is_enter else operator.inputs[0]
            graph.tensors[tensor].shape = np.array(inner, "<i4")
            make_reshape(model, graph, operator, inner if is_enter else flat)
    graph.operators.remove(chain.to_batch)
    graph.operators.remove(chain.from_batch)


def _numbers(model: Any, graph: Any, operator: Any, index: int) -> list[int] | None:
    value = constant_value(model, graph.tensors[operator.inputs[index]])
    return None if value is None else [int(n) for n in value.ravel()]


def _shape(graph: Any, tensor: int) -> tuple[int, ...]:
    return tuple(int(d) for d in graph.tensors[tensor].shape)
