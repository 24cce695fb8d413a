"""Thumb-2 to instructions by capstone, which knows all but what Armv8.1-M adds."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import capstone
from capstone import arm

from simbench.isa.classes import CLASS_OF
from simbench.isa.instruction import (
    LOADS,
    PROGRAM_COUNTER,
    STORES,
    Instruction,
    InstructionClass,
    MemoryOperand,
)

_SINGLE_BYTES = {"b": 1, "h": 2}
_SHIFTS = {
    arm.ARM_SFT_LSL: "lsl",
    arm.ARM_SFT_LSR: "lsr",
    arm.ARM_SFT_ASR: "asr",
    arm.ARM_SFT_ROR: "ror",
    arm.ARM_SFT_RRX: "rrx",
}
_FIRST_FLOAT = 16
_LONG_ACCUMULATING = ("smlal", "smlsld", "umlal", "umaal")
_ACCUMULATING = ("smlal", "smlsld", "umlal", "umaal", "vmla", "vmls", "vnml", "vfm", "vfnm")


def disassemble(encoding: bytes) -> Instruction:
    """Decode one instruction from its two or four bytes, little endian as in memory."""
    found = next(_disassembler().disasm(encoding, 0, 1), None)
    kind = CLASS_OF.get(found.insn_name()) if found is not None else None
    if found is None or kind is None or found.size != len(encoding):
        return _unknown(encoding)
    return _instruction(found, kind, encoding)


@cache
def _disassembler() -> Any:
    mode = capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | capstone.CS_MODE_V8
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM, mode)
    disassembler.detail = True
    return disassembler


def _unknown(encoding: bytes) -> Instruction:
    return Instruction("?", InstructionClass.UNKNOWN, len(encoding), 0, 0, None, 0)


def _instruction(found: Any, kind: InstructionClass, encoding: bytes) -> Instruction:
    read, written = found.regs_access()
    memory = _memory(found, kind)
    reads, writes = _corrected(_mask(read), _mask(written), found, memory)
    shifted, shift = _shift(found)
    return Instruction(
        mnemonic=found.mnemonic,
        kind=_refine(kind, found, writes),
        width=found.size,
        reads=reads | shifted,  # capstone leaves some of them out
        writes=writes,
        memory=memory,
        if_then=_if_then(encoding) if kind is InstructionClass.IF_THEN else 0,
        shifted=shifted,
        shift=shift,
        accumulators=_accumulators(found, kind),
    )


def _accumulators(found: Any, kind: InstructionClass) -> int:
    """Those of a long or a float multiplication are its result, else they are its last operand."""
    registers = [operand.reg for operand in found.operands if operand.type == arm.ARM_OP_REG]
    if kind is InstructionClass.FLOAT_MULTIPLY_ACCUMULATE:
        added, factors = registers[:1], registers[1:]
    elif kind is not InstructionClass.MULTIPLY or len(registers) < 4:
        return 0
    elif found.insn_name().startswith(_LONG_ACCUMULATING):
        added, factors = registers[:2], registers[2:]
    elif found.insn_name() in ("smull", "umull"):
        return 0
    else:
        added, factors = registers[3:], registers[1:3]
    return _mask(added) & ~_mask(factors)


def _shift(found: Any) -> tuple[int, str]:
    """The registers read through the shifter, and how. A plain shift instruction has none."""
    for operand in found.operands:
        if operand.type == arm.ARM_OP_REG and operand.shift.type != arm.ARM_SFT_INVALID:
            return _mask([operand.reg]), _SHIFTS.get(operand.shift.type, "")
    return 0, ""


def _corrected(
    reads: int, writes: int, found: Any, memory: MemoryOperand | None
) -> tuple[int, int]:
    """Mend what capstone gets wrong: VPUSH, VLDM, stores that write nothing, an SVC that writes
    the link register, a TT that writes none, and accumulators that are read as well."""
    name = found.insn_name()
    if name == "svc":
        return 0, 0
    if name in ("tt", "ttt", "tta", "ttat"):
        result, address = (operand.reg for operand in found.operands)
        return _mask([address]), _mask([result])
    if name in ("strbt", "strht"):
        writes = 0
    if memory is not None:
        if not memory.is_load:
            writes &= (1 << _FIRST_FLOAT) - 1
        elif name in ("vldmia", "vldmdb", "vpop"):
            writes |= _mask(o.reg for o in found.operands) & ~((1 << _FIRST_FLOAT) - 1)
        writes |= memory.writeback << memory.base
        reads |= memory.address_registers
    if name.startswith(_ACCUMULATING):
        reads |= writes
    return reads, writes


def _refine(kind: InstructionClass, found: Any, writes: int) -> InstructionClass:
    """Some mnemonics belong to a class by their operands."""
    if kind is InstructionClass.BRANCH and found.cc not in (arm.ARM_CC_AL, arm.ARM_CC_INVALID):
        return InstructionClass.BRANCH_CONDITIONAL
    if kind is InstructionClass.ALU and writes >> PROGRAM_COUNTER & 1:
        return InstructionClass.BRANCH_INDIRECT
    if kind in (InstructionClass.LOAD, InstructionClass.STORE) and _is_double(found):
        return (
            InstructionClass.LOAD_DUAL
            if kind is InstructionClass.LOAD
            else InstructionClass.STORE_DUAL
        )
    return kind


def _is_double(found: Any) -> bool:
    first = found.operands[0]
    return bool(first.type == arm.ARM_OP_REG and arm.ARM_REG_D0 <= first.reg <= arm.ARM_REG_D31)


def _if_then(encoding: bytes) -> int:
    """Conditional instructions after an IT: its mask's lowest set bit ends the list."""
    mask = encoding[0] & 15
    return 4 - ((mask & -mask).bit_length() - 1)


def _memory(found: Any, kind: InstructionClass) -> MemoryOperand | None:
    is_load = kind in LOADS or kind is InstructionClass.TABLE_BRANCH
    if not is_load and kind not in STORES:
        return None
    operand = next((o for o in found.operands if o.type == arm.ARM_OP_MEM), None)
    if operand is None:
        return _multiple(found, is_load)
    base, index = operand.mem.base, operand.mem.index
    words = 2 if found.insn_name() in ("ldrd", "strd") or _is_double(found) else 1
    return MemoryOperand(
        base=_number(base) or 0,
        index=_number(index) if index else None,
        is_load=is_load,
        words=words,
        bytes=_single_bytes(found.insn_name()) if words == 1 else 8,
        writeback=bool(found.writeback),
    )


def _single_bytes(name: str) -> int:
    if name in ("tbb", "tbh"):
        return _SINGLE_BYTES[name[-1]]
    stem = name.removesuffix("t") if name not in ("ldrt", "strt") else name
    return _SINGLE_BYTES.get(stem[-1], 4)


def _multiple(found: Any, is_load: bool) -> MemoryOperand:
    """LDM, STM and VLDM name their base first; PUSH and POP mean the stack pointer."""
    registers = [o.reg for o in found.operands if o.type == arm.ARM_OP_REG]
    on_stack = found.insn_name() in ("push", "pop", "vpush", "vpop")
    moved = registers if on_stack else registers[1:]
    words = sum(2 if arm.ARM_REG_D0 <= r <= arm.ARM_REG_D31 else 1 for r in moved)
    base = 13 if on_stack else _number(registers[0]) or 0
    return MemoryOperand(base, None, is_load, words, 4 * words, on_stack or bool(found.writeback))


@cache
def _number(register: int) -> int | None:
    """The number of a core register, or 16 + n for s0 to s31; ``None`` for any other."""
    name = _disassembler().reg_name(register) or ""
    aliases = {"sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15}
    if name in aliases:
        return aliases[name]
    if name[:1] == "r" and name[1:].isdigit():
        return int(name[1:])
    if name[:1] == "s" and name[1:].isdigit():
        return _FIRST_FLOAT + int(name[1:])
    return None


def _mask(registers: Iterable[int]) -> int:
    mask = 0
    for register in registers:
        if arm.ARM_REG_D0 <= register < arm.ARM_REG_D0 + 16:
            mask |= 3 << (_FIRST_FLOAT + 2 * (register - arm.ARM_REG_D0))
            continue
        number = _number(register)
        if number is not None:
            mask |= 1 << number
    return mask
