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

_ADDRESSES = np.array([0xE0001000, 0xE0001004], np.uint32)
"""The unit, and its counter; ARMv7-M reference manual (DDI 0403E), C1.8. Any other word that begins
with 0xE0001 is as likely code of a Cortex-M0+: an instruction, and a branch over one."""
_APART = 10
"""Halfwords between a MOVW and its MOVT: compilers put other instructions there."""


def asks_cycle_counter(image: Image) -> bool:
    """Whether code of ``image`` holds an address of the unit with the counter (DWT): as a constant,
    or put together by MOVW and MOVT."""
    return any(holds_address(code) for code in _code(image))


def _code(image: Image) -> list[bytes]:
    ranges = image.segments.get(Segment.CODE, ())
    return [read_memory(image, part.start)[: part.size] for part in ranges if part.size]


def holds_address(code: bytes) -> bool:
    """Whether ``code``, from an address that is a multiple of 4 on, has the counter's address."""
    words = np.frombuffer(code[: len(code) // 4 * 4], "<u4")
    if bool(np.isin(words, _ADDRESSES).any()):
        return True
    halves = np.frombuffer(code[: len(code) // 2 * 2], "<u2").astype(np.uint32)
    return _is_put_together(halves[:-1], halves[1:])


def _is_put_together(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> bool:
    """A MOVT of the upper half soon after a MOV of the lower, into the same register."""
    value = (
        (first & 0xF) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | (second & 0xFF)
    )
    kind = first & 0xFBF0
    low = (kind == 0xF240) & (second >> 15 == 0) & np.isin(value, _ADDRESSES & 0xFFFF)
    low |= (first == 0xF44F) & (second & 0xF0FF == 0x5080)  # MOV.W of 0x1000, which GCC prefers
    high = (kind == 0xF2C0) & (second >> 15 == 0) & (value == _ADDRESSES[0] >> 16)
    register = second >> 8 & 0xF
    return any(
        bool((low[:-apart] & high[apart:] & (register[:-apart] == register[apart:])).any())
        for apart in range(2, 2 + _APART)
    )
