"""Whether this QEMU counts: a few instructions are run in it, and what is counted is compared."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import time
from pathlib import Path

from simbench.backends.board import STACK_POINTER, Board, LaunchSpec
from simbench.backends.folder import temporary_folder
from simbench.backends.qemu.backend import QemuBackend
from simbench.counts import Counts, Segment
from simbench.errors import InfrastructureError
from simbench.firmware.image import AddressRange, Image
from simbench.firmware.section import Section

_CORE = "cortex-m4"
_CODE = (
    0xE7FF,  # b begin, so that it starts a block
    0x210A,  # begin: movs r1, #10
    0xB401,  # turn: push {r0}
    0x3001,  # adds r0, #1
    0xBC04,  # pop {r2}
    0x3901,  # subs r1, #1
    0xD1FA,  # bne turn
    0xE7FE,  # b .
)
_START, _STACK_END = 8, 0x20001000
_BEGIN, _END = _START + 2, _START + 14
_INSTRUCTIONS, _TURNS_BACK, _ACCESSES = 1 + 10 * 5, 9, 10 * 2
_PATIENCE_S = 10.0


def probe(program: str | None = None) -> str:
    """What was counted, in words, where it is what the instructions do.

    Raises InfrastructureError where QEMU or its plugin cannot be had, does not run them, or counts
    something else.
    """
    emulator = QemuBackend(program)
    with contextlib.ExitStack() as stack:
        spec = _spec(temporary_folder(stack) / "probe.bin", emulator.machine(_CORE))
        counts = _counted(stack.enter_context(emulator.launch(spec)))
    section = counts.inference
    found = (
        counts.instructions(section),
        int(section.edges["count"].sum()),
        int(section.accesses["count"].sum()),
    )
    if found != (_INSTRUCTIONS, _TURNS_BACK, _ACCESSES):
        raise InfrastructureError(
            f"QEMU {emulator.version()} counts {found[0]} instructions, {found[1]} branches and "
            f"{found[2]} accesses where there are {_INSTRUCTIONS}, {_TURNS_BACK} and {_ACCESSES}: "
            "set SIMBENCH_QEMU to another version, and report this one"
        )
    return f"{_INSTRUCTIONS} instructions, {_TURNS_BACK} branches and {_ACCESSES} accesses counted"


def _spec(path: Path, machine: str) -> LaunchSpec:
    data = struct.pack(f"<II{len(_CODE)}H", _STACK_END, _START | 1, *_CODE)
    path.write_bytes(data)
    segments = {
        Segment.CODE: (AddressRange(0, len(data)),),
        Segment.STATIC: (AddressRange(_STACK_END - 256, _STACK_END),),
    }
    image = Image(path, hashlib.sha256(data).hexdigest(), {}, segments, len(data), 0, 0, 0)
    section = Section(_BEGIN, _END)
    known = {STACK_POINTER: Segment.STATIC}
    return LaunchSpec(image, machine, base_segments=known, counted_windows=1, section=section)


def _counted(board: Board) -> Counts:
    deadline = time.monotonic() + _PATIENCE_S
    while not (windows := board.windows()):
        if time.monotonic() > deadline:
            raise InfrastructureError(
                f"QEMU did not run {_INSTRUCTIONS} instructions in {_PATIENCE_S:g} s"
            )
        board.read(0.05)
    return windows[0]
