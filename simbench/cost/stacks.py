"""The parts that cycles and energy add up from: a demand at the numbers of its machines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import ENERGY_GROUPS, Platform
from simbench.cost.bounds import Bounds
from simbench.cost.cores.parts import Part
from simbench.cost.demand import Demand
from simbench.cost.effects.accesses import code_bus, misaligned
from simbench.cost.effects.branches import branch_refill, misprediction
from simbench.cost.effects.data_waits import data_wait
from simbench.cost.effects.exceptions import exceptions
from simbench.cost.effects.fetch_waits import fetch_wait, reads_made
from simbench.cost.joint import Term
from simbench.cost.targets import EnergyNumbers, Numbers
from simbench.counts import Segment

Stack = Mapping[str, Bounds]
"""Value, lower and upper bound of each part: (rows, 3), or (1, 3) where all rows have the same.

Rows are the groups of a demand or the machines that it is priced on: of one of them there is one.
"""
_NOTHING = np.zeros((1, 3))
_ONES = np.ones(3)
_ONE = np.ones(1)


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
        "exceptions": exceptions(asked.passages, pipeline),
        "code_bus": code_bus(asked.code_bus_loads, pipeline),
        "fetch_wait": fetch_wait(asked.code, code, waits[code.name], queue),
        "data_wait": sum(data, _NOTHING),
    }


def energy_terms(
    asked: Demand, platform: Platform, numbers: Numbers, energy: EnergyNumbers, cycles: Stack
) -> list[Term]:
    """What ``asked`` takes likewise, in joules; ``cycles`` is its :func:`cycle_stack`."""
    total = sum(cycles.values(), _NOTHING)
    period = 1.0 / numbers.clock_hz
    whole = energy.whole
    stalled = {
        "branch": cycles["branch_refill"],
        # what an exception takes is mostly eight words to or from the stack
        "load_store": cycles["other_memory"] + cycles["misaligned"] + cycles["exceptions"],
    }
    executing = {
        group: asked.energy_groups[:, index] + stalled.get(group, 0.0)
        for index, group in enumerate(ENERGY_GROUPS)
    }
    moved = {name: words[:, np.newaxis] * _ONES for name, words in asked.moved.items()}
    past = _reads(asked, platform)
    reads = {name: past.get(name, _NOTHING) for name in moved}
    # the measured code is taken to have this one's kinds of instructions and memories
    groups, words, lines = (
        _shares(times, of)
        for times, of in (
            (executing, _ONE if whole is None else whole.executing),
            (moved, _ONE if whole is None else whole.words),
            (reads, _ONE if whole is None else whole.reads),
        )
    )
    return [
        Term("static", energy.static_w, total * period[:, np.newaxis], period),
        Term("clock", energy.clock_j, total, _ONE),
        *(Term(g, energy.instruction_j[g], executing[g], groups[g]) for g in ENERGY_GROUPS),
        *(Term(f"{n}_access", energy.access_j[n], moved[n], words[n]) for n in moved),
        *(Term(f"{n}_read", energy.line_j[n], reads[n], lines[n]) for n in moved),
    ]


def _shares(
    times: Mapping[str, Bounds], whole: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """``whole`` divided as the values of ``times`` are; nothing where these are nothing."""
    total = sum(each[:, 0] for each in times.values())
    scale = whole / np.where(total > 0, total, 1.0)
    return {name: scale * each[:, 0] for name, each in times.items()}


def _reads(asked: Demand, platform: Platform) -> Stack:
    """Reads past the caches, by memory."""
    reads = {name: loads.reads for name, loads in asked.loads.items()}
    code = platform.memory_of(Segment.CODE).name
    reads[code] = reads.get(code, _NOTHING) + reads_made(asked.code)
    return reads
