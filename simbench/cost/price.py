"""The price of a section: cycles, time and energy of one inference on a platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simbench.cost.bounds import Bounds
from simbench.cost.demand import demand
from simbench.cost.groups import all_blocks
from simbench.cost.points import Prices, Values, price_points
from simbench.cost.stacks import cycle_stack
from simbench.cost.target import Target
from simbench.cost.targets import numbers
from simbench.counts import Counts, SectionCounts
from simbench.result.estimate import Estimate


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


def estimate(counts: Counts, section: SectionCounts, target: Target) -> Price:
    """Price ``section`` of ``counts`` on ``target``, per inference: a function of these alone.

    Ranges hold what the sources leave open, and how far the model was from silicon.
    """
    return price_of(price_points(counts, section, [target]), 0, target)


@dataclass(frozen=True, slots=True)
class EffectRange:
    """What an effect costs, in cycles, and what its numbers leave open; they are ``found_in``."""

    effect: str
    value: float
    lower: float
    upper: float
    found_in: str


_PLATFORM = "the platform's memories: wait_states"
_FOUND_IN = {
    "fetch_wait": _PLATFORM,
    "data_wait": _PLATFORM,
    "branch_refill": "the core's pipeline: refill_*",
    "misprediction": "the core's pipeline: misprediction",
    "exceptions": "the core's pipeline: exception_*",
    "code_bus": "the core's pipeline: code_bus",
    "misaligned": "the core's pipeline: split_*",
    "other_memory": "the core's pipeline: other_memory",
    "alignment": "the core's pipeline: misaligned_group",
    "dependence": "the core's pipeline: latency_*",
}
_ELSEWHERE = "the core's cycles"
_CLOSED = 0.5  # cycles


def effect_ranges(
    counts: Counts, section: SectionCounts, target: Target
) -> tuple[EffectRange, ...]:
    """The effects of ``section`` on ``target`` whose range is open, per inference, widest first.

    The errors of published images, which widen a whole estimate, are in none of them.
    """
    everything = all_blocks(len(counts.blocks))
    asked = demand(counts, section, target.platform, target.core, everything)
    stack = cycle_stack(asked, target.platform, numbers([target]))
    found = []
    for effect, part in stack.items():
        value, lower, upper = (part[0] / counts.inferences).tolist()
        if upper - lower > _CLOSED:
            where = _FOUND_IN.get(effect, _ELSEWHERE)
            found.append(EffectRange(effect, value, lower, upper, where))
    return tuple(sorted(found, key=lambda each: each.lower - each.upper))


def price_of(prices: Prices, row: int, target: Target) -> Price:
    """One row of ``prices`` by itself, with its source; it is one on ``target``."""
    platform, source = target.platform, target.source
    seconds = {name: part / platform.clock_hz for name, part in prices.cycle_stack.items()}
    energy = None
    if platform.energy is not None:
        supplied = f"{source} at {platform.supply_v:g} V"
        energy = _estimate(prices.energy_j, prices.energy_stack, row, supplied)
    return Price(
        cycles=_estimate(prices.cycles, prices.cycle_stack, row, source),
        time_s=_estimate(prices.time_s, seconds, row, source),
        energy_j=energy,
        coverage=float(prices.coverage[row]),
        notes=prices.notes[row],
    )


def _estimate(ranges: Bounds, stack: Mapping[str, Values], row: int, source: str) -> Estimate:
    value, lower, upper = ranges[row].tolist()
    return Estimate(value, lower, upper, source, {n: float(p[row]) for n, p in stack.items()})
