"""From which layer to which a tensor is needed, by the model's graph alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from simbench.models.operators import (
    AVERAGE_POOL_2D,
    CONV_2D,
    DEPTHWISE_CONV_2D,
    FULLY_CONNECTED,
    MAX_POOL_2D,
)
from simbench.models.prepared import Lifetime, tensor_name
from simbench.models.schema import TENSOR_DTYPES, operator_code

# read inputs again and again: their output cannot take an input's place
_APART = (CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, AVERAGE_POOL_2D, MAX_POOL_2D)


def tensor_lifetimes(graph: Any) -> Mapping[int, Lifetime]:
    """The lifetime of each tensor of a ``SubGraphT`` that a layer computes or the model is given,
    by its index.

    A tensor lives from the layer that computes it (the model's input from the first) to the last
    that reads it (the model's outputs to the last, one that nobody reads in its layer only), as the
    firmware plans. What a layer's own subgraphs hold is that layer's scratch memory.
    """
    first = dict.fromkeys(map(int, graph.inputs), 0)
    last: dict[int, int] = {}
    for layer, operator in enumerate(graph.operators):
        for tensor in map(int, operator.outputs):
            first.setdefault(tensor, layer)
        last |= dict.fromkeys(map(int, operator.inputs), layer)
    last |= dict.fromkeys(map(int, graph.outputs), len(graph.operators) - 1)
    return {
        tensor: Lifetime(tensor_name(graph.tensors[tensor]), layer, last.get(tensor, layer))
        for tensor, layer in first.items()
    }


def least_arena_bytes(model: Any, graph: Any) -> int:
    """Bytes of the tensors that are needed at once, where they are most: no plan takes fewer."""
    lifetimes = tensor_lifetimes(graph)
    sizes = {tensor: _size(graph.tensors[tensor]) for tensor in lifetimes}
    most = 0
    for layer, operator in enumerate(graph.operators):
        alive = [sizes[t] for t, life in lifetimes.items() if life.first <= layer <= life.last]
        code = operator_code(model.operatorCodes[operator.opcodeIndex])
        most = max(most, sum(alive) if code in _APART else max(alive, default=0))
    return most


def _size(tensor: Any) -> int:
    return math.prod(int(d) for d in tensor.shape) * TENSOR_DTYPES[tensor.type].itemsize
