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
    share = _rows([term.share for term in terms], rows)
    low, high = (_rows([term.coefficient[:, bound] for term in terms], rows) for bound in (1, 2))
    room = share * (high - low)
    least, most = (_rows([term.times[:, bound] for term in terms], rows) for bound in (1, 2))
    missing = whole[:, 1] - (share * low).sum(axis=0)
    beyond = (share * high).sum(axis=0) - whole[:, 2]
    lower = (least * low).sum(axis=0) + _moved(least, share, room, missing)
    upper = (most * high).sum(axis=0) - _moved(most, share, room, beyond)
    return lower, np.maximum(upper, lower)


def _moved(times: Values, share: Values, room: Values, needed: Values) -> Values:
    """What the sum changes by, where the whole must change by ``needed``, if at all."""
    held = share > 0
    price = np.where(held, times / np.where(held, share, 1.0), np.inf)
    order = np.argsort(price, axis=0)
    room, price = (np.take_along_axis(values, order, axis=0) for values in (room, price))
    before = np.cumsum(room, axis=0) - room
    taken = np.clip(needed - before, 0.0, room)
    changed: Values = (taken * np.where(taken > 0, price, 0.0)).sum(axis=0)
    return changed


def _rows(values: Sequence[Values], rows: int) -> Values:
    return np.stack([np.broadcast_to(value, (rows,)) for value in values])
