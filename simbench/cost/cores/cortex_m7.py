"""The Cortex-M7's pipeline: two instructions a cycle in order, six stages, branches predicted.

Addresses and shifts are worked out in the first stage of execution, arithmetic in the second, loads
of less than a word and multiplications in the third, stores in the fourth: what is needed early has
to be there a cycle sooner, what is needed late a cycle later.
Source: measurements, as Arm publishes no table of timings; see cores/cortex-m7.yaml.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds
from simbench.cost.cores.in_order import InOrder, Numbers
from simbench.cost.cores.parts import refill_of
from simbench.isa.instruction import LOADS, STORES, Instruction, InstructionClass

_ALONE = frozenset(
    {
        InstructionClass.LOAD_DUAL,
        InstructionClass.LOAD_MULTIPLE,
        InstructionClass.STORE_DUAL,
        InstructionClass.STORE_MULTIPLE,
        InstructionClass.DIVIDE,
        InstructionClass.TABLE_BRANCH,
        InstructionClass.SYSTEM,
        InstructionClass.BARRIER,
        InstructionClass.FLOAT_STATUS,
        InstructionClass.UNKNOWN,
    }
)
_FLOAT = frozenset(
    {
        InstructionClass.FLOAT,
        InstructionClass.FLOAT_MOVE,
        InstructionClass.FLOAT_MULTIPLY_ACCUMULATE,
        InstructionClass.FLOAT_DIVIDE,
    }
)
# some of them are resolved in the first stage of execution: DDI 0489F, ACTLR.DISDYNADD
_EARLY = ("add", "sub", "mov")
_ONE_PIPE = (
    "sxt", "uxt", "pkh", "sadd", "uadd", "ssub", "usub", "shadd", "uhadd", "shsub", "uhsub", "qadd",
    "qsub", "uqadd", "uqsub", "sasx", "ssax", "uasx", "usax", "ssat", "usat", "sel", "bf", "ubf",
    "sbf", "clz", "rev", "rbit",
)  # fmt: skip
_BIT_FIELDS = ("bf", "ubf", "sbf", "rev", "rbit")
# they rotate beside the arithmetic, not before it: LLVM's ARMScheduleM7.td, ReadALU
_EXTENSIONS = ("sxtb", "sxth", "uxtb", "uxth")
_FLOATS = ~0xFFFF


class Taken(IntEnum):
    """A taken branch, by how its target is predicted."""

    DIRECT = 0
    CONDITIONAL = 1
    INDIRECT = 2
    LOADED = 3
    TABLE = 4


class CortexM7(InOrder):
    """Prices a straight run of instructions. The numbers are the core's data."""

    conditional: int = Taken.CONDITIONAL

    def takes(self, instruction: Instruction, numbers: Numbers, misaligned: bool) -> float:  # noqa: ARG002
        """Cycles to the next issue: two words of a transfer go in each."""
        cycles = numbers.cycles[instruction.kind]
        memory = instruction.memory
        if memory is not None and memory.words > 1:
            cycles += ((memory.words + 1) // 2 - 1) * numbers.pipeline["further_words"]
        return cycles

    def latency(self, instruction: Instruction, numbers: Numbers) -> float:
        """Cycles until arithmetic can use the result."""
        kind, memory, pipeline = instruction.kind, instruction.memory, numbers.pipeline
        if memory is not None:
            is_part = kind is InstructionClass.LOAD and memory.bytes < 4
            return pipeline["latency_load_part" if is_part else "latency_load"]
        if kind is InstructionClass.MULTIPLY:
            return pipeline["latency_multiply"]
        if kind is InstructionClass.FLOAT_MULTIPLY_ACCUMULATE:
            return pipeline["latency_float_multiply_accumulate"]
        if kind in (InstructionClass.FLOAT, InstructionClass.FLOAT_MOVE):
            return pipeline["latency_float"]
        return 1.0

    def needs(
        self, instruction: Instruction, register: int, producer: Instruction, numbers: Numbers
    ) -> float:
        """Addresses and shifted operands are needed early, accumulators and what is stored late."""
        pipeline, bit = numbers.pipeline, 1 << register
        memory = instruction.memory
        if memory is not None and memory.address_registers & bit:
            return _address(producer, numbers)
        if instruction.kind in STORES:
            return -pipeline["late_operand"]
        if instruction.mnemonic.startswith(_EXTENSIONS):
            return 0.0
        if instruction.shifted & bit or instruction.mnemonic.startswith(_BIT_FIELDS):
            return pipeline["early_operand"]
        if instruction.kind is InstructionClass.MULTIPLY:
            if instruction.accumulators & bit:
                return -pipeline["late_operand"]
            return pipeline["early_operand"] if producer.kind in LOADS else 0.0
        if instruction.kind is InstructionClass.FLOAT_MULTIPLY_ACCUMULATE:
            return -pipeline["late_float_accumulator"] if instruction.accumulators & bit else 0.0
        if instruction.kind is InstructionClass.ALU and _is_early(producer):
            return pipeline["dependent_addition"] - 1.0
        return 0.0

    def together(self, older: Instruction, younger: Instruction, numbers: Numbers) -> float | None:
        """What pairs: two pipes for arithmetic and loads, one for each other thing."""
        if older.kind in _ALONE or younger.kind in _ALONE:
            return None
        if _is_one_pipe(younger) or (_shifts(older) and _shifts(younger)):
            return None
        multiplies = [_multiplies(i) for i in (older, younger)]
        stores = [i.kind in STORES for i in (older, younger)]
        if all(m or s for m, s in zip(multiplies, stores, strict=True)):
            return None
        if older.kind in _FLOAT and younger.kind in _FLOAT:
            return None
        if (_accumulates(older) and _moves_floats(younger)) or (
            _accumulates(younger) and _moves_floats(older)
        ):
            return None
        if older.kind is InstructionClass.LOAD and younger.kind is InstructionClass.LOAD:
            return numbers.pipeline["second_load"]
        return 0.0

    def refill(self, last: Instruction) -> Taken:
        """Which branch a taken edge from ``last`` is."""
        if last.kind is InstructionClass.BRANCH_CONDITIONAL:
            return Taken.CONDITIONAL
        return Taken[refill_of(last).name]

    def refills(self) -> NDArray[np.float64]:
        """Cycles of a predicted branch by :class:`Taken`, whether misaligned, and bound."""
        straight = np.array([self._quantities[f"refill_{kind.name.lower()}"] for kind in Taken])
        # eight bytes are fetched at once: a target across two words is none across two fetches
        return np.stack([straight, straight], axis=1)

    def misprediction(self) -> Bounds:
        """Cycles of a branch that was predicted wrong."""
        return self._quantities["misprediction"]


def _address(producer: Instruction, numbers: Numbers) -> float:
    if producer.kind is InstructionClass.MULTIPLY:
        return numbers.pipeline["address_of_product"]
    return numbers.pipeline["early_operand"]


def _is_early(producer: Instruction) -> bool:
    is_addition = producer.kind is InstructionClass.ALU and producer.mnemonic.startswith(_EARLY)
    return is_addition and not producer.shifted


def _is_one_pipe(instruction: Instruction) -> bool:
    is_arithmetic = instruction.kind is InstructionClass.ALU
    return is_arithmetic and instruction.mnemonic.startswith(_ONE_PIPE)


def _shifts(instruction: Instruction) -> bool:
    return bool(instruction.shifted) or _is_one_pipe(instruction)


def _accumulates(instruction: Instruction) -> bool:
    return instruction.kind is InstructionClass.FLOAT_MULTIPLY_ACCUMULATE


def _moves_floats(instruction: Instruction) -> bool:
    touched = instruction.writes if instruction.kind in LOADS else instruction.reads
    return instruction.memory is not None and bool(touched & _FLOATS)


def _multiplies(instruction: Instruction) -> bool:
    return instruction.kind is InstructionClass.MULTIPLY
