"""Sound at another rate, by a low-pass filter that both rates bear."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LOBES = 10
_KAISER_BETA = 5.0


def resampled(samples: NDArray[Any], rate: int, wanted: int) -> NDArray[np.float64]:
    """``samples`` at ``rate`` a second as they would be at ``wanted``; before and after is silence.

    The filter is the one that MATLAB and SciPy call ``resample_poly`` by default: a sinc to its
    tenth zero on each side, under a Kaiser window of 5.
    """
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    slower = max(up, down)
    half = _LOBES * slower if slower > 1 else 0
    taps = np.sinc(np.arange(-half, half + 1) / slower) * np.kaiser(2 * half + 1, _KAISER_BETA)
    taps *= up / taps.sum()
    # on a line of up x rate places a second, the sample k is at k x up, the result i at i x down
    at = np.arange(-(-len(samples) * up // down)) * down
    first = -((half - at) // up)
    found = np.zeros(len(at))
    for step in range(2 * half // up + 1):
        sample, tap = first + step, at - (first + step) * up + half
        is_there = (sample >= 0) & (sample < len(samples)) & (tap >= 0)
        found[is_there] += samples[sample[is_there]] * taps[tap[is_there]]
    return found
