"""The price of a section: cycles, time and energy of one inference on a platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.cost.accesses import misaligned, other_memory
from simbench.cost.bounds import Bounds, bounds, of
from simbench.cost.code_bus import code_bus_waits
from simbench.cost.core import Core
from simbench.cost.features import Features, features
from simbench.cost.parts import Part
from simbench.cost.pipelines import pipeline
from simbench.cost.prediction import mispredictions
from simbench.cost.residuals import residual
from simbench.cost.stalls import Waits, Words, data_waits, fetch_waits, moved_words
from simbench.counts import Counts, SectionCounts, Segment
from simbench.estimate import Estimate
from simbench.platforms import ENERGY_GROUPS, Energy, Platform

Stack = dict[str, Bounds]


@dataclass(frozen=True, slots=True)
class Price:
    """What one inference's share of a section costs.

    ``coverage`` is the fraction of executed instructions that the decoder knows. ``notes`` say
    what was not known and widened a range. ``energy_j`` is None where the platform's is not known.
    """

    cycles: Estimate
    time_s: Estimate
    energy_j: Estimate | None
    coverage: float
    notes: tuple[str, ...]


def estimate(
    counts: Counts,
    section: SectionCounts,
    platform: Platform,
    core: Core,
    *,
    widened: bool = True,
) -> Price:
    """Price ``section`` of ``counts`` on ``platform`` with ``core``, per inference.

    Ranges hold what the sources leave open and, if ``widened``, how far the model was from silicon.
    """
    off = residual(platform.id) if widened else 0.0
    known = features(counts.blocks, core)
    words = moved_words(section, known)
    fetch = fetch_waits(counts, section, known, platform, core)
    data = data_waits(counts, section, words, platform)
    cycles = _cycles(section, known, platform, core, fetch, data)
    source = f"{core.id} {core.version} on {platform.id} {platform.version}"
    per_cycle = 1.0 / platform.clock_hz
    share = 1.0 / counts.inferences
    energy = None
    if platform.energy is not None:
        reads = _reads(platform, fetch, data)
        spent = _energy(section, known, platform, platform.energy, words, reads, cycles)
        energy = _estimate(spent, share, f"{source} at {platform.supply_v:g} V", off)
    return Price(
        cycles=_estimate(cycles, share, source, off),
        time_s=_estimate(cycles, share * per_cycle, source, off),
        energy_j=energy,
        coverage=_coverage(section, known),
        notes=tuple(dict.fromkeys(n for w in (fetch, *data.values()) for n in w.notes)),
    )


def _cycles(
    section: SectionCounts,
    known: Features,
    platform: Platform,
    core: Core,
    fetch: Waits,
    data: Mapping[str, Waits],
) -> Stack:
    executed = np.tensordot(section.executions, known.cycles, axes=1)
    stack = {part.name.lower(): executed[part] for part in Part}
    stack["other_memory"] = other_memory(section, known, platform)
    stack["misaligned"] = misaligned(section, known, core)
    stack["branch_refill"] = _refills(section, known, pipeline(core).refills())
    stack["misprediction"] = mispredictions(section, known, core)
    stack["code_bus"] = code_bus_waits(section, known, platform, core)
    stack["fetch_wait"] = fetch.cycles
    stack["data_wait"] = sum((w.cycles for w in data.values()), bounds(0.0))
    return stack


def _refills(section: SectionCounts, known: Features, table: NDArray[np.float64]) -> Bounds:
    edges = section.edges
    each = table[known.refill[edges["source"]], known.misaligned[edges["target"]]]
    total: Bounds = edges["count"].astype(np.float64) @ each
    return total


def _reads(platform: Platform, fetch: Waits, data: Mapping[str, Waits]) -> Stack:
    """Reads past the caches, by memory."""
    reads = {name: waits.reads for name, waits in data.items()}
    code = platform.memory_of(Segment.CODE).name
    reads[code] = reads.get(code, bounds(0.0)) + fetch.reads
    return reads


def _energy(
    section: SectionCounts,
    known: Features,
    platform: Platform,
    energy: Energy,
    words: Words,
    reads: Stack,
    cycles: Stack,
) -> Stack:
    total = sum(cycles.values(), bounds(0.0))
    stack = {"static": of(energy.static_w) * total / platform.clock_hz}
    stack["clock"] = of(energy.clock_j) * total
    executing = np.tensordot(section.executions, known.groups, axes=1)
    executing[ENERGY_GROUPS.index("branch")] += cycles["branch_refill"]
    executing[ENERGY_GROUPS.index("load_store")] += cycles["other_memory"] + cycles["misaligned"]
    for index, group in enumerate(ENERGY_GROUPS):
        stack[group] = of(energy.instruction_j[group]) * executing[index]
    for name in platform.memories:
        moved = sum(int(words.moved[s]) for s in Segment if platform.memory_of(s).name == name)
        stack[f"{name}_access"] = of(energy.access_j[name]) * moved
        stack[f"{name}_read"] = of(energy.line_j[name]) * reads.get(name, bounds(0.0))
    return stack


def _coverage(section: SectionCounts, known: Features) -> float:
    executed = int(section.executions @ known.instructions)
    unknown = int(section.executions @ known.unknown)
    return 1.0 - unknown / executed if executed else 1.0


def _estimate(stack: Stack, factor: float, source: str, off: float) -> Estimate:
    parts = {name: float(part[0]) * factor for name, part in stack.items()}
    lower = sum(float(part[1]) for part in stack.values()) * factor
    upper = sum(float(part[2]) for part in stack.values()) * factor
    value = sum(parts.values())
    # what is off by a fraction of silicon: the value is silicon times 1 - off to 1 + off; and
    # rounding in the last place must not put a value outside its own range
    lower, upper = min(lower, value / (1 + off)), max(upper, value / (1 - off))
    return Estimate(value, lower, upper, source, parts)
