"""Spectrograms as pictures, which is what the pinned models of sounds were trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def to_pixels(features: NDArray[np.uint16]) -> NDArray[np.float32]:
    """A recording's features, the least as 0 and the greatest as 255.

    The inputs of both models go from 0 to about 230, and mltk's generator read pictures; how their
    grey levels were made is not published, and a recording's own range is the plain way.
    """
    real = features.astype(np.float32)
    span = max(float(np.ptp(real)), 1.0)
    pixels: NDArray[np.float32] = (real - real.min()) * np.float32(255.0 / span)
    return pixels
