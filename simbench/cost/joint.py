"""Ranges of a sum whose coefficients were split from a measured whole: not all are low at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Term:
    """``times`` a ``coefficient``, both (rows, 3) or (1, 3). ``share`` is how often the measured
    whole holds the coefficient, (rows,)."""

    name: str
    coefficient: Bounds
    times: Bounds
    share: Values

    @property
    def product(self) -> Bounds:
        """What it adds to the sum, with each bound by itself."""
        return self.coefficient * self.times


def joint_bounds(terms: Sequence[Term], whole: Bounds, rows: int) -> tuple[Values, Values]:
    """The least and the most that the products of ``terms`` add up to, (rows,) each.

    Each coefficient is within its bounds, and all of them, each times its share, add up to what is
    within those of ``whole``: a linear programme with one constraint, so that it is enough to move
    the coefficients one after the other, what changes the sum least for the whole first.
    """
    share = np.empty((len(terms), rows))
    coefficient, times = np.empty((2, len(terms), rows, 3))
    for place, term in enumerate(terms):
        share[place], coefficient[place], times[place] = term.share, term.coefficient, term.times
    low, high = coefficient[..., 1], coefficient[..., 2]
    room = share * (high - low)
    least, most = times[..., 1], times[..., 2]
    missing = whole[:, 1] - (share * low).sum(axis=0)
    beyond = (share * high).sum(axis=0) - whole[:, 2]
    lower = (least * low).sum(axis=0) + _moved(least, share, room, missing)
    upper = (most * high).sum(axis=0) - _moved(most, share, room, beyond)
    return lower, np.maximum(upper, lower)


def _moved(times: Values, share: Values, room: Values, needed: Values) -> Values:
    """What the sum changes by, where the whole must change by ``needed``, if at all."""
    price = np.full_like(times, np.inf)
    np.divide(times, share, out=price, where=share > 0)
    order, column = price.argsort(axis=0), np.arange(times.shape[1])
    room, price = room[order, column], price[order, column]
    before = room.cumsum(axis=0) - room
    taken = np.minimum(np.maximum(needed - before, 0.0), room)
    # what the whole does not hold has no room, and no price
    changed: Values = (taken * np.where(taken > 0, price, 0.0)).sum(axis=0)
    return changed
