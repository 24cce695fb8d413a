"""What pricing needs to know of an instruction: its class, width, registers, memory operand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PROGRAM_COUNTER = 15


class InstructionClass(StrEnum):
    """Groups of instructions that Arm's manuals give one timing for."""

    ALU = "alu"
    MULTIPLY = "multiply"
    DIVIDE = "divide"
    LOAD = "load"
    LOAD_DUAL = "load_dual"
    LOAD_MULTIPLE = "load_multiple"
    STORE = "store"
    STORE_DUAL = "store_dual"
    STORE_MULTIPLE = "store_multiple"
    BRANCH = "branch"
    BRANCH_CONDITIONAL = "branch_conditional"
    CALL = "call"
    BRANCH_INDIRECT = "branch_indirect"
    TABLE_BRANCH = "table_branch"
    IF_THEN = "if_then"
    HINT = "hint"
    BARRIER = "barrier"
    SYSTEM = "system"
    FLOAT = "float"
    FLOAT_MOVE = "float_move"
    FLOAT_MULTIPLY_ACCUMULATE = "float_multiply_accumulate"
    FLOAT_DIVIDE = "float_divide"
    FLOAT_STATUS = "float_status"
    VECTOR = "vector"
    VECTOR_MULTIPLY = "vector_multiply"
    VECTOR_CONTROL = "vector_control"
    VECTOR_LOAD = "vector_load"
    VECTOR_STORE = "vector_store"
    LOOP_START = "loop_start"
    LOOP_END = "loop_end"
    UNKNOWN = "unknown"


LOADS = frozenset(
    {
        InstructionClass.LOAD,
        InstructionClass.LOAD_DUAL,
        InstructionClass.LOAD_MULTIPLE,
        InstructionClass.VECTOR_LOAD,
    }
)
STORES = frozenset(
    {
        InstructionClass.STORE,
        InstructionClass.STORE_DUAL,
        InstructionClass.STORE_MULTIPLE,
        InstructionClass.VECTOR_STORE,
    }
)


@dataclass(frozen=True, slots=True)
class MemoryOperand:
    """The memory operand of a load, a store or a table branch.

    ``base`` and ``index`` are register numbers, of a vector register that of its first float;
    ``words`` counts the bus accesses of an aligned execution (one a register for multiple and
    double transfers); ``bytes`` is all that is moved.
    """

    base: int
    index: int | None
    is_load: bool
    words: int
    bytes: int
    writeback: bool

    @property
    def is_literal(self) -> bool:
        """Whether the address is relative to the program counter: a constant in the code."""
        return self.base == PROGRAM_COUNTER

    @property
    def address_registers(self) -> int:
        """The registers the address is made from, as a mask."""
        return 1 << self.base | (0 if self.index is None else 1 << self.index)


@dataclass(frozen=True, slots=True)
class Instruction:
    """A decoded instruction, whatever its address.

    ``reads`` and ``writes`` are masks of registers: bits 0 to 15 are r0 to pc, bits 16 to 47 are
    s0 to s31. ``if_then`` is how many instructions after an IT it makes conditional. ``shifted``
    are the registers read through the shifter by an operand such as ``r2, lsl #3``, ``shift`` how
    ("lsl", "lsr", "asr", "ror", "rrx", or "" for none). ``accumulators`` are the registers that a
    multiplication adds to or subtracts from, and reads for nothing else.
    """

    mnemonic: str
    kind: InstructionClass
    width: int
    reads: int
    writes: int
    memory: MemoryOperand | None
    if_then: int
    shifted: int = 0
    shift: str = ""
    accumulators: int = 0

    @property
    def writes_pc(self) -> bool:
        """Whether execution may go on somewhere else than behind the instruction."""
        return bool(self.writes >> PROGRAM_COUNTER & 1)
