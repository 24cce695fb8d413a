"""Prices of a section on many targets at once: what-if studies, and single prices by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import Platform
from simbench.cost.bounds import Bounds
from simbench.cost.demand import Demand, demand
from simbench.cost.groups import all_blocks, executed_groups
from simbench.cost.joint import joint_bounds
from simbench.cost.stacks import Stack, cycle_stack, energy_terms
from simbench.cost.target import Target
from simbench.cost.targets import Numbers, numbers, structure
from simbench.counts import Counts, SectionCounts

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Prices:
    """What one inference's share of a section costs, a row for each target or group of blocks.

    ``cycles``, ``time_s`` and ``energy_j`` are (rows, 3): value, lower, upper bound. The parts of
    the stacks, (rows,) each, add up to the value. Energy that is not known is NaN. ``notes`` say,
    for each row, what was not known and widened its range.
    """

    cycles: Bounds
    time_s: Bounds
    energy_j: Bounds
    cycle_stack: Mapping[str, Values]
    energy_stack: Mapping[str, Values]
    coverage: Values
    notes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False, slots=True)
class Split:
    """The price of a section by group of blocks: the groups executed in it, sorted by number.

    ``instructions`` are what each executed; ``prices`` has a row for each.
    """

    groups: tuple[int, ...]
    instructions: tuple[int, ...]
    prices: Prices


def price_points(counts: Counts, section: SectionCounts, targets: Sequence[Target]) -> Prices:
    """Price ``section`` of ``counts``, per inference, on each of ``targets``.

    Targets that differ in numbers alone are priced together. Ranges hold what the sources leave
    open, and how far the model was from silicon. Raises UsageError where a core's data lack a
    parameter.
    """
    alike: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, target in enumerate(targets):
        alike[structure(target)].append(index)
    everything = all_blocks(len(counts.blocks))
    found = []
    for rows in alike.values():
        first = targets[rows[0]]
        asked = demand(counts, section, first.platform, first.core, everything)
        priced = numbers([targets[row] for row in rows])
        found.append((rows, _prices(asked, first.platform, priced, counts.inferences)))
    return found[0][1] if len(found) == 1 else _joined(found, len(targets))


def price_split(
    counts: Counts, section: SectionCounts, target: Target, groups: Sequence[int]
) -> Split:
    """The price of ``section`` on ``target`` split by the group of each block of ``counts``.

    Values and every part of their stacks add up to those of the whole to rounding; bounds need not,
    as a group's extremes are its own. What a taken branch costs is its source's, what is waited for
    the code there its target's.
    """
    names, split = executed_groups(section, groups)
    asked = demand(counts, section, target.platform, target.core, split)
    prices = _prices(asked, target.platform, numbers([target]), counts.inferences)
    return Split(tuple(names.tolist()), tuple(map(int, asked.instructions)), prices)


def _prices(asked: Demand, platform: Platform, priced: Numbers, inferences: int) -> Prices:
    rows = len(priced.clock_hz) if asked.groups.count == 1 else asked.groups.count
    share = 1.0 / inferences
    stack = cycle_stack(asked, platform, priced)
    cycles, cycle_values = _added(stack, share, priced.off, rows)
    joules, joule_values = np.full((rows, 3), np.nan), dict[str, Values]()
    if priced.energy is not None:
        terms = energy_terms(asked, platform, priced, priced.energy, stack)
        joint = None
        if priced.energy.whole is not None:
            joint = joint_bounds(terms, priced.energy.whole.cycle_j, rows)
        spent = {term.name: term.product for term in terms}
        joules, joule_values = _added(spent, share, priced.off, rows, joint)
    return Prices(
        cycles=cycles,
        time_s=cycles / priced.clock_hz[:, np.newaxis],
        energy_j=joules,
        cycle_stack=cycle_values,
        energy_stack=joule_values,
        coverage=np.broadcast_to(asked.coverage, (rows,)),
        notes=(asked.notes,) * rows,
    )


def _added(
    stack: Stack,
    share: float,
    off: Values,
    rows: int,
    joint: tuple[Values, Values] | None = None,
) -> tuple[Bounds, dict[str, Values]]:
    """The sum of ``stack`` by row, with its range, and the values of the parts. Where the parts are
    not free of each other, ``joint`` are its bounds."""
    parts = np.empty((len(stack), rows, 3))
    for place, part in zip(parts, stack.values(), strict=True):
        place[:] = part
    parts *= share
    total: Bounds = parts.sum(axis=0)
    if joint is not None:
        total[:, 1], total[:, 2] = joint[0] * share, joint[1] * share
    # what is off by a fraction of silicon: the value is silicon times 1 - off to 1 + off; and
    # rounding in the last place must not put a value outside its own range
    total[:, 1] = np.minimum(total[:, 1], total[:, 0] / (1 + off))
    total[:, 2] = np.maximum(total[:, 2], total[:, 0] / (1 - off))
    return total, {name: part[:, 0] for name, part in zip(stack, parts, strict=True)}


def _joined(found: Sequence[tuple[Sequence[int], Prices]], count: int) -> Prices:
    """The prices of ``count`` targets, found in parts, in the targets' order."""
    notes: list[tuple[str, ...]] = [()] * count
    for rows, prices in found:
        for row, note in zip(rows, prices.notes, strict=True):
            notes[row] = note
    return Prices(
        cycles=_placed([(rows, p.cycles) for rows, p in found], (count, 3)),
        time_s=_placed([(rows, p.time_s) for rows, p in found], (count, 3)),
        energy_j=_placed([(rows, p.energy_j) for rows, p in found], (count, 3)),
        cycle_stack=_placed_stacks([(rows, p.cycle_stack) for rows, p in found], count),
        energy_stack=_placed_stacks([(rows, p.energy_stack) for rows, p in found], count),
        coverage=_placed([(rows, p.coverage) for rows, p in found], (count,)),
        notes=tuple(notes),
    )


def _placed(parts: Iterable[tuple[Sequence[int], Values]], shape: tuple[int, ...]) -> Values:
    whole = np.zeros(shape)
    for rows, values in parts:
        whole[rows] = values
    return whole


def _placed_stacks(
    parts: Sequence[tuple[Sequence[int], Mapping[str, Values]]], count: int
) -> dict[str, Values]:
    """A part that a machine has not is 0 for it; where it has no stack at all, NaN."""
    names = dict.fromkeys(name for _, stack in parts for name in stack)
    absent = {True: np.array(np.nan), False: np.array(0.0)}
    return {
        name: _placed([(rows, s.get(name, absent[not s])) for rows, s in parts], (count,))
        for name in names
    }
