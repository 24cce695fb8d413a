"""The space of encodings, against GNU's and LLVM's disassemblers where these agree.

All of those of 16 bits, and of those of 32 a sample. With ``SIMBENCH_ENCODINGS=all`` (``make
test-encodings``, minutes) every one of nine million: register fields are 0, 1, 13 or 15, the four
bits that are first in the second halfword six of 16, all others every value.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from listing import NEWEST, listing, named_class

from simbench.isa.decode import decode
from simbench.isa.instruction import InstructionClass

pytestmark = [pytest.mark.image, pytest.mark.tool]

SAMPLES = 60_000
FIRST_WIDE = 0xE800
# as GNU calls it: LLVM's triple and features
ARCHITECTURES = {
    "armv6-m": ("thumbv6m", ""),
    "armv7e-m": ("thumbv7em", "+vfp4,+fp64,+dsp"),
    NEWEST: ("thumbv8.1m.main", "+mve.fp,+fp64,+dsp,+8msecext,+lob,+pacbti"),
}
ROW = re.compile(r"^\t(\S+)[ \t]*(.*?)\s*@ encoding: \[(.*)\]$", re.M)
# no Cortex-M that is emulated has a coprocessor, and what names one is unknown to us
COPROCESSOR = re.compile(r"(cdp|ldc|stc|mcr|mrc|mcrr|mrrc|fld|fst|cx|vcx)")
# special registers that LLVM has no name for are none
NAMELESS = re.compile(r"(msr\t|mrs\t\w+, )\d")
# wide ones that are unpredictable in Armv7-M; later TT, long shifts and VSCCLRM
LATER = re.compile(r"strex\t\S+, pc,|(orr|mov)s?\.w\tpc,|vldmia\tpc,")
REGISTERS, BETWEEN = (0, 1, 13, 15), (0, 1, 7, 8, 13, 15)
ALL = os.environ.get("SIMBENCH_ENCODINGS") == "all"


@dataclass
class Found:
    """How many encodings both disassemblers know, of which they say different things, and where we
    say another than both."""

    compared: int = 0
    disputed: int = 0
    differing: list[str] = field(default_factory=list)


def by_gnu(
    encodings: Sequence[bytes], architecture: str, folder: Path
) -> dict[bytes, tuple[str, str]]:
    """Mnemonic and operands of each encoding."""
    text = "".join(f".inst.{_size(code)} 0x{_as_number(code)}\n" for code in encodings)
    (folder / "a.s").write_text(f".syntax unified\n.thumb\n{text}")
    # the assembler takes any number for the newest; the listing is for the architecture
    command = ["arm-none-eabi-as", f"-march={NEWEST}", "a.s", "-o", "a.o"]
    subprocess.run(command, cwd=folder, check=True)
    rows = listing(folder / "a.o", architecture)
    return {encoding: (name, operands) for encoding, name, operands in rows}


def _size(code: bytes) -> str:
    return "n" if len(code) == 2 else "w"


def _as_number(code: bytes) -> str:
    return "".join(code[n : n + 2][::-1].hex() for n in range(0, len(code), 2))


def by_llvm(encodings: Sequence[bytes], architecture: str) -> dict[bytes, tuple[str, str]]:
    """Mnemonic and operands of the encodings that it knows."""
    triple, features = ARCHITECTURES[architecture]
    lines = "".join(",".join(f"0x{byte:02x}" for byte in code) + "\n" for code in encodings)
    target = [f"--triple={triple}", f"--mattr={features}"]
    command = ["llvm-mc", "--disassemble", "--show-encoding", *target]
    done = subprocess.run(command, input=lines, check=True, capture_output=True, text=True)
    rows = ROW.findall(done.stdout)
    return {
        bytes(int(byte, 16) for byte in code.split(",")): (name, operands)
        for name, operands, code in rows
    }


def class_of(name: str, operands: str) -> InstructionClass | None:
    """The class of what a disassembler writes; None where it is nothing, or not for us."""
    said = f"{name}\t{operands}"
    if "<" in name or any(pattern.match(said) for pattern in (COPROCESSOR, LATER, NAMELESS)):
        return None
    try:
        return named_class(name, operands)
    except KeyError:
        return None


def held_against_both(encodings: Sequence[bytes], architecture: str) -> Found:
    """What we say of ``encodings`` against what GNU and LLVM do."""
    with TemporaryDirectory() as folder:
        gnu = by_gnu(encodings, architecture, Path(folder))
    llvm = by_llvm(encodings, architecture)
    found = Found()
    for encoding in gnu.keys() & llvm.keys():
        name, operands = gnu[encoding]
        kind, other = class_of(name, operands), class_of(*llvm[encoding])
        if kind is None or other is None:
            continue
        found.compared += 1
        if kind is not other:
            found.disputed += 1
        elif (ours := decode(encoding).kind) is not kind:
            found.differing.append(f"{encoding.hex()} {name} {operands}: {kind}, not {ours}")
    return found


@pytest.mark.parametrize(("architecture", "least"), [("armv7e-m", 0.04), (NEWEST, 0.05)])
def test_two_disassemblers_that_agree_are_right(architecture: str, least: float) -> None:
    random = np.random.default_rng(2611)
    first = random.integers(FIRST_WIDE, 0x10000, SAMPLES, np.uint16)
    second = random.integers(0, 0x10000, SAMPLES, np.uint16)
    sample = [word.tobytes() for word in np.stack((first, second), 1)]
    found = held_against_both(sample, architecture)
    assert found.differing == []
    assert found.compared > least * SAMPLES


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_of_short_encodings_every_one_is_right(architecture: str) -> None:
    every = [number.to_bytes(2, "little") for number in range(FIRST_WIDE)]
    found = held_against_both(every, architecture)
    assert found.differing == []
    assert found.compared > 0.8 * len(every)


def by_fields(opcode: int) -> Iterator[bytes]:
    """The encodings whose first halfword begins with the twelve bits ``opcode``."""
    for register in REGISTERS:
        first = (opcode << 4 | register).to_bytes(2, "little")
        for a, b, c, d in itertools.product(BETWEEN, range(16), range(16), REGISTERS):
            yield first + (a << 12 | b << 8 | c << 4 | d).to_bytes(2, "little")


def _of_opcode(architecture: str, opcode: int) -> Found:
    return held_against_both(list(by_fields(opcode)), architecture)


@pytest.mark.skipif(not ALL, reason="minutes: 'make test-encodings'")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_of_long_encodings_every_value_of_every_field_is_right(architecture: str) -> None:
    with ProcessPoolExecutor() as pool:
        opcodes = range(FIRST_WIDE >> 4, 0x1000)
        found = list(pool.map(partial(_of_opcode, architecture), opcodes))
    compared, disputed = (sum(getattr(f, n) for f in found) for n in ("compared", "disputed"))
    print(f"{architecture}: {compared:,} compared, {disputed:,} disputed")
    assert [said for each in found for said in each.differing] == []
    assert compared > 0
