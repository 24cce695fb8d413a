"""Which part of an inference's price is whose: split over functions and layers, without rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simbench.backends.sections import add_sections, merge
from simbench.cost.points import price_points, price_split
from simbench.cost.target import Target
from simbench.counts import Counts, SectionCounts
from simbench.errors import InfrastructureError
from simbench.profiles.functions import Functions
from simbench.result.tree import Frame

SHARED = "shared by layers"
_ROUNDING = 1e-9
Rows = NDArray[np.void]


def frames(
    counts: Counts, layers: Sequence[SectionCounts], functions: Functions, target: Target
) -> tuple[Frame, ...]:
    """What each function costs in each of ``layers`` on ``target``, and outside all of them.

    They add up to the inference of ``counts``: what of its cycles is no one layer's, as a price
    depends on what several of them did together, is a frame of its own (mostly there is nothing).
    Raises InfrastructureError where the layers hold what the inference does not.
    """
    # frames have no energy: it need not be priced
    target = replace(target, platform=replace(target.platform, energy=None))
    found = [
        frame
        for index, section in (*enumerate(layers), (None, outside(counts.inference, layers)))
        for frame in _frames(counts, section, index, functions, target)
    ]
    whole = float(price_points(counts, counts.inference, [target]).cycles[0, 0])
    left = whole - sum(frame.cycles for frame in found)
    if abs(left) > _ROUNDING * whole:
        found.append(Frame(None, SHARED, 0, left))
    return tuple(found)


def _frames(
    counts: Counts,
    section: SectionCounts,
    layer: int | None,
    functions: Functions,
    target: Target,
) -> Iterator[Frame]:
    split = price_split(counts, section, target, functions.starts)
    cycles = split.prices.cycles[:, 0].tolist()
    for start, executed, spent in zip(split.groups, split.instructions, cycles, strict=True):
        yield Frame(layer, functions.names[start], executed, spent)


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
        _less(whole.passages, inside.passages),
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
