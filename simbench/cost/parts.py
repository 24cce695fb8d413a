"""The parts that cycles add up from, and the ways a taken branch refills the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from simbench.cost.bounds import Bounds


class Part(IntEnum):
    """A part of the cycles a block takes by itself, memory and taken branches apart."""

    ISSUE = 0
    LOAD_STORE = 1
    DEPENDENCE = 2
    MULTI_CYCLE = 3
    DIVIDE = 4
    ALIGNMENT = 5


class Refill(IntEnum):
    """Where the address of a taken branch comes from."""

    DIRECT = 0
    INDIRECT = 1
    LOADED = 2
    TABLE = 3


@dataclass(frozen=True, eq=False, slots=True)
class Pair:
    """Two accesses of a run that overlap if they go to one memory.

    ``first`` and ``second`` are byte offsets of the instructions; ``cycles`` is what it takes more
    where they go to different ones.
    """

    first: int
    second: int
    cycles: Bounds
