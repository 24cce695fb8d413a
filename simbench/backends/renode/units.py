"""What one execution of an instruction counts as, by the first address that it went to.

The first alone, as emulators differ in how they split what is moved.
"""

from __future__ import annotations

from simbench.isa.instruction import Instruction, InstructionClass

_SINGLE = frozenset({InstructionClass.LOAD, InstructionClass.STORE, InstructionClass.TABLE_BRANCH})
_BY_WORD = frozenset(
    {
        InstructionClass.LOAD_DUAL,
        InstructionClass.LOAD_MULTIPLE,
        InstructionClass.STORE_DUAL,
        InstructionClass.STORE_MULTIPLE,
    }
)


def units(instruction: Instruction) -> int:
    """Accesses: see :data:`simbench.counts.ACCESS`. 0 where it goes to no memory."""
    memory = instruction.memory
    if memory is None:
        return 0
    is_one = instruction.mnemonic.startswith(("vldr", "vstr"))  # of a double, too
    return memory.words if instruction.kind in _BY_WORD and not is_one else 1


def splits(instruction: Instruction, address: int) -> int:
    """Bus accesses beyond the first: see :data:`simbench.counts.SPLIT`. The two low bits of
    ``address`` are enough."""
    memory = instruction.memory
    if memory is None or instruction.kind not in _SINGLE or memory.bytes not in (2, 4):
        return 0
    beyond = address & (memory.bytes - 1)
    if not beyond:
        return 0
    return 2 if memory.bytes == 4 and beyond & 1 else 1
