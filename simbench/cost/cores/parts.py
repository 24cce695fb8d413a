"""The parts that cycles add up from, and the ways a taken branch refills the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from simbench.cost.bounds import Bounds
from simbench.isa.instruction import LOADS, STORES, Instruction, InstructionClass


class Part(IntEnum):
    """A part of the cycles a block takes by itself, memory and taken branches apart."""

    ISSUE = 0
    LOAD_STORE = 1
    DEPENDENCE = 2
    MULTI_CYCLE = 3
    DIVIDE = 4
    ALIGNMENT = 5


PART_OF: Mapping[InstructionClass, Part] = {
    **dict.fromkeys(LOADS | STORES, Part.LOAD_STORE),
    InstructionClass.TABLE_BRANCH: Part.LOAD_STORE,
    InstructionClass.DIVIDE: Part.DIVIDE,
}
"""Where the cycles of an instruction beyond its first go; the others are multi-cycle."""


class Refill(IntEnum):
    """Where the address of a taken branch comes from."""

    DIRECT = 0
    INDIRECT = 1
    LOADED = 2
    TABLE = 3


def refill_of(last: Instruction) -> Refill:
    """How the target becomes known when a taken edge leaves a block that ends in ``last``."""
    if last.kind is InstructionClass.TABLE_BRANCH:
        return Refill.TABLE
    if last.kind in LOADS and last.writes_pc:
        return Refill.LOADED
    if last.kind is InstructionClass.BRANCH_INDIRECT:
        return Refill.INDIRECT
    return Refill.DIRECT


@dataclass(frozen=True, eq=False, slots=True)
class Pair:
    """Two accesses of a run that overlap if they go to one memory.

    ``first`` and ``second`` are byte offsets of the instructions; ``cycles`` is what it takes more
    where they go to different ones.
    """

    first: int
    second: int
    cycles: Bounds
