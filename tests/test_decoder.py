"""The plugin's Thumb decoder (C) against simbench.isa (Python), which share no line."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import capstone
import numpy as np
import pytest
from capstone import arm
from listing import listing
from numpy.typing import NDArray

from simbench.backends.qemu import plugin_build
from simbench.backends.renode.units import units
from simbench.catalog.scenario import Variant
from simbench.firmware.build import KERNELS, build_image, firmware_cores
from simbench.isa import decode as isa
from simbench.isa.decode import decode
from simbench.isa.instruction import PROGRAM_COUNTER, Instruction, InstructionClass
from simbench.isa.mve import decode_mve

_SOURCE = Path(__file__).parent / "decoder" / "main.c"
_HEADERS = Path(plugin_build.__file__).with_name("plugin")
_FIELDS = (
    "width",
    "shape",
    "base",
    "units",
    "written",
    "conditional",
    "target",
    "direct",
    "floats",
)
_ROW = np.dtype([(name, "<u4") for name in _FIELDS])

# as in decode.h
NOT_MEMORY, SINGLE, DOUBLE, MULTIPLE, VECTOR = range(5)
NO_BASE, EVERY_REGISTER = 16, 0xFFFF
CORE_REGISTERS = 0xFFFF
ADDRESS = 0x10000000  # as in main.c
FIRST_WIDE = 0xE800
SAMPLES = 200_000

_FLOATS = frozenset(k for k in InstructionClass if k.startswith("float"))
_VECTORS = frozenset(k for k in InstructionClass if k.startswith(("vector", "loop")))
# the shapes that accesses may have; of VLDM and VSTM the registers decide, of VLDR and VSTR too
_SHAPES = {
    InstructionClass.LOAD: (SINGLE, VECTOR),
    InstructionClass.STORE: (SINGLE, VECTOR),
    InstructionClass.TABLE_BRANCH: (SINGLE,),
    InstructionClass.LOAD_DUAL: (DOUBLE,),
    InstructionClass.STORE_DUAL: (DOUBLE,),
    InstructionClass.LOAD_MULTIPLE: (MULTIPLE, DOUBLE),
    InstructionClass.STORE_MULTIPLE: (MULTIPLE, DOUBLE),
    InstructionClass.VECTOR_LOAD: (VECTOR,),
    InstructionClass.VECTOR_STORE: (VECTOR,),
}
# what ends a block: no register is looked at after it
_ENDS = frozenset(
    {
        InstructionClass.BRANCH,
        InstructionClass.BRANCH_CONDITIONAL,
        InstructionClass.CALL,
        InstructionClass.BRANCH_INDIRECT,
        InstructionClass.TABLE_BRANCH,
    }
)
# whose address is asked for each time, however regular it is: exclusive, ordered, of half precision
_ASKED = ("ldrex", "strex", "lda", "stl", "vldr.16", "vstr.16")


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is decoded here is not kept for the tests after it."""
    monkeypatch.setattr(isa, "_decoded", {})


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("decoder") / "decoder"
    command = ["cc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{_HEADERS}"]
    subprocess.run([*command, str(_SOURCE), "-o", str(program)], check=True)
    return program


def said(decoder: Path, words: NDArray[np.uint16]) -> NDArray[np.void]:
    """A row for each instruction of two halfwords."""
    done = subprocess.run([decoder], input=words.tobytes(), stdout=subprocess.PIPE, check=True)
    rows = np.frombuffer(done.stdout, _ROW)
    assert len(rows) == len(words)
    return rows


def differing(decoder: Path, words: NDArray[np.uint16]) -> tuple[list[str], int]:
    """How the two decoders differ over ``words``, and how many of them were compared."""
    found = []
    compared = 0
    for word, row in zip(words.tolist(), said(decoder, words).tolist(), strict=True):
        encoding = _encoding(*word)
        theirs = decode(encoding)
        if theirs.kind is InstructionClass.UNKNOWN or _is_left_open(encoding, theirs):
            continue
        compared += 1
        differences = _differences(encoding, theirs, dict(zip(_FIELDS, row, strict=True)))
        found += [f"{encoding.hex()} {theirs.mnemonic}: {what}" for what in differences]
    return found, compared


def _encoding(first: int, second: int) -> bytes:
    wide = second.to_bytes(2, "little") if first >= FIRST_WIDE else b""
    return first.to_bytes(2, "little") + wide


def _differences(encoding: bytes, theirs: Instruction, ours: dict[str, int]) -> Iterator[str]:
    if ours["width"] != theirs.width:
        yield "width"
    if ours["conditional"] != theirs.if_then:
        yield "instructions made conditional"
    if ours["target"] != _target(encoding, theirs):
        yield "where the branch goes"
    if ours["direct"] != _direct(encoding, theirs):
        yield "where the branch leads always"
    if ours["floats"] != _uses_floats(theirs):
        yield "whether it uses the FPU"
    yield from _differences_of_access(theirs, ours)
    if theirs.kind not in _ENDS:
        yield from _differences_of_registers(encoding, theirs, ours["written"])


def _differences_of_access(theirs: Instruction, ours: dict[str, int]) -> Iterator[str]:
    memory = theirs.memory
    if (ours["shape"] == NOT_MEMORY) != (memory is None):
        yield "whether it accesses memory"
    elif memory is not None:
        if ours["shape"] not in _SHAPES[theirs.kind]:
            yield "shape"
        if ours["units"] != units(theirs):
            yield "accesses"
        is_regular = memory.index is None or memory.is_literal
        is_asked = theirs.kind in _VECTORS or theirs.mnemonic.startswith(_ASKED)
        if ours["base"] != (memory.base if is_regular and not is_asked else NO_BASE):
            yield "base register"


def _differences_of_registers(encoding: bytes, theirs: Instruction, written: int) -> Iterator[str]:
    """What is written must be known; what is not may be thought written only with all registers."""
    program_counter = 1 << PROGRAM_COUNTER
    truly = theirs.writes & CORE_REGISTERS & ~program_counter
    if truly & ~written & ~_moved_a_little(encoding, theirs):
        yield "a register that it writes"
    if written != EVERY_REGISTER and written & ~truly & ~program_counter:
        yield "a register that it does not write"


def _moved_a_little(encoding: bytes, instruction: Instruction) -> int:
    """The register that still holds what it held plus less than 4096, as a mask."""
    if instruction.memory is not None:
        return instruction.memory.writeback << instruction.memory.base
    if instruction.mnemonic.split(".")[0] not in ("add", "adds", "addw", "sub", "subs", "subw"):
        return 0
    *registers, added = _operands(encoding)
    is_small = added.type == arm.ARM_OP_IMM and added.imm < 4096
    is_same = registers[0].reg == registers[-1].reg
    return instruction.writes if is_small and is_same else 0


def _target(encoding: bytes, instruction: Instruction) -> int:
    """Where a conditional branch goes; 0 for anything else."""
    is_one = instruction.kind is InstructionClass.BRANCH_CONDITIONAL
    if not is_one or instruction.mnemonic.startswith("cb"):
        return 0
    return int(_operands(encoding)[0].imm) & 0xFFFFFFFF


_DIRECT = (InstructionClass.BRANCH, InstructionClass.BRANCH_CONDITIONAL, InstructionClass.CALL)


def _direct(encoding: bytes, instruction: Instruction) -> int:
    """Where a branch leads that says so itself; 0 for anything else."""
    if instruction.kind not in _DIRECT:
        return 0
    last = _operands(encoding)[-1]
    return int(last.imm) & 0xFFFFFFFF if last.type == arm.ARM_OP_IMM else 0


def _uses_floats(instruction: Instruction) -> bool:
    return instruction.mnemonic.startswith(("v", "fld", "fst"))


_DISASSEMBLER = capstone.Cs(
    capstone.CS_ARCH_ARM,
    capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | capstone.CS_MODE_V8,
)
_DISASSEMBLER.detail = True


def _operands(encoding: bytes) -> list[Any]:
    return list(next(_DISASSEMBLER.disasm(encoding, ADDRESS, 1)).operands)


def _is_left_open(encoding: bytes, instruction: Instruction) -> bool:
    """Whether Arm does not say what a core does, or no Cortex-M has the instruction."""
    if len(encoding) == 2:
        return False
    first, second = struct.unpack("<HH", encoding)
    target = second >> 12
    return (
        # a byte or halfword loaded into the program counter is a hint, if it moves no base
        (first & 0xFE10 == 0xF810 and target == 15 and _is_narrow(instruction))
        # LDRD that moves the program counter, of which one is SG
        or (first == 0xE97F and second != 0xE97F)
        # STREX of the program counter, of which some are TT
        or (first & 0xFFF0 == 0xE840 and target == 15 and bool(second & 0x3F))
        # ORRS of the stack pointer or the program counter, of which some are long shifts
        or (first & 0xFFF0 == 0xEA50 and second & 13 == 13 and decode_mve(encoding) is None)
        or (first & 0xFFF0 == 0xEA50 and second & 0x0F8F == 0x0F8D)
        # LDM from the program counter, of which some are CLRM
        or (first == 0xE89F and bool(second & 0x2000))
        or _is_past_the_end(first, second)
        # floats outside the coprocessors' space are Advanced SIMD's
        or (instruction.kind in _FLOATS and first & 0xEC00 != 0xEC00)
    )


def _is_narrow(instruction: Instruction) -> bool:
    return instruction.memory is not None and instruction.memory.bytes < 4


def _is_past_the_end(first: int, second: int) -> bool:
    """Whether it is a VLDM or VSTM of no register, of half a one, or of more than there are."""
    is_multiple = first & 0xFE00 == 0xEC00 and first & 0x0120 != 0x0100 and first & 0x01A0 != 0
    if not is_multiple or second >> 9 & 7 != 5:
        return False
    high, low, words = first >> 6 & 1, second >> 12, second & 0xFF
    if second >> 8 & 1:
        return words == 0 or bool(words & 1) or (high << 4 | low) + words // 2 > 16
    return words == 0 or (low << 1 | high) + words > 32


def _words(encodings: Iterable[bytes]) -> NDArray[np.uint16]:
    return np.frombuffer(b"".join(e.ljust(4, b"\0") for e in encodings), "<u2").reshape(-1, 2)


def test_both_say_the_same_of_every_instruction_of_one_halfword(decoder: Path) -> None:
    words = np.zeros((FIRST_WIDE, 2), np.uint16)
    words[:, 0] = np.arange(FIRST_WIDE)
    found, compared = differing(decoder, words)
    assert found == []
    assert compared > 58_000


def test_both_say_the_same_of_a_sample_of_two_halfwords(decoder: Path) -> None:
    random = np.random.default_rng(2026)
    words = random.integers(0, 0x10000, (SAMPLES, 2), np.uint16)
    words[:, 0] = random.integers(FIRST_WIDE, 0x10000, SAMPLES, np.uint16)
    found, compared = differing(decoder, words)
    assert found == []
    assert compared > SAMPLES / 3


@pytest.mark.image
def test_both_say_the_same_of_every_instruction_of_the_firmware(decoder: Path) -> None:
    images = (
        build_image(core, Variant(kernels)).path for core in firmware_cores() for kernels in KERNELS
    )
    encodings = sorted({encoding for image in images for encoding, _, _ in listing(image)})
    assert not [e.hex() for e in encodings if _is_left_open(e, decode(e))]
    assert differing(decoder, _words(encodings)) == ([], len(encodings))
    assert len(encodings) > 20_000


# encodings in which one of the two was wrong, by GNU objdump 2.40 and LLVM 14
@pytest.mark.parametrize(
    ("encoding", "memory", "written"),
    [
        ("41e800f0", False, 1 << 0),  # tt r0, r1: no access
        ("52ea0d43", False, 0b1100),  # lsll r2, r3, r4
        ("55eacf0f", False, 1 << 5),  # uqshl r5, #3
        ("9fe80140", False, 1 << 0 | 1 << 14),  # clrm {r0, lr}: no load from the program counter
        ("9fec040a", False, 0),  # vscclrm {s0-s3, vpr}
        ("0cf8bc9e", True, 0),  # strbt r9, [r12, #188]
        ("28f86eae", True, 0),  # strht r10, [r8, #110]
    ],
)
def test_what_was_found(decoder: Path, encoding: str, memory: bool, written: int) -> None:
    code = bytes.fromhex(encoding)
    instruction = decode(code)
    (row,) = said(decoder, _words([code]))
    assert (instruction.memory is not None) == (row["shape"] != NOT_MEMORY) == memory
    assert instruction.writes & CORE_REGISTERS == row["written"] == written
