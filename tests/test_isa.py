from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simbench.isa.decode import decode, decode_block
from simbench.isa.instruction import InstructionClass, MemoryOperand

SP, LR, PC = 13, 14, 15


def hexed(text: str) -> bytes:
    return bytes.fromhex(text)


def float_mask(*registers: int) -> int:
    return sum(1 << 16 + r for r in registers)


# encodings as in the ARMv7-M Architecture Reference Manual, little endian
KINDS = {
    "0130": InstructionClass.ALU,  # adds r0, #1
    "50fb02f3": InstructionClass.MULTIPLY,  # smmul
    "21fb0234": InstructionClass.MULTIPLY,  # smlad
    "b1fbf2f0": InstructionClass.DIVIDE,  # udiv
    "51f82200": InstructionClass.LOAD,  # ldr.w r0, [r1, r2, lsl #2]
    "0148": InstructionClass.LOAD,  # ldr r0, [pc, #4]
    "91ed010a": InstructionClass.LOAD,  # vldr s0
    "91ed000b": InstructionClass.LOAD_DUAL,  # vldr d0
    "d1e90023": InstructionClass.LOAD_DUAL,  # ldrd
    "70bd": InstructionClass.LOAD_MULTIPLE,  # pop {r4-r6, pc}
    "b1ec040a": InstructionClass.LOAD_MULTIPLE,  # vldmia r1!, {s0-s3}
    "0870": InstructionClass.STORE,  # strb r0, [r1]
    "c1e90023": InstructionClass.STORE_DUAL,  # strd
    "70b5": InstructionClass.STORE_MULTIPLE,  # push {r4-r6, lr}
    "fee7": InstructionClass.BRANCH,  # b .
    "fed1": InstructionClass.BRANCH_CONDITIONAL,  # bne .
    "08b1": InstructionClass.BRANCH_CONDITIONAL,  # cbz
    "00f000f8": InstructionClass.CALL,  # bl
    "7047": InstructionClass.BRANCH_INDIRECT,  # bx lr
    "8746": InstructionClass.BRANCH_INDIRECT,  # mov pc, r0
    "d0e801f0": InstructionClass.TABLE_BRANCH,  # tbb [r0, r1]
    "08bf": InstructionClass.IF_THEN,  # it eq
    "00bf": InstructionClass.HINT,  # nop
    "91f800f0": InstructionClass.HINT,  # pld [r1]
    "bff34f8f": InstructionClass.BARRIER,  # dsb
    "80f31188": InstructionClass.SYSTEM,  # msr basepri, r0
    "20ee811a": InstructionClass.FLOAT,  # vmul.f32
    "b8eec00a": InstructionClass.FLOAT,  # vcvt.f32.s32
    "00ee810a": InstructionClass.FLOAT_MULTIPLY_ACCUMULATE,  # vmla.f32
    "80ee810a": InstructionClass.FLOAT_DIVIDE,  # vdiv.f32
    "10ee100a": InstructionClass.FLOAT_MOVE,  # vmov r0, s0
    "f1ee10fa": InstructionClass.FLOAT_STATUS,  # vmrs apsr_nzcv, fpscr
    "ffffffff": InstructionClass.UNKNOWN,
}


@pytest.mark.parametrize(("encoding", "kind"), KINDS.items())
def test_class(encoding: str, kind: InstructionClass) -> None:
    assert decode(hexed(encoding)).kind is kind


# base, index, is_load, words, bytes, writeback
MEMORIES = {
    "51f82200": MemoryOperand(1, 2, True, 1, 4, False),  # ldr.w r0, [r1, r2, lsl #2]
    "51f8040b": MemoryOperand(1, None, True, 1, 4, True),  # ldr r0, [r1], #4
    "0148": MemoryOperand(PC, None, True, 1, 4, False),  # ldr r0, [pc, #4]
    "0298": MemoryOperand(SP, None, True, 1, 4, False),  # ldr r0, [sp, #8]
    "91f90000": MemoryOperand(1, None, True, 1, 1, False),  # ldrsb.w r0, [r1]
    "0888": MemoryOperand(1, None, True, 1, 2, False),  # ldrh r0, [r1]
    "d1e90023": MemoryOperand(1, None, True, 2, 8, False),  # ldrd r2, r3, [r1]
    "70bd": MemoryOperand(SP, None, True, 4, 16, True),  # pop {r4-r6, pc}
    "a1e80c00": MemoryOperand(1, None, False, 2, 8, True),  # stm r1!, {r2, r3}
    "2ded108b": MemoryOperand(SP, None, False, 16, 64, True),  # vpush {d8-d15}
    "b1ec040a": MemoryOperand(1, None, True, 4, 16, True),  # vldmia r1!, {s0-s3}
    "81ed000b": MemoryOperand(1, None, False, 2, 8, False),  # vstr d0, [r1]
    "d0e801f0": MemoryOperand(0, 1, True, 1, 1, False),  # tbb [r0, r1]
    "d0e811f0": MemoryOperand(0, 1, True, 1, 2, False),  # tbh [r0, r1, lsl #1]
}


@pytest.mark.parametrize(("encoding", "memory"), MEMORIES.items())
def test_memory_operand(encoding: str, memory: MemoryOperand) -> None:
    assert decode(hexed(encoding)).memory == memory


def test_literal_and_stack() -> None:
    literal, stack = decode(hexed("0148")).memory, decode(hexed("0298")).memory
    assert literal is not None
    assert stack is not None
    assert literal.is_literal
    assert not stack.is_literal


# registers read and written
REGISTERS = {
    "c1fb0223": (1 << 1 | 1 << 2 | 1 << 3, 1 << 2 | 1 << 3),  # smlal r2, r3, r1, r2
    "70b5": (0b1110000 | 1 << LR | 1 << SP, 1 << SP),  # push {r4-r6, lr}
    "70bd": (1 << SP, 0b1110000 | 1 << SP | 1 << PC),  # pop {r4-r6, pc}
    "00ee810a": (float_mask(0, 1, 2), float_mask(0)),  # vmla.f32 s0, s1, s2
    "b1ec040a": (1 << 1, 1 << 1 | float_mask(0, 1, 2, 3)),  # vldmia r1!, {s0-s3}
    "2ded108b": (1 << SP | float_mask(*range(16, 32)), 1 << SP),  # vpush {d8-d15}
    "51ec110b": (float_mask(2, 3), 0b11),  # vmov r0, r1, d1
}


@pytest.mark.parametrize(("encoding", "registers"), REGISTERS.items())
def test_registers(encoding: str, registers: tuple[int, int]) -> None:
    instruction = decode(hexed(encoding))
    assert (instruction.reads, instruction.writes) == registers


@pytest.mark.parametrize(
    ("encoding", "length"), [("08bf", 1), ("0cbf", 2), ("04bf", 2), ("0ebf", 3), ("01bf", 4)]
)
def test_if_then_says_how_many_it_makes_conditional(encoding: str, length: int) -> None:
    assert decode(hexed(encoding)).if_then == length


@given(st.binary(max_size=64))
def test_every_byte_is_decoded_once(code: bytes) -> None:
    assert sum(i.width for i in decode_block(code)) == len(code)


def test_cut_off_instruction_is_unknown() -> None:
    whole, cut = decode_block(hexed("0130" + "21fb"))
    assert (whole.kind, cut.kind) == (InstructionClass.ALU, InstructionClass.UNKNOWN)


SOURCE = """
.syntax unified
.cpu cortex-m4
.fpu fpv4-sp-d16
.thumb
add.w r8, r9, r10, lsl #3
movw r0, #4660
sxtb16 r1, r2, ror #8
smlabb r0, r1, r2, r3
umaal r0, r1, r2, r3
ssat r0, #8, r1, asr #3
sdiv r4, r5, r6
ldrsh r0, [r1], #2
ldrd r0, r1, [r2, #16]!
ldmdb r0!, {r1-r9}
ldrex r0, [r1]
strh r0, [r1, r2]
stmia r0!, {r1, r2}
strex r0, r1, [r2]
push {r4-r11, lr}
vpush {d8, d9}
vldr s1, [r0, #4]
vfma.f32 s0, s1, s2
vsqrt.f32 s0, s1
vcmp.f32 s0, #0
vmov s0, r0
tbh [pc, r0, lsl #1]
cbnz r0, 1f
isb
nop
cpsid i
1: bx lr
"""


@pytest.mark.image
def test_agrees_with_the_assembler(tmp_path: Path) -> None:
    """Widths and mnemonics are those that GNU objdump gives for what GNU as made."""
    (tmp_path / "a.s").write_text(SOURCE)
    subprocess.run(["arm-none-eabi-as", "a.s", "-o", "a.o"], cwd=tmp_path, check=True)
    binary = ["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", "a.o", "a.bin"]
    subprocess.run(binary, cwd=tmp_path, check=True)
    listing = subprocess.run(
        ["arm-none-eabi-objdump", "-d", "a.o"], cwd=tmp_path, check=True, capture_output=True
    ).stdout.decode()
    rows = re.findall(r"^\s+[0-9a-f]+:\t([0-9a-f ]+?)\s*\t(\S+)", listing, re.MULTILINE)
    assert len(rows) == 27
    block = decode_block((tmp_path / "a.bin").read_bytes())
    ours = [(2 * i.width, i.mnemonic.removesuffix(".w")) for i in block]
    theirs = [(len(code.replace(" ", "")), name.removesuffix(".w")) for code, name in rows]
    assert ours == [(digits, SPELLINGS.get(name, name)) for digits, name in theirs]
    assert all(i.kind is not InstructionClass.UNKNOWN for i in block)


# objdump and capstone write these differently
SPELLINGS = {"stmia": "stm", "stmdb": "push", "vstmdb": "vpush"}
