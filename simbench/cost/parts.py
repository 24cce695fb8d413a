"""The parts that cycles add up from, and the ways a taken branch refills the pipeline."""

from __future__ import annotations

from enum import IntEnum


class Part(IntEnum):
    """A part of the cycles a block takes by itself, memory and taken branches apart."""

    ISSUE = 0
    LOAD_STORE = 1
    DEPENDENCE = 2
    MULTI_CYCLE = 3
    DIVIDE = 4


class Refill(IntEnum):
    """Where the address of a taken branch comes from."""

    DIRECT = 0
    INDIRECT = 1
    LOADED = 2
    TABLE = 3
