"""A tiny image whose counts can be worked out by hand, and ways to run it."""

from __future__ import annotations

import os
import subprocess
from enum import IntEnum
from pathlib import Path

from other_qemus import other_qemus

from simbench.backends import Blob, LaunchSpec
from simbench.firmware.image import Image
from simbench.firmware.read import read_image

MACHINE = "mps2-an386"
_HERE = Path(__file__).parent
_FLAGS = (
    *("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-O1"),
    *("-ffreestanding", "-nostdlib", "-Wall", "-Wextra", "-Werror"),
)


class Work(IntEnum):
    """What the stub measures, chosen by the first byte of its input."""

    COPY = 0
    KINDS = 1
    CONDITIONAL = 2
    PAGE = 3
    BASES = 4
    TABLE = 5
    FOREVER = 6
    LINES = 7
    LONG_COPY = 8
    WILD_COPY = 9
    LONG = 10
    MISALIGNED = 11


def build_stub(folder: Path) -> Image:
    elf = folder / "stub.elf"
    sources = [str(_HERE / "stub.c"), str(_HERE / "work.S")]
    script = ["-T", str(_HERE / "stub.ld")]
    command = ["arm-none-eabi-gcc", *_FLAGS, *script, *sources, "-o", str(elf)]
    subprocess.run(command, check=True, capture_output=True)
    return read_image(elf)


def bank(image: Image, *entries: tuple[int, ...]) -> Blob:
    """Inputs of four bytes in the bank."""
    data = b"".join(bytes(entry).ljust(4, b"\0") for entry in entries)
    return Blob(image.symbols["__bank_start"], data)


def spec(image: Image, *entries: tuple[int, ...]) -> LaunchSpec:
    return LaunchSpec(image, MACHINE, (bank(image, *entries),) if entries else ())


def programs() -> list[str]:
    """The QEMU of this machine, and the others that are there."""
    return [os.environ.get("SIMBENCH_QEMU", "qemu-system-arm"), *other_qemus()]
