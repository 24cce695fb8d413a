"""The Cortex-M3's pipeline: the Cortex-M4's, but for a slower multiplier and indexed accesses.

Source: Arm Cortex-M3 Technical Reference Manual DDI 0337H, table 3.1 and section 3.3.2.
"""

from __future__ import annotations

from simbench.cost.bounds import Bounds
from simbench.cost.cores.cortex_m4 import CortexM4
from simbench.isa.instruction import Instruction, InstructionClass, MemoryOperand

_MULTIPLICATIONS = {
    "mla": "multiply_accumulate",
    "mls": "multiply_accumulate",
    "smull": "multiply_long",
    "umull": "multiply_long",
    "smlal": "multiply_long_accumulate",
    "umlal": "multiply_long_accumulate",
}


class CortexM3(CortexM4):
    """Prices a straight run of instructions. The numbers are the core's data."""

    def _takes(
        self, instruction: Instruction, before: Instruction | None, misaligned: bool
    ) -> Bounds:
        if instruction.kind is InstructionClass.MULTIPLY:
            name = _MULTIPLICATIONS.get(instruction.mnemonic.removesuffix(".w"))
            return self._cycles[instruction.kind] if name is None else self._pipeline[name]
        return super()._takes(instruction, before, misaligned)

    def _access(
        self,
        instruction: Instruction,
        memory: MemoryOperand,
        before: Instruction | None,
        misaligned: bool,
    ) -> Bounds:
        # one that moves its base does not follow a load
        following = None if memory.writeback else before
        return super()._access(instruction, memory, following, misaligned)
