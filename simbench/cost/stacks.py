"""The parts that cycles and energy add up from: a demand at the numbers of its machines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simbench.catalog.platforms import ENERGY_GROUPS, Platform
from simbench.cost.bounds import Bounds
from simbench.cost.cores.parts import Part
from simbench.cost.demand import Demand
from simbench.cost.effects.accesses import code_bus, misaligned
from simbench.cost.effects.branches import branch_refill, misprediction
from simbench.cost.effects.data_waits import data_wait, reads_past_cache
from simbench.cost.effects.fetch_waits import fetch_wait, reads_made
from simbench.cost.targets import EnergyNumbers, Numbers
from simbench.counts import Segment

Stack = Mapping[str, Bounds]
"""Value, lower and upper bound of each part: (rows, 3), or (1, 3) where all rows have the same.

Rows are the groups of a demand or the machines that it is priced on: of one of them there is one.
"""
_NOTHING = np.zeros((1, 3))


def cycle_stack(asked: Demand, platform: Platform, numbers: Numbers) -> Stack:
    """What ``asked`` takes on machines of the structure of ``platform``, in cycles."""
    pipeline, code = numbers.core.pipeline, platform.memory_of(Segment.CODE)
    waits = numbers.wait_states
    wrong, queue = (pipeline.get(name, _NOTHING) for name in ("misprediction", "fetch_queue"))
    data = (
        data_wait(loads, platform.memories[name], waits[name])
        for name, loads in asked.loads.items()
    )
    return {
        **{part.name.lower(): asked.parts[:, part] for part in Part},
        "other_memory": asked.other_memory,
        "misaligned": misaligned(asked.splits, pipeline),
        "branch_refill": branch_refill(asked.taken, numbers.core.refills),
        "misprediction": misprediction(asked.mispredicted, wrong),
        "code_bus": code_bus(asked.code_bus_loads, pipeline),
        "fetch_wait": fetch_wait(asked.code, code, waits[code.name], queue),
        "data_wait": sum(data, _NOTHING),
    }


def energy_stack(
    asked: Demand, platform: Platform, numbers: Numbers, energy: EnergyNumbers, cycles: Stack
) -> Stack:
    """What ``asked`` takes likewise, in joules; ``cycles`` is its :func:`cycle_stack`."""
    total = sum(cycles.values(), _NOTHING)
    stack = {
        "static": energy.static_w * total / numbers.clock_hz[:, np.newaxis],
        "clock": energy.clock_j * total,
    }
    stalled = {
        "branch": cycles["branch_refill"],
        "load_store": cycles["other_memory"] + cycles["misaligned"],
    }
    for index, group in enumerate(ENERGY_GROUPS):
        executing = asked.energy_groups[:, index] + stalled.get(group, 0.0)
        stack[group] = energy.instruction_j[group] * executing
    reads = _reads(asked, platform)
    for name, moved in asked.moved.items():
        stack[f"{name}_access"] = energy.access_j[name] * moved[:, np.newaxis]
        stack[f"{name}_read"] = energy.line_j[name] * reads.get(name, _NOTHING)
    return stack


def _reads(asked: Demand, platform: Platform) -> Stack:
    """Reads past the caches, by memory."""
    reads = {
        name: reads_past_cache(loads, platform.memories[name])
        for name, loads in asked.loads.items()
    }
    code = platform.memory_of(Segment.CODE).name
    reads[code] = reads.get(code, _NOTHING) + reads_made(asked.code)
    return reads
