"""The price of a section: cycles, time and energy of one inference on a platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simbench.cost.bounds import Bounds
from simbench.cost.points import Prices, Values, price_points
from simbench.cost.targets import Target
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
