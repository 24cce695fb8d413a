"""The Cortex-M85's pipeline: two instructions a cycle in order, vectors in two beats that overlap.

Arithmetic is done in one of three stages, so that a result can be used in the cycle it is issued
in; addresses and shifted operands are needed a stage earlier, what is stored or added to a product
later. A vector instruction goes beside an older one that is none, never beside a younger, and keeps
its pipe for two cycles.
Source: LLVM's model, which Arm's engineers wrote, and measurements; see cores/cortex-m85.yaml.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds
from simbench.cost.cores.in_order import InOrder, Numbers
from simbench.cost.cores.parts import refill_of
from simbench.isa.instruction import LOADS, STORES, Instruction, InstructionClass

_PIPES = {
    InstructionClass.VECTOR_LOAD: "load",
    InstructionClass.VECTOR_STORE: "store",
    InstructionClass.VECTOR: "integer",
    InstructionClass.VECTOR_MULTIPLY: "product",
    InstructionClass.VECTOR_CONTROL: "predicate",
}
_ALONE = frozenset(
    {
        InstructionClass.LOAD_MULTIPLE,
        InstructionClass.STORE_MULTIPLE,
        InstructionClass.TABLE_BRANCH,
        InstructionClass.DIVIDE,
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
_FREE = frozenset({InstructionClass.HINT, InstructionClass.IF_THEN})
# one a cycle: LLVM, M85UnitSlot0
_SLOT = (
    "sxt", "uxt", "pkh", "sadd", "uadd", "ssub", "usub", "shadd", "uhadd", "shsub", "uhsub", "qadd",
    "qsub", "uqadd", "uqsub", "sasx", "ssax", "uasx", "usax", "ssat", "usat", "sel", "bfi", "bfc",
    "clz", "rev", "rbit",
)  # fmt: skip
_LATE = ("qadd", "qsub", "uqadd", "uqsub", "qdadd", "qdsub", "ssat", "usat", "usad")
_NARROWING = ("vqmov", "vrshrn", "vqshr", "vqrshr", "vrshl", "vrshr", "vqshl", "vqrshl")
_ACROSS = (
    "vmaxv",
    "vminv",
    "vmaxav",
    "vminav",
    "vaddv",
    "vaddlv",
    "vmla",
    "vmls",
    "vrmla",
    "vrmls",
)
_CORE_REGISTERS = 0xFFFF


class Taken(IntEnum):
    """A taken branch, by how its target is predicted."""

    DIRECT = 0
    CONDITIONAL = 1
    INDIRECT = 2
    LOADED = 3
    TABLE = 4
    LOOP = 5


class CortexM85(InOrder):
    """Prices a straight run of instructions. The numbers are the core's data."""

    conditional: int = Taken.CONDITIONAL

    def takes(self, instruction: Instruction, numbers: Numbers, misaligned: bool) -> float:  # noqa: ARG002
        """Cycles to the next issue: two words of a transfer go in each."""
        cycles, memory = numbers.cycles[instruction.kind], instruction.memory
        if memory is None:
            return cycles
        if instruction.kind not in _PIPES and memory.words > 1:
            cycles += ((memory.words + 1) // 2 - 1) * numbers.pipeline["further_words"]
        if _is_gather(instruction):
            cycles += numbers.pipeline["gather"]
        return cycles

    def latency(self, instruction: Instruction, numbers: Numbers) -> float:
        """Cycles until arithmetic can use the result."""
        kind, memory, pipeline = instruction.kind, instruction.memory, numbers.pipeline
        if kind in _PIPES:
            return _vector_latency(instruction, numbers)
        if memory is not None:
            return pipeline["latency_load_part" if _is_part(instruction) else "latency_load"]
        if kind is InstructionClass.FLOAT_MULTIPLY_ACCUMULATE:
            return pipeline["latency_float_multiply_accumulate"]
        if kind is InstructionClass.FLOAT:
            return pipeline["latency_float"]
        if kind is InstructionClass.MULTIPLY or instruction.mnemonic.startswith(_LATE):
            return pipeline["latency_late"]
        return pipeline["latency_alu"] if kind is InstructionClass.ALU else 1.0

    def needs(
        self, instruction: Instruction, register: int, producer: Instruction, numbers: Numbers
    ) -> float:
        """Addresses and shifted operands are needed early, accumulators and what is stored late."""
        pipeline, bit = numbers.pipeline, 1 << register
        memory = instruction.memory
        if memory is not None and memory.address_registers & bit:
            return self._address(producer, numbers)
        if instruction.kind is InstructionClass.VECTOR_STORE:
            return -pipeline["late_vector_operand"] if producer.kind in _PIPES else 0.0
        if instruction.kind in STORES:
            return -pipeline["late_operand"]
        if instruction.kind in _PIPES:
            is_sum = bool(instruction.writes & bit & _CORE_REGISTERS)
            return -pipeline["late_vector_operand"] if is_sum else 0.0
        if instruction.accumulators & bit:
            is_float = instruction.kind in _FLOAT
            return -pipeline["late_vector_operand" if is_float else "late_operand"]
        if instruction.shifted & bit:
            return pipeline["early_operand"]
        return 0.0

    def _address(self, producer: Instruction, numbers: Numbers) -> float:
        """Cycles after its latency until an address can be made from what ``producer`` gives."""
        pipeline = numbers.pipeline
        if producer.kind is not InstructionClass.LOAD:
            return pipeline["early_operand"]
        more = pipeline["latency_load_part"] - pipeline["latency_load"] if _is_part(producer) else 0
        return pipeline["address_of_load"] + more - self.latency(producer, numbers)

    def together(self, older: Instruction, younger: Instruction, numbers: Numbers) -> float | None:
        """What pairs: two of arithmetic, loads or stores, one of each other thing."""
        if older.kind in _ALONE or younger.kind in _ALONE or older.kind in _PIPES:
            return None
        if _is_gather(younger) or (_is_one_slot(older) and _is_one_slot(younger)):
            return None
        if _multiplies(older) and _multiplies(younger):
            return None
        if _is_wide(older, younger, LOADS) or _is_wide(older, younger, STORES):
            return None
        if older.kind is InstructionClass.LOAD and younger.kind is InstructionClass.LOAD:
            return numbers.pipeline["second_load"]
        return 0.0

    def behind(self, previous: Instruction, instruction: Instruction, numbers: Numbers) -> float:
        """In the second beat of a vector's load or store go only other vectors, and no load."""
        if previous.kind not in (InstructionClass.VECTOR_LOAD, InstructionClass.VECTOR_STORE):
            return 0.0
        is_load = instruction.kind is InstructionClass.VECTOR_LOAD
        if is_load or instruction.kind not in (*_PIPES, *_FREE):
            return numbers.pipeline["second_beat"]
        return 0.0

    def pipe(self, instruction: Instruction) -> str | None:
        """The pipe that a vector instruction keeps busy."""
        return _PIPES.get(instruction.kind)

    def refill(self, last: Instruction) -> Taken:
        """Which branch a taken edge from ``last`` is."""
        if last.kind is InstructionClass.LOOP_END:
            return Taken.LOOP
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


def _vector_latency(instruction: Instruction, numbers: Numbers) -> float:
    name, pipeline = instruction.mnemonic, numbers.pipeline
    if instruction.writes & _CORE_REGISTERS and name.startswith(_ACROSS):
        return pipeline["latency_vector_across"]
    if instruction.kind is InstructionClass.VECTOR_MULTIPLY:
        return pipeline["latency_vector_multiply"]
    if name.startswith(_NARROWING):
        return pipeline["latency_vector_narrowing"]
    return pipeline["latency_vector"]


def _is_gather(instruction: Instruction) -> bool:
    memory = instruction.memory
    return memory is not None and memory.index is not None and memory.index > 15


def _is_one_slot(instruction: Instruction) -> bool:
    if instruction.kind in _FLOAT:
        return True
    if instruction.kind in _PIPES:
        return instruction.memory is None
    is_arithmetic = instruction.kind is InstructionClass.ALU
    return is_arithmetic and instruction.mnemonic.startswith(_SLOT)


def _is_part(instruction: Instruction) -> bool:
    memory = instruction.memory
    is_load = instruction.kind is InstructionClass.LOAD
    return is_load and memory is not None and memory.bytes < 4


def _multiplies(instruction: Instruction) -> bool:
    return instruction.kind is InstructionClass.MULTIPLY


def _is_wide(older: Instruction, younger: Instruction, kinds: frozenset[InstructionClass]) -> bool:
    """Whether two transfers of one direction want more than the two ports there are."""
    if older.kind not in kinds or younger.kind not in kinds:
        return False
    return any(i.memory is not None and i.memory.words > 1 for i in (older, younger))
