"""Vectors, low-overhead loops, selects and long shifts, against the GNU assembler and by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listing import listing, named_class

from simbench.isa.decode import decode, decode_block
from simbench.isa.instruction import Instruction, InstructionClass, MemoryOperand
from simbench.isa.mve import decode_mve

LR = 14

# one of each kind of encoding that the table knows
SOURCE = """
vadd.i32 q0, q1, q2
vadd.i8 q3, q4, r5
vadd.f32 q0, q1, q2
vsub.i16 q0, q1, q2
vsub.f16 q0, q1, r2
vmul.i32 q0, q1, q2
vmul.f32 q0, q1, r2
vhadd.u8 q0, q1, q2
vhsub.s16 q0, q1, r3
vrhadd.s8 q0, q1, q2
vqadd.s32 q0, q1, q2
vqsub.u8 q0, q1, r2
vand q0, q1, q2
vbic q0, q1, q2
vorr q0, q1, q2
vorn q0, q1, q2
veor q0, q1, q2
vmax.s32 q0, q1, q2
vmin.u8 q0, q1, q2
vmaxnm.f32 q0, q1, q2
vabd.s8 q0, q1, q2
vmaxv.s8 r0, q1
vminav.s16 r0, q1
vmaxnmv.f32 r0, q1
vabav.u8 r0, q1, q2
vshl.s32 q0, q1, q2
vrshl.s32 q0, r1
vqrshl.s32 q0, q1, q2
vshr.s32 q0, q1, #5
vrshr.u8 q0, q1, #5
vshl.i16 q0, q1, #3
vsri.16 q0, q1, #3
vshllb.s8 q0, q1, #3
vshllb.s8 q0, q1, #8
vshllt.u16 q7, q6, #16
vmovlt.u8 q0, q1
vmovnb.i16 q0, q1
vqmovnt.s32 q0, q1
vqmovunb.s16 q0, q1
vshrnb.i16 q0, q1, #2
vqdmulh.s32 q0, q1, q2
vqrdmulh.s32 q0, q1, r2
vmulh.s8 q0, q1, q2
vmullb.s16 q0, q1, q2
vmla.s8 q0, q1, r2
vqrdmlah.s32 q0, q1, r2
vfma.f32 q0, q1, q2
vfmas.f32 q0, q1, r2
vaddv.s8 r0, q1
vaddva.s8 r0, q1
vaddlv.s32 r0, r1, q2
vmlav.s8 r0, q1, q2
vmlava.s8 r0, q1, q2
vmladavx.s8 r0, q1, q2
vmlsdav.s16 r0, q1, q2
vmlalv.s16 r0, r1, q1, q2
vcmp.s32 gt, q0, q1
vcmp.i8 eq, q0, r1
vcmp.f32 ge, q0, q1
vpst
vaddt.i32 q0, q1, q2
vpt.s32 lt, q0, q1
vaddt.i32 q0, q1, q2
vpnot
vpsel q0, q1, q2
vctp.32 r0
vdup.8 q0, r1
vidup.u32 q0, r2, #4
vmov.i32 q0, #1
vmvn.i32 q0, #1
vmvn q0, q1
vabs.s8 q0, q1
vneg.f32 q0, q1
vclz.i32 q0, q1
vrev64.8 q0, q1
vcvt.f32.s32 q0, q1
vcvta.s32.f32 q0, q1
vrintn.f32 q0, q1
vldrb.u8 q0, [r1]
vldrb.s16 q0, [r1], #8
vldrh.u32 q0, [r1, #8]
vldrw.u32 q0, [r1, #16]!
vldrw.u32 q0, [r1, q2, uxtw #2]
vldrw.u32 q0, [q1, #8]
vld20.8 {q0, q1}, [r2]
vld43.32 {q0, q1, q2, q3}, [r4]!
vstrb.8 q0, [r1]
vstrw.32 q0, [r1, q2]
vst40.16 {q0, q1, q2, q3}, [r4]
dls lr, r0
1: le lr, 1b
wlstp.8 lr, r1, 3f
2: letp lr, 2b
3: wls lr, r2, 4f
vorr q0, q1, q2
4: csel r0, r1, r2, gt
csinc r0, r1, r2, eq
cset r0, ne
asrl r0, r1, #3
lsll r2, r3, r4
uqshl r0, #3
clrm {r0, r3, lr, apsr}
vscclrm {s3-s6, vpr}
vmlsldavx.s16 r0, r1, q1, q2
vrmlsldavhax.s32 r0, r1, q1, q2
vldr FPSCR, [r0, #4]
vldr VPR, [r1], #-8
vstr FPCXTS, [sp, #-4]!
vmrs r0, vpr
vmsr fpcxts, r3
vmrs r4, fpscr_nzcvqc
pacg r1, r2, r3
autg r1, r2, r3
bxaut r12, lr, sp
pac r12, lr, sp
pacbti r12, lr, sp
aut r12, lr, sp
bti
"""
ASSEMBLER = ("arm-none-eabi-as", "-march=armv8.1-m.main+mve.fp+fp.dp+pacbti")


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mve")
    (folder / "a.s").write_text(".syntax unified\n.thumb\n" + SOURCE)
    subprocess.run([*ASSEMBLER, "a.s", "-o", "a.o"], cwd=folder, check=True)
    return folder / "a.o"


@pytest.mark.image
def test_every_encoding_has_the_assemblers_name_and_class(assembled: Path) -> None:
    asked = [line for line in SOURCE.split("\n") if line]
    rows = list(listing(assembled))
    assert len(rows) == len(asked)
    for encoding, name, operands in rows:
        found = decode_mve(encoding)
        assert found is not None, name
        assert found.kind is named_class(name, operands), name
        stem = name.split(".")[0]
        # a letter for then stands behind a predicated one
        aliases = {"cset": "csinc", "vld20": "vld2", "vld43": "vld4", "vst40": "vst4"}
        assert found.mnemonic in (aliases.get(stem, stem), stem.removesuffix("t"))


def floats(*vectors: int) -> int:
    return sum(15 << (16 + 4 * v) for v in vectors)


def one(source: str, folder: Path) -> Instruction:
    (folder / "a.s").write_text(f".syntax unified\n.thumb\n{source}\n")
    subprocess.run([*ASSEMBLER, "a.s", "-o", "a.o"], cwd=folder, check=True)
    command = ["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", "a.o", "a.bin"]
    subprocess.run(command, cwd=folder, check=True)
    (found,) = decode_block((folder / "a.bin").read_bytes())
    return found


# registers read and written
REGISTERS = {
    "vadd.i32 q3, q4, q7": (floats(4, 7), floats(3)),
    "vmul.i32 q1, q2, r11": (floats(2) | 1 << 11, floats(1)),
    "vmla.s8 q1, q2, r3": (floats(1, 2) | 1 << 3, floats(1)),
    "vmlava.s8 r6, q0, q1": (floats(0, 1) | 1 << 6, 1 << 6),
    "vmlav.s8 r6, q0, q1": (floats(0, 1), 1 << 6),
    "vmlalva.s16 r2, r5, q0, q1": (floats(0, 1) | 1 << 2 | 1 << 5, 1 << 2 | 1 << 5),
    "vmaxv.s8 r9, q3": (floats(3) | 1 << 9, 1 << 9),
    "vdup.32 q6, r2": (1 << 2, floats(6)),
    "vidup.u32 q0, r4, #4": (1 << 4, floats(0) | 1 << 4),
    "vldrw.u32 q5, [r3]": (1 << 3, floats(5)),
    "vldrw.u32 q5, [r3], #16": (1 << 3, floats(5) | 1 << 3),
    "vldrw.u32 q0, [r1, q2]": (1 << 1 | floats(2) & 1 << 24, floats(0)),
    "vstrb.8 q5, [r3]": (1 << 3 | floats(5), 0),
    "vmov.32 r7, q7[1]": (0b11 << (16 + 28), 1 << 7),
    "vmov q1[2], q1[0], r3, r4": (floats(1) | 1 << 3 | 1 << 4, floats(1)),
    "csel r0, r1, r2, gt": (0b110, 0b1),
    "cset r5, gt": (0, 1 << 5),
    "lsll r2, r3, r4": (0b11100, 0b1100),
    "clrm {r0, r3, lr, apsr}": (0, 0b1001 | 1 << LR),
    "vscclrm {s3-s6, vpr}": (0, 15 << 19),
    "vscclrm {d4, d5, vpr}": (0, floats(2)),
    "pacg r1, r2, r3": (0b1100, 0b10),
    "autg r1, r2, r3": (0b1110, 0),
    "bxaut r12, lr, sp": (1 << 12 | 1 << 13 | 1 << LR, 1 << 15),
    "pac r12, lr, sp": (1 << 13 | 1 << LR, 1 << 12),
    "aut r12, lr, sp": (1 << 12 | 1 << 13 | 1 << LR, 0),
    "vldr FPSCR, [r3], #4": (1 << 3, 1 << 3),
    "vmrs r4, fpscr_nzcvqc": (0, 1 << 4),
    "dls lr, r3": (1 << 3, 1 << LR),
    "1: le lr, 1b": (1 << LR, 1 << LR),
}


@pytest.mark.image
@pytest.mark.parametrize(("source", "registers"), REGISTERS.items())
def test_registers(source: str, registers: tuple[int, int], tmp_path: Path) -> None:
    found = one(source, tmp_path)
    assert (found.reads, found.writes) == registers


# base, index, is_load, words, bytes, writeback
MEMORIES = {
    "vldrb.u8 q0, [r3]": MemoryOperand(3, None, True, 4, 16, False),
    "vldrb.s16 q0, [r3], #8": MemoryOperand(3, None, True, 2, 8, True),
    "vldrb.s32 q0, [r3]": MemoryOperand(3, None, True, 1, 4, False),
    "vldrh.s32 q0, [r3]": MemoryOperand(3, None, True, 2, 8, False),
    "vstrh.16 q0, [r12, #16]!": MemoryOperand(12, None, False, 4, 16, True),
    "vldrw.u32 q0, [r1, q2]": MemoryOperand(1, 24, True, 4, 16, False),
    "vldrb.u32 q0, [r1, q2]": MemoryOperand(1, 24, True, 1, 4, False),
    "vldrw.u32 q0, [q1, #8]": MemoryOperand(20, None, True, 4, 16, False),
    "vldr FPSCR, [r3, #4]": MemoryOperand(3, None, True, 1, 4, False),
    "vstr VPR, [r3, #4]!": MemoryOperand(3, None, False, 1, 4, True),
    "vst40.32 {q0, q1, q2, q3}, [r4]!": MemoryOperand(4, None, False, 4, 16, True),
}


@pytest.mark.image
@pytest.mark.parametrize(("source", "memory"), MEMORIES.items())
def test_memory_operand(source: str, memory: MemoryOperand, tmp_path: Path) -> None:
    assert one(source, tmp_path).memory == memory


# what Armv7E-M has in the same part of the encodings stays what it was
# as LLVM writes them: GNU as 2.40 writes q3 as q6, and q5 as no register
CONVERSIONS = {
    "3fee056e": ("vcvtb", floats(2, 3), floats(3)),  # vcvtb.f16.f32 q3, q2
    "3ffe0fbe": ("vcvtt", floats(5, 7), floats(5)),  # vcvtt.f32.f16 q5, q7
}


@pytest.mark.parametrize(("encoding", "expected"), CONVERSIONS.items())
def test_conversions_of_every_register(encoding: str, expected: tuple[str, int, int]) -> None:
    found = decode(bytes.fromhex(encoding))
    assert found.kind is InstructionClass.VECTOR_MULTIPLY
    assert (found.mnemonic, found.reads, found.writes) == expected


OTHERS = {
    "20ee811a": InstructionClass.FLOAT,  # vmul.f32
    "00ee810a": InstructionClass.FLOAT_MULTIPLY_ACCUMULATE,  # vmla.f32
    "91ed010a": InstructionClass.LOAD,  # vldr s0
    "91ed000b": InstructionClass.LOAD_DUAL,  # vldr d0
    "2ded108b": InstructionClass.STORE_MULTIPLE,  # vpush
    "10ee100a": InstructionClass.FLOAT_MOVE,  # vmov r0, s0
    "51ec110b": InstructionClass.FLOAT_MOVE,  # vmov r0, r1, d1
    "f1ee10fa": InstructionClass.FLOAT_STATUS,  # vmrs
    "b8fe477a": InstructionClass.FLOAT,  # vrinta.f32
    "51ea0200": InstructionClass.ALU,  # orrs
    "00f000f8": InstructionClass.CALL,  # bl
}


def test_reads_the_keys_of_signed_addresses() -> None:
    found = decode(bytes.fromhex("eff32780"))  # mrs r0, pac_key_u_3
    assert (found.kind, found.reads, found.writes) == (InstructionClass.SYSTEM, 0, 1)
    found = decode(bytes.fromhex("eff32083"))  # mrs r3, pac_key_p_0
    assert (found.kind, found.reads, found.writes) == (InstructionClass.SYSTEM, 0, 1 << 3)


@pytest.mark.parametrize(("encoding", "kind"), OTHERS.items())
def test_leaves_other_instructions_alone(encoding: str, kind: InstructionClass) -> None:
    assert decode_mve(bytes.fromhex(encoding)) is None
    assert decode(bytes.fromhex(encoding)).kind is kind


@given(st.binary(min_size=4, max_size=4))
def test_any_encoding_decodes_to_registers_that_there_are(encoding: bytes) -> None:
    found = decode_mve(encoding)
    if found is not None:
        assert found.width == 4
        assert 0 <= found.reads < 1 << 48
        assert 0 <= found.writes < 1 << 48
