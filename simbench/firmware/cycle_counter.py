"""Whether a firmware asks the core's cycle counter, which the emulators do not have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simbench.counts import Segment
from simbench.firmware.image import Image
from simbench.firmware.read import read_memory

ASKS = (
    "the firmware has code for the cycle counter (DWT CYCCNT), which always reads 0 in the "
    "emulator: what it computes from it is wrong, the counts here are not"
)
"""What is said of such a firmware."""

_DWT = 0xE0001
"""The upper 20 bits of the unit's addresses; ARMv7-M reference manual (DDI 0403E), C1.8."""


def asks_cycle_counter(image: Image) -> bool:
    """Whether code of ``image`` holds an address of the unit with the counter (DWT): as a constant,
    or put together by MOVW and MOVT."""
    return any(_holds(code) for code in _code(image))


def _code(image: Image) -> list[bytes]:
    ranges = image.segments.get(Segment.CODE, ())
    return [read_memory(image, part.start)[: part.size] for part in ranges if part.size]


def _holds(code: bytes) -> bool:
    words = np.frombuffer(code[: len(code) // 4 * 4], "<u4")
    if bool((words >> 12 == _DWT).any()):
        return True
    halves = np.frombuffer(code[: len(code) // 2 * 2], "<u2").astype(np.uint32)
    return _is_put_together(halves[:-1], halves[1:])


def _is_put_together(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> bool:
    """A MOVT of the address's upper half next to a MOVW of its lower into the same register."""
    value = (
        (first & 0xF) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | (second & 0xFF)
    )
    kind = first & 0xFBF0
    low = (kind == 0xF240) & (second >> 15 == 0) & (value >> 12 == _DWT & 0xF)
    high = (kind == 0xF2C0) & (second >> 15 == 0) & (value == _DWT >> 4)
    register = second >> 8 & 0xF
    pairs = low[:-2] & high[2:] & (register[:-2] == register[2:])
    return bool(pairs.any())
