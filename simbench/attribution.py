"""Which part of a section's price is whose: the price split over groups of blocks, without rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simbench.backends.sections import add_sections, merge
from simbench.cost.core import Core
from simbench.cost.price import Price, estimate
from simbench.counts import Counts, SectionCounts
from simbench.errors import InfrastructureError
from simbench.estimate import Estimate
from simbench.platforms import Platform

Rows = NDArray[np.void]
Mask = NDArray[np.bool_]
_FETCH = "fetch_wait"
_BY_CYCLE = ("static", "clock")
_READ = "_read"


def price_groups(
    counts: Counts,
    section: SectionCounts,
    platform: Platform,
    core: Core,
    groups: Sequence[int],
) -> dict[int, Price]:
    """The price of ``section`` split by the group of each block, for the groups executed in it.

    ``groups`` has one number for each of the run's blocks. Values, and every part of their stacks,
    add up to those of the whole to rounding; bounds need not, as a group's extremes are its own.
    What a taken branch costs is its source's, what is waited for the code there its target's.
    """
    whole = estimate(counts, section, platform, core)
    number = np.asarray(groups, np.int64)
    return {
        int(group): _price(counts, section, platform, core, number == group, whole)
        for group in np.unique(number[section.executions > 0])
    }


def _price(
    counts: Counts,
    section: SectionCounts,
    platform: Platform,
    core: Core,
    mask: Mask,
    whole: Price,
) -> Price:
    """Only the blocks of ``mask``. Execution that runs on into a block is what jumps to it leave
    over, so that fetches need the edges by target, all else those by source."""
    by_source, by_target = (
        estimate(counts, restricted(section, mask, end), platform, core)
        for end in ("source", "target")
    )
    stack = {**by_source.cycles.stack, _FETCH: by_target.cycles.stack[_FETCH]}
    cycles = _with_stack(by_source.cycles, stack)
    return Price(
        cycles=cycles,
        time_s=_scaled(cycles, 1.0 / platform.clock_hz),
        energy_j=_energy(by_source, by_target, whole, cycles.value),
        coverage=by_source.coverage,
        notes=by_source.notes,
    )


def _energy(by_source: Price, by_target: Price, whole: Price, cycles: float) -> Estimate | None:
    """What is spent each cycle follows the cycles; reads of code the fetches; the rest the source's
    own."""
    if by_source.energy_j is None or by_target.energy_j is None or whole.energy_j is None:
        return None
    share = cycles / whole.cycles.value if whole.cycles.value else 0.0
    stack = dict(by_source.energy_j.stack)
    for name in stack:
        if name in _BY_CYCLE:
            stack[name] = whole.energy_j.stack[name] * share
        elif name.endswith(_READ):
            stack[name] = by_target.energy_j.stack[name]
    return _with_stack(by_source.energy_j, stack)


def _with_stack(old: Estimate, stack: dict[str, float]) -> Estimate:
    value = sum(stack.values())
    ratio = value / old.value if old.value else 1.0
    return replace(_scaled(old, ratio), value=value, stack=stack)


def _scaled(old: Estimate, ratio: float) -> Estimate:
    stack = {name: part * ratio for name, part in old.stack.items()}
    bounds = (old.value * ratio, old.lower * ratio, old.upper * ratio)
    return Estimate(*bounds, old.source, stack)


def restricted(section: SectionCounts, mask: Mask, edge_end: str = "source") -> SectionCounts:
    """What of ``section`` the blocks of ``mask`` did. An edge is its "source"'s or "target"'s.

    An edge that enters or leaves the section is that of its end inside.
    """
    return SectionCounts(
        np.where(mask, section.executions, 0),
        section.edges[mask[_owners(section, edge_end)]],
        section.accesses[mask[section.accesses["block"]]],
        {name: rows[mask[rows["block"]]] for name, rows in section.cache_events.items()},
        None if section.splits is None else section.splits[mask[section.splits["block"]]],
    )


def _owners(section: SectionCounts, end: str) -> NDArray[np.uint32]:
    other = "target" if end == "source" else "source"
    first, second = section.edges[end], section.edges[other]
    owners: NDArray[np.uint32] = np.where(section.executions[first] > 0, first, second)
    return owners


def outside(whole: SectionCounts, parts: Sequence[SectionCounts]) -> SectionCounts:
    """What ``whole`` executed outside all of its ``parts``.

    Raises InfrastructureError where the parts hold what the whole does not.
    """
    if not parts:
        return whole
    inside = add_sections(parts)
    executions = whole.executions - inside.executions
    if (executions < 0).any():
        raise InfrastructureError("the layers executed more than the inference: build it again")
    splits = whole.splits
    if splits is not None and inside.splits is not None:
        splits = _less(splits, inside.splits)
    return SectionCounts(
        executions,
        _less(whole.edges, inside.edges),
        _less(whole.accesses, inside.accesses),
        {n: _less(rows, inside.cache_events[n]) for n, rows in whole.cache_events.items()},
        splits,
    )


def _less(whole: Rows, part: Rows) -> Rows:
    """Rows of ``whole`` with the counts of ``part`` taken off, those with nothing left left out."""
    counted = [n for n in whole.dtype.names or () if whole.dtype[n] == np.dtype("<u8")]
    negated = part.copy()
    for name in counted:
        negated[name] = np.uint64(0) - part[name]  # added modulo 2**64 it is a difference
    rows = merge([whole, negated])
    left = np.array([rows[name] for name in counted])
    if (left > np.iinfo(np.int64).max).any():
        raise InfrastructureError("the layers did more than the inference: build the plugin again")
    kept: Rows = rows[left.any(axis=0)]
    return kept
