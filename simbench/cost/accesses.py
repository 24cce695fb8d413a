"""What loads and stores take beyond their own cycles by where and how they go."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds, bounds, of
from simbench.cost.core import Core
from simbench.cost.features import Features
from simbench.counts import SectionCounts, Segment
from simbench.platforms import Platform


def other_memory(section: SectionCounts, features: Features, platform: Platform) -> Bounds:
    """Cycles that accesses lose which do not overlap the one before, as it went elsewhere."""
    if not len(features.pair_block):
        return bounds(0.0)
    shares = _shares(section, features, platform)
    first, second = (shares[features.pair_halfwords[:, side]] for side in (0, 1))
    # an instruction that goes to two memories meets its neighbour there as often as it can
    apart = np.maximum(first - second, 0.0).sum(axis=1)
    executed = section.executions[features.pair_block] * apart
    total: Bounds = executed @ features.pair_cycles
    return total


def _shares(section: SectionCounts, features: Features, platform: Platform) -> NDArray[np.float64]:
    """Of the accesses at each halfword of code, the share that goes to each memory."""
    names = list(platform.memories)
    column = np.array([names.index(platform.memory_of(s).name) for s in Segment])
    accesses = section.accesses
    halfword = features.first_halfword[accesses["block"]] + accesses["offset"] // 2
    cell = halfword * len(names) + column[accesses["segment"]]
    size = len(features.loads) * len(names)
    count = np.bincount(cell, accesses["count"], size).astype(np.float64).reshape(-1, len(names))
    total = count.sum(axis=1, keepdims=True)
    return np.divide(count, total, out=np.zeros_like(count), where=total > 0)


def misaligned(section: SectionCounts, features: Features, core: Core) -> Bounds:
    """Cycles of the further bus accesses that misaligned loads and stores take."""
    if section.splits is None or "split_access" not in core.pipeline:
        return bounds(0.0)
    splits = section.splits
    halfword = features.first_halfword[splits["block"]] + splits["offset"] // 2
    is_load = features.loads[halfword]
    loads = float(splits["count"][is_load].sum())
    stores = float(splits["count"][~is_load].sum())
    pipeline = core.pipeline
    return loads * of(pipeline["split_access"]) + stores * of(pipeline["split_store"])
