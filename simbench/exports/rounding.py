"""Whole numbers for formats that take no fractions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, pairwise


def whole_numbers(values: Iterable[float]) -> list[int]:
    """Each of ``values`` (none negative) rounded up or down, so that the sum is the rounded sum."""
    sums = [0, *(round(total) for total in accumulate(values))]
    return [after - before for before, after in pairwise(sums)]
