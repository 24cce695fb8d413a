"""Loads that take the bus of a core's code from its fetches."""

from __future__ import annotations

import numpy as np

from simbench.cost.bounds import Bounds, bounds, of
from simbench.cost.core import Core
from simbench.cost.features import Features
from simbench.counts import SectionCounts, Segment
from simbench.platforms import Platform

_WORD = 4


def code_bus_waits(
    section: SectionCounts, features: Features, platform: Platform, core: Core
) -> Bounds:
    """Cycles that fetches wait for loads of constants, where both go over one bus.

    The dearer, the more of its cycles a block's own fetches need the bus. Cores with a bus for
    each, or one that their loads' cycles count already, have no parameter "code_bus".
    """
    if "code_bus" not in core.pipeline:
        return bounds(0.0)
    code = platform.memory_of(Segment.CODE)
    shared = np.array([platform.memory_of(segment) is code for segment in Segment])
    accesses = section.accesses
    halfword = features.first_halfword[accesses["block"]] + accesses["offset"] // 2
    from_code = shared[accesses["segment"]] & features.loads[halfword]
    words = features.size / _WORD
    cycles = np.maximum(features.cycles[:, :, 0].sum(axis=1), 1.0)
    needed = np.minimum(words / cycles, 1.0)[accesses["block"]]
    total = float((accesses["count"] * needed)[from_code].sum())
    return total * of(core.pipeline["code_bus"])
