"""What a served board draws over time: its static power, and more while it infers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class EnergyTrace:
    """The energy a board has drawn since ``start``, in seconds of its clock.

    ``idle_w`` is drawn where nothing else was said; what is said goes forward in time.
    """

    def __init__(self, start: float, idle_w: float) -> None:
        self._idle_w = idle_w
        self._starts = [start]
        self._watts = [idle_w]
        self._joules = [0.0]

    def burst(self, start: float, end: float, watts: float) -> None:
        """From ``start`` to ``end`` ``watts`` are drawn, and the idle power from then on."""
        self._say(start, watts)
        self._say(end, self._idle_w)

    def switch(self, moment: float, *, on: bool) -> None:
        """Connect or cut the board's supply at ``moment``."""
        self._say(moment, self._idle_w if on else 0.0)

    def joules_until(self, moments: ArrayLike) -> Array:
        """Joules drawn from the start to each of ``moments``, none of which was forgotten."""
        asked = np.asarray(moments, np.float64)
        starts = np.array(self._starts)
        last = np.maximum(np.searchsorted(starts, asked, "right") - 1, 0)
        before = np.array(self._joules)[last]
        until: Array = before + np.array(self._watts)[last] * (asked - starts[last])
        return until

    def forget(self, moment: float) -> None:
        """Keep nothing of what was before ``moment``."""
        while len(self._starts) > 1 and self._starts[1] <= moment:
            for kept in (self._starts, self._watts, self._joules):
                del kept[0]

    def _say(self, moment: float, watts: float) -> None:
        start = max(moment, self._starts[-1])
        self._joules.append(float(self.joules_until(start)))
        self._starts.append(start)
        self._watts.append(watts)
