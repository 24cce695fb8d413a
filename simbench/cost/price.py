"""The price of a section: cycles, time and energy of one inference on a platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds, bounds, of
from simbench.cost.core import Core
from simbench.cost.features import Features, features
from simbench.cost.parts import Part
from simbench.cost.pipelines import pipeline
from simbench.cost.stalls import Waits, Words, data_waits, fetch_waits, moved_words
from simbench.counts import Counts, SectionCounts, Segment
from simbench.estimate import Estimate
from simbench.platforms import ENERGY_GROUPS, Platform

Stack = dict[str, Bounds]


@dataclass(frozen=True, slots=True)
class Price:
    """What one inference's share of a section costs.

    ``coverage`` is the fraction of executed instructions that the decoder knows. ``notes`` say
    what was not known and widened a range.
    """

    cycles: Estimate
    time_s: Estimate
    energy_j: Estimate
    coverage: float
    notes: tuple[str, ...]


def estimate(counts: Counts, section: SectionCounts, platform: Platform, core: Core) -> Price:
    """Price ``section`` of ``counts`` on ``platform`` with ``core``, per inference."""
    known = features(counts.blocks, core)
    words = moved_words(section, known)
    fetch = fetch_waits(counts, section, known, platform)
    data = data_waits(counts, section, words, platform)
    cycles = _cycles(section, known, core, fetch, data)
    energy = _energy(section, known, platform, words, _reads(platform, fetch, data), cycles)
    source = f"{core.id} {core.version} on {platform.id} {platform.version}"
    per_cycle = 1.0 / platform.clock_hz
    share = 1.0 / counts.inferences
    return Price(
        cycles=_estimate(cycles, share, source),
        time_s=_estimate(cycles, share * per_cycle, source),
        energy_j=_estimate(energy, share, f"{source} at {platform.supply_v:g} V"),
        coverage=_coverage(section, known),
        notes=tuple(dict.fromkeys(n for w in (fetch, *data.values()) for n in w.notes)),
    )


def _cycles(
    section: SectionCounts, known: Features, core: Core, fetch: Waits, data: Mapping[str, Waits]
) -> Stack:
    executed = np.tensordot(section.executions, known.cycles, axes=1)
    stack = {part.name.lower(): executed[part] for part in Part}
    stack["branch_refill"] = _refills(section, known, pipeline(core).refills())
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
    words: Words,
    reads: Stack,
    cycles: Stack,
) -> Stack:
    energy = platform.energy
    total = sum(cycles.values(), bounds(0.0))
    stack = {"static": of(energy.static_w) * total / platform.clock_hz}
    stack["clock"] = of(energy.clock_j) * total
    executing = np.tensordot(section.executions, known.groups, axes=1)
    executing[ENERGY_GROUPS.index("branch")] += cycles["branch_refill"]
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


def _estimate(stack: Stack, factor: float, source: str) -> Estimate:
    parts = {name: float(part[0]) * factor for name, part in stack.items()}
    lower = sum(float(part[1]) for part in stack.values()) * factor
    upper = sum(float(part[2]) for part in stack.values()) * factor
    value = sum(parts.values())
    # rounding in the last place must not put a value outside its own range
    return Estimate(value, min(lower, value), max(upper, value), source, parts)
