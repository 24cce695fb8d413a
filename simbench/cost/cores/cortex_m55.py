"""The Cortex-M55's pipeline: one instruction a cycle, vectors in two ticks on pipes that overlap.

A vector instruction keeps its pipe (loads and stores, integers, products) for two ticks; the next
issues a tick later if it goes to another. Of two 16-bit instructions some go together. The end of a
low-overhead loop is not executed again once the core has seen it.
Source: LLVM's model, which Arm's engineers wrote; see cores/cortex-m55.yaml.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simbench.cost.cores.in_order import InOrder, Numbers
from simbench.cost.cores.parts import refill_of
from simbench.isa.instruction import LOADS, Instruction, InstructionClass

_PIPES = {
    InstructionClass.VECTOR_LOAD: "memory",
    InstructionClass.VECTOR_STORE: "memory",
    InstructionClass.VECTOR: "integer",
    InstructionClass.VECTOR_MULTIPLY: "product",
}
_EASY = (
    InstructionClass.HINT,
    InstructionClass.IF_THEN,
    InstructionClass.BRANCH,
    InstructionClass.BRANCH_CONDITIONAL,
)
_EASY_NAMES = ("mov", "uxt", "sxt")
_LATE = (
    "sadd", "uadd", "ssub", "usub", "qadd", "qsub", "pkh", "ssat", "usat", "ubf", "sbf", "sxta",
    "uxta",
)  # fmt: skip
_NARROWING = ("vmovn", "vqmov", "vshrn", "vrshrn", "vqshr", "vqrshr")
_SHIFTING = ("vrshl", "vrshr", "vqrshl", "vadc", "vsbc")
_ACROSS = ("vmaxv", "vminv", "vmaxav", "vminav")
_FLOAT_ARITHMETIC = (InstructionClass.FLOAT, InstructionClass.FLOAT_MULTIPLY_ACCUMULATE)
_CORE_REGISTERS = 0xFFFF


class Taken(IntEnum):
    """A taken branch, by what it costs."""

    DIRECT = 0
    INDIRECT = 1
    LOADED = 2
    TABLE = 3
    LOOP = 4


class CortexM55(InOrder):
    """Prices a straight run of instructions. The numbers are the core's data."""

    def takes(self, instruction: Instruction, numbers: Numbers, misaligned: bool) -> float:  # noqa: ARG002
        """Cycles to the next issue."""
        cycles = numbers.cycles[instruction.kind]
        memory = instruction.memory
        if memory is not None and instruction.kind not in _PIPES:
            cycles += (memory.words - 1) * numbers.pipeline["further_word"]
        if memory is not None and memory.index is not None and memory.index > 15:
            cycles += numbers.pipeline["gather"]
        return cycles

    def latency(self, instruction: Instruction, numbers: Numbers) -> float:
        """Cycles until the result can be used."""
        kind, pipeline = instruction.kind, numbers.pipeline
        if kind in _PIPES:
            return _vector_latency(instruction, numbers)
        if kind in LOADS:
            return pipeline["latency_load"]
        if kind is InstructionClass.MULTIPLY or instruction.shift:
            return pipeline["latency_late"]
        if kind is InstructionClass.ALU and instruction.mnemonic.startswith(_LATE):
            return pipeline["latency_late"]
        if kind in _FLOAT_ARITHMETIC:
            return pipeline["latency_float"]
        return 1.0

    def needs(
        self, instruction: Instruction, register: int, producer: Instruction, numbers: Numbers
    ) -> float:
        """What is stored is needed late; a vector's sum comes late to the other registers."""
        pipeline, bit = numbers.pipeline, 1 << register
        memory = instruction.memory
        is_address = memory is not None and bool(memory.address_registers & bit)
        if instruction.kind is InstructionClass.VECTOR_STORE and not is_address:
            return -pipeline["late_vector_store"] if producer.kind in _PIPES else 0.0
        is_sum = producer.kind in _PIPES and bool(bit & _CORE_REGISTERS)
        if is_sum and instruction.kind not in _PIPES:
            return pipeline["sum_to_core"]
        return 0.0

    def together(self, older: Instruction, younger: Instruction, numbers: Numbers) -> float | None:
        """Two 16-bit instructions, one of them easy."""
        if older.width == 2 and younger.width == 2 and (_is_easy(older) or _is_easy(younger)):
            return numbers.pipeline["second"]
        return None

    def pipe(self, instruction: Instruction) -> str | None:
        """The pipe that a vector instruction keeps busy."""
        return _PIPES.get(instruction.kind)

    def refill(self, last: Instruction) -> Taken:
        """Which branch a taken edge from ``last`` is."""
        if last.kind is InstructionClass.LOOP_END:
            return Taken.LOOP
        return Taken[refill_of(last).name]

    def refills(self) -> NDArray[np.float64]:
        """Cycles of a refill by :class:`Taken`, whether the target is misaligned, and bound."""
        straight = np.array([self._quantities[f"refill_{kind.name.lower()}"] for kind in Taken])
        return np.stack([straight, straight + self._quantities["refill_misaligned"]], axis=1)


def _vector_latency(instruction: Instruction, numbers: Numbers) -> float:
    name, pipeline = instruction.mnemonic, numbers.pipeline
    if name.startswith(_NARROWING):
        return pipeline["latency_vector_narrowing"]
    if name.startswith(_ACROSS):
        return pipeline["latency_vector_across"]
    if instruction.kind is InstructionClass.VECTOR_MULTIPLY or name.startswith(_SHIFTING):
        return pipeline["latency_vector_multiply"]
    return pipeline["latency_vector"]


def _is_easy(instruction: Instruction) -> bool:
    if instruction.kind in _EASY:
        return True
    if instruction.kind is not InstructionClass.ALU:
        return False
    name = instruction.mnemonic
    # an addition of a constant reads one register at most
    adds_constant = name.startswith(("add", "sub")) and instruction.reads.bit_count() <= 1
    return name.startswith(_EASY_NAMES) or adds_constant
