"""Sums of numbers with a range: arrays of value, lower and upper bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simbench.files.datafile import Quantity

Bounds = NDArray[np.float64]
"""Three numbers, or rows of three: value, lower, upper."""


def bounds(value: float, lower: float | None = None, upper: float | None = None) -> Bounds:
    """A number with its range; a bound left out is the value."""
    low = value if lower is None else lower
    high = value if upper is None else upper
    return np.array([value, low, high], np.float64)


def of(quantity: Quantity) -> Bounds:
    """A data file's number as bounds."""
    return bounds(quantity.value, quantity.lower, quantity.upper)
