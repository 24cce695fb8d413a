"""From which layer to which a tensor is needed, by the model's graph alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simbench.models.prepared import Lifetime, tensor_name


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
