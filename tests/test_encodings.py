"""The space of 32-bit encodings, against GNU's and LLVM's disassemblers where these agree."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from listing import listing, named_class

from simbench.isa.decode import decode
from simbench.isa.instruction import InstructionClass

SAMPLES = 60_000
FIRST_WIDE = 0xE800
FEATURES = "+mve.fp,+fp64,+dsp,+8msecext,+lob,+pacbti"
ROW = re.compile(r"^\t(\S+)[ \t]*(.*?)\s*@ encoding: \[(.*)\]$", re.M)
# no Cortex-M that is emulated has a coprocessor, and what names one is unknown to us
COPROCESSOR = re.compile(r"(cdp|ldc|stc|mcr|mrc|mcrr|mrrc|fld|fst|cx|vcx)")


@pytest.fixture(scope="module")
def sample() -> list[bytes]:
    random = np.random.default_rng(2611)
    first = random.integers(FIRST_WIDE, 0x10000, SAMPLES, np.uint16)
    second = random.integers(0, 0x10000, SAMPLES, np.uint16)
    return [word.tobytes() for word in np.stack((first, second), 1)]


def by_gnu(sample: Sequence[bytes], folder: Path) -> dict[bytes, tuple[str, str]]:
    """Mnemonic and operands of each encoding."""
    words = (encoding[1::-1] + encoding[:1:-1] for encoding in sample)
    text = "".join(f".inst.w 0x{word.hex()}\n" for word in words)
    (folder / "a.s").write_text(f".syntax unified\n.thumb\n{text}")
    command = ["arm-none-eabi-as", "-march=armv8.1-m.main", "a.s", "-o", "a.o"]
    subprocess.run(command, cwd=folder, check=True)
    rows = listing(folder / "a.o")
    return {encoding: (name, operands) for encoding, name, operands in rows}


def by_llvm(sample: Sequence[bytes]) -> dict[bytes, tuple[str, str]]:
    """Mnemonic and operands of the encodings that it knows."""
    lines = "".join(",".join(f"0x{byte:02x}" for byte in word) + "\n" for word in sample)
    target = ["--triple=thumbv8.1m.main", f"--mattr={FEATURES}"]
    command = ["llvm-mc", "--disassemble", "--show-encoding", *target]
    done = subprocess.run(command, input=lines, check=True, capture_output=True, text=True)
    rows = ROW.findall(done.stdout)
    return {
        bytes(int(byte, 16) for byte in code.split(",")): (name, operands)
        for name, operands, code in rows
    }


def class_of(name: str, operands: str) -> InstructionClass | None:
    """The class of what a disassembler writes; None where it is nothing, or not for us."""
    if "<" in name or COPROCESSOR.match(name):
        return None
    try:
        return named_class(name, operands)
    except KeyError:
        return None


@pytest.mark.image
@pytest.mark.tool
def test_two_disassemblers_that_agree_are_right(sample: list[bytes], tmp_path: Path) -> None:
    gnu, llvm = by_gnu(sample, tmp_path), by_llvm(sample)
    compared, differing = 0, []
    for encoding in gnu.keys() & llvm.keys():
        name, operands = gnu[encoding]
        kind = class_of(name, operands)
        if kind is None or kind is not class_of(*llvm[encoding]):
            continue
        compared += 1
        ours = decode(encoding)
        if ours.kind is not kind:
            differing.append(f"{encoding.hex()} {name} {operands}: {kind}, not {ours.kind}")
    assert differing == []
    assert compared > SAMPLES / 20
