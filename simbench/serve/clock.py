"""The time of a served board: it runs with the wall's, but for inferences, which are priced."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_SLICE_S = 0.05


class BoardClock:
    """Seconds since it was made.

    ``is_paced`` says that priced time is waited for; else it is skipped. Time is held while the
    emulator computes what is priced afterwards: at its release, a paced clock makes up for that.
    """

    def __init__(self, is_paced: bool, wall: Callable[[], float] = time.monotonic) -> None:
        self.is_paced = is_paced
        self._wall = wall
        self._origin = wall()
        self._held: float | None = None

    def now(self) -> float:
        """The board's time."""
        return self._wall() - self._origin if self._held is None else self._held

    def hold(self) -> float:
        """Stop the time; returns it."""
        self._held = self.now()
        return self._held

    def release(self, latest: float) -> float:
        """Let the time run again, from ``latest`` at most; returns how late the wall is for that.

        A time at all beyond ``latest`` is what the emulator took longer than the board.
        """
        late = self._wall() - self._origin - latest
        self._held = None
        if late > 0:
            self._origin += late
        return max(0.0, late)

    async def reach(self, moment: float) -> None:
        """Return at ``moment`` of the board's time: after a while, or at once where not paced."""
        if not self.is_paced:
            self._origin -= max(0.0, moment - self.now())
        while (left := moment - self.now()) > 0:
            await asyncio.sleep(min(left, _SLICE_S))
