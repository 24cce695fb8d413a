"""The Cortex-M33's pipeline: arithmetic in its second stage, products and loads in its third.

What comes out of the third stage is there a cycle later, except to an accumulator or to a store.
Two 16-bit instructions go together where the second is a branch, an IT or a NOP.
Source: measurements, as Arm's manual (100230) gives no timings; see cores/cortex-m33.yaml.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simbench.cost.cores.in_order import InOrder, Numbers
from simbench.cost.cores.parts import refill_of
from simbench.isa.instruction import LOADS, STORES, Instruction, InstructionClass


class Taken(IntEnum):
    """A taken branch, by what it costs."""

    DIRECT = 0
    NARROW_CONDITIONAL = 1
    INDIRECT = 2
    LOADED = 3
    TABLE = 4


_SECOND = (
    InstructionClass.IF_THEN,
    InstructionClass.HINT,
    InstructionClass.BRANCH,
    InstructionClass.BRANCH_CONDITIONAL,
)
_PARALLEL = ("sadd", "uadd", "ssub", "usub", "sasx", "ssax", "uasx", "usax", "pkh")
_EXTEND_AND_ADD = ("sxta", "uxta", "sxtb16", "uxtb16")
_FLOAT_ARITHMETIC = (
    InstructionClass.FLOAT,
    InstructionClass.FLOAT_MULTIPLY_ACCUMULATE,
    InstructionClass.FLOAT_DIVIDE,
)
_FLOATS = ~0xFFFF


class CortexM33(InOrder):
    """Prices a straight run of instructions. The numbers are the core's data."""

    def takes(self, instruction: Instruction, numbers: Numbers, misaligned: bool) -> float:  # noqa: ARG002
        """Cycles to the next issue."""
        kind, memory = instruction.kind, instruction.memory
        if kind is InstructionClass.MULTIPLY and instruction.width == 2:
            return numbers.pipeline["multiply_narrow"]
        cycles = numbers.cycles[kind]
        if memory is not None:
            cycles += (memory.words - 1) * numbers.pipeline["further_word"]
        if kind is InstructionClass.BRANCH_CONDITIONAL and instruction.width == 2:
            # beside the instruction before, or else a cycle that its refill counts already
            return numbers.pipeline["narrow_branch_alone"]
        return cycles

    def latency(self, instruction: Instruction, numbers: Numbers) -> float:
        """1 from the second stage, 2 from the third."""
        kind, name = instruction.kind, instruction.mnemonic
        if kind in LOADS:
            floats = instruction.writes & _FLOATS
            return numbers.pipeline["latency_float_load" if floats else "latency_load"]
        if kind is InstructionClass.MULTIPLY:
            return numbers.pipeline["latency_multiply"]
        if kind in _FLOAT_ARITHMETIC:
            return numbers.pipeline["latency_float"]
        if name.startswith(_PARALLEL) or name.startswith(_EXTEND_AND_ADD):
            return numbers.pipeline["latency_parallel"]
        if instruction.shift not in ("", "lsl"):
            return numbers.pipeline["latency_shifted"]
        return 1.0

    def needs(
        self, instruction: Instruction, register: int, producer: Instruction, numbers: Numbers
    ) -> float:
        """An accumulator and what is stored are needed a cycle later."""
        late = -numbers.pipeline["late_operand"]
        bit = 1 << register
        if instruction.kind is InstructionClass.MULTIPLY and instruction.accumulators & bit:
            return late
        if instruction.kind in STORES and instruction.memory is not None:
            is_address = instruction.memory.address_registers & bit
            return 0.0 if is_address or producer.kind not in LOADS else late
        if instruction.mnemonic.startswith(_EXTEND_AND_ADD) and not instruction.shifted & bit:
            return late if producer.mnemonic.startswith(_EXTEND_AND_ADD) else 0.0
        return 0.0

    def together(self, older: Instruction, younger: Instruction, numbers: Numbers) -> float | None:
        """Two 16-bit instructions, the second one that computes nothing."""
        if older.width == 2 and younger.width == 2 and younger.kind in _SECOND:
            return numbers.pipeline["second"]
        return None

    def refill(self, last: Instruction) -> Taken:
        """Which branch a taken edge from ``last`` is."""
        if last.kind is InstructionClass.BRANCH_CONDITIONAL and last.width == 2:
            return Taken.NARROW_CONDITIONAL
        return Taken[refill_of(last).name]

    def refills(self) -> NDArray[np.float64]:
        """Cycles of a refill by :class:`Taken`, whether the target is misaligned, and bound."""
        straight = np.array([self._quantities[f"refill_{kind.name.lower()}"] for kind in Taken])
        return np.stack([straight, straight + self._quantities["refill_misaligned"]], axis=1)
