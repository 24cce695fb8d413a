"""Which layer of one model is which of another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

from simbench.result.tree import Layer

Pair = tuple[Layer | None, Layer | None]
"""A layer before and after; None where there was, or is, none."""


def paired(base: Sequence[Layer], new: Sequence[Layer]) -> list[Pair]:
    """Layers in the order of the new model, the gone ones last.

    A layer is the one of the same operator and name. A converter may rename layers that are the
    same: what is left is paired by operator and multiply-accumulates. Twins are paired in order.
    """
    found: dict[int, Layer] = {}
    gone = list(base)
    for key in (_name, _work):
        gone = _match(gone, new, key, found)
    pairs: list[Pair] = [(found.get(place), layer) for place, layer in enumerate(new)]
    return pairs + [(layer, None) for layer in gone]


def _match(
    base: Sequence[Layer],
    new: Sequence[Layer],
    key: Callable[[Layer], Hashable],
    found: dict[int, Layer],
) -> list[Layer]:
    """Add to ``found``, by place in ``new``, the layers of ``base`` with the same ``key``; returns
    the others."""
    waiting: dict[Hashable, list[Layer]] = defaultdict(list)
    for layer in base:
        waiting[key(layer)].append(layer)
    for place, layer in enumerate(new):
        if place not in found and waiting[key(layer)]:
            found[place] = waiting[key(layer)].pop(0)
    left = (layer for layers in waiting.values() for layer in layers)
    return sorted(left, key=lambda layer: layer.index)


def _name(layer: Layer) -> Hashable:
    return layer.op, layer.name


def _work(layer: Layer) -> Hashable:
    return layer.op, layer.macs
