"""The Cortex-M4's pipeline: what its instructions cost by what stands before them.

Three stages, one instruction a cycle. A load or store right behind a load is pipelined with it; an
address from the arithmetic right before waits for the register bank; a taken branch refills.
Source: Arm Cortex-M4 Technical Reference Manual DDI 0439D, tables 3-1 and 7-1, section 3.3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds, of
from simbench.cost.cores.core import Core
from simbench.cost.cores.parts import PART_OF, Pair, Part, Refill, refill_of
from simbench.isa.instruction import STORES, Instruction, InstructionClass, MemoryOperand

_ARITHMETIC = (InstructionClass.ALU, InstructionClass.MULTIPLY, InstructionClass.DIVIDE)
_FLOAT_ARITHMETIC = (
    InstructionClass.FLOAT,
    InstructionClass.FLOAT_MULTIPLY_ACCUMULATE,
    InstructionClass.FLOAT_DIVIDE,
)
_SINGLE = (InstructionClass.LOAD, InstructionClass.STORE)
_CORE_REGISTERS = 0xFFFF
_FLOAT_REGISTERS = ~_CORE_REGISTERS


class CortexM4:
    """Prices a straight run of instructions. The numbers are the core's data."""

    def __init__(self, core: Core):
        self._cycles = {kind: of(quantity) for kind, quantity in core.cycles.items()}
        self._pipeline = {name: of(quantity) for name, quantity in core.pipeline.items()}

    def cycles(self, instructions: Sequence[Instruction], address: int) -> NDArray[np.float64]:
        """Cycles of each instruction of a run at ``address``: (instructions, len(Part), 3).

        Refills are not in it. Of the address only its alignment matters.
        """
        stack = np.zeros((len(instructions), len(Part), 3))
        takes = np.zeros((len(instructions), 3))
        before: Instruction | None = None
        group = _MisalignedGroup()
        for index, instruction in enumerate(instructions):
            misaligned = instruction.width == 4 and address % 4 != 0
            takes[index] = self._takes(instruction, before, misaligned)
            waits = None if before is None else self._waits(instruction, before)
            if waits is not None:
                stack[index, Part.DEPENDENCE] = waits
            if group.starves(instruction, misaligned):
                stack[index, Part.ALIGNMENT] = self._pipeline.get("misaligned_group", 0.0)
            before = instruction
            address += instruction.width
        # what is folded onto another instruction is not issued
        stack[:, Part.ISSUE] = np.minimum(takes, 1.0)
        further = [PART_OF.get(instruction.kind, Part.MULTI_CYCLE) for instruction in instructions]
        stack[range(len(instructions)), further] = np.maximum(takes - 1.0, 0.0)
        return stack

    def pairs(self, instructions: Sequence[Instruction], address: int) -> list[Pair]:
        """Loads and stores of a run at ``address`` that overlap the load before, in one memory."""
        found = []
        offset = 0
        for before, instruction in pairwise(instructions):
            first, offset = offset, offset + before.width
            memory = instruction.memory
            misaligned = instruction.width == 4 and (address + offset) % 4 != 0
            if memory is None or self._following(instruction, memory, before, misaligned) is None:
                continue
            alone = self._takes(instruction, None, misaligned)
            saved = alone - self._takes(instruction, before, misaligned)[[0, 2, 1]]
            cycles = np.maximum(saved, 0.0) * self._pipeline["other_memory"]
            if cycles.any():
                found.append(Pair(first, offset, cycles))
        return found

    def refill(self, last: Instruction) -> Refill:
        """How the target becomes known when a taken edge leaves a block that ends in ``last``."""
        return refill_of(last)

    def refills(self) -> NDArray[np.float64]:
        """Cycles of a refill by :class:`Refill`, whether the target is misaligned, and bound."""
        straight = np.array([self._pipeline[f"refill_{kind.name.lower()}"] for kind in Refill])
        misaligned = straight.copy()
        misaligned[:, 0] += self._pipeline["refill_misaligned"][0]
        # what the manual says a refill takes at most holds for any target
        misaligned[:, 0] = np.minimum(misaligned[:, 0], misaligned[:, 2])
        return np.stack([straight, misaligned], axis=1)

    def _takes(
        self, instruction: Instruction, before: Instruction | None, misaligned: bool
    ) -> Bounds:
        if instruction.kind is InstructionClass.IF_THEN and before is not None:
            return (
                self._pipeline["folded_if_then"]
                if before.width == 2
                else self._cycles[instruction.kind]
            )
        if instruction.kind is InstructionClass.FLOAT_MOVE:
            touched = (instruction.reads | instruction.writes) & _CORE_REGISTERS
            return self._pipeline["float_move_core"] if touched else self._cycles[instruction.kind]
        if instruction.memory is None:
            return self._cycles[instruction.kind]
        return self._access(instruction, instruction.memory, before, misaligned)

    def _access(
        self,
        instruction: Instruction,
        memory: MemoryOperand,
        before: Instruction | None,
        misaligned: bool,
    ) -> Bounds:
        cycles = self._cycles[instruction.kind]
        if instruction.kind is InstructionClass.STORE:
            cycles = self._store(instruction, memory)
        further = (memory.words - 1) * self._pipeline["further_word"]
        follows = self._following(instruction, memory, before, misaligned)
        if follows is not None:
            cycles = np.minimum(cycles, follows)
        if memory.is_literal:
            cycles = cycles + self._pipeline["literal_contention"]
        return cycles + further

    def _following(
        self,
        instruction: Instruction,
        memory: MemoryOperand,
        before: Instruction | None,
        misaligned: bool,
    ) -> Bounds | None:
        """What a single access takes that overlaps the load before it; None where it does not."""
        if before is None or before.kind is not InstructionClass.LOAD:
            return None
        needed = memory.address_registers & before.writes
        if instruction.kind not in _SINGLE or needed & ~_base_moved_by(before):
            return None
        if needed:
            return self._pipeline.get("following_moved_base")
        name = "following_access_misaligned" if misaligned else "following_access"
        return self._pipeline[name]

    def _store(self, instruction: Instruction, memory: MemoryOperand) -> Bounds:
        if instruction.reads & _FLOAT_REGISTERS:
            return self._pipeline["store_float"]
        if memory.index is not None:
            return self._pipeline["store_register"]
        return self._cycles[InstructionClass.STORE]

    def _waits(self, instruction: Instruction, before: Instruction) -> Bounds | None:
        memory = instruction.memory
        if memory is not None and before.kind in _ARITHMETIC:
            waits = memory.address_registers & before.writes
            return self._pipeline["address_dependence"] if waits else None
        if before.kind in _FLOAT_ARITHMETIC:
            used = instruction.reads & before.writes & _FLOAT_REGISTERS
            # an accumulator is needed a cycle later
            if instruction.kind is InstructionClass.FLOAT_MULTIPLY_ACCUMULATE:
                used &= ~instruction.writes
            return self._pipeline["float_dependence"] if used else None
        return None


class _MisalignedGroup:
    """Wide instructions in a row, each across two words: from three on, the core's queue runs dry.

    Of stores alone it takes four.
    """

    def __init__(self) -> None:
        self._length = 0
        self._only_stores = True
        self._starved = False

    def starves(self, instruction: Instruction, misaligned: bool) -> bool:
        """Whether the queue runs dry, once in a row, at ``instruction``."""
        if not misaligned:
            self._length, self._only_stores, self._starved = 0, True, False
            return False
        self._length += 1
        self._only_stores &= instruction.kind in STORES
        starves = not self._starved and self._length >= (4 if self._only_stores else 3)
        self._starved |= starves
        return starves


def _base_moved_by(before: Instruction) -> int:
    """The base that a load moves, as a mask."""
    moved = before.memory
    return 1 << moved.base if moved is not None and moved.writeback else 0
