"""What stands in for Renode in tests: traces in its format from real runs in QEMU, and a scripted
program that speaks its Monitor's protocol. Neither is Renode."""

from __future__ import annotations

import base64
import itertools
import json
import struct
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simbench.backends import Backend, LaunchSpec
from simbench.backends.markers import Marker, marker_addresses
from simbench.backends.qemu.backend import QemuBackend
from simbench.backends.qemu.plugin_build import plugin_api
from simbench.backends.qemu.tool import find_tool
from simbench.backends.recording import Recorder, Recording
from simbench.backends.renode.trace import Executed, read_trace
from simbench.firmware.image import Image

HERE = Path(__file__).parent
FAKE = HERE / "fake_renode.py"
HEADER = b"ReTrace\x04\x04\x01\x00\x0fthumb cortex-m4"
HEADER_5 = b"ReTrace\x05\x04\x01\x01\x0fthumb cortex-m4"
_AFTER_A_WINDOW = 32


def encoded(trace: Iterable[Executed], header: bytes = HEADER) -> bytes:
    """A trace in Renode's format. All accesses are loads of 0."""
    return header + b"".join(map(_encoded, trace))


def _encoded(executed: Executed) -> bytes:
    address, opcode, accessed = executed
    data = b"".join(struct.pack("<BBQQQ", 1, 2, a, 0, a) for a in accessed)
    return struct.pack("<IB", address, len(opcode)) + opcode + data + b"\0"


def tracing_qemu(folder: Path, window: Image | None = None) -> tuple[Path, Path]:
    """A QEMU that writes a trace beside what it is asked to do, and the file that it writes.

    Only what is between th_pre and th_post of the image ``window``, where one is given.
    """
    tool = find_tool()
    plugin, trace, program = folder / "retrace.so", folder / "trace", folder / "qemu"
    api = f"-DSIMBENCH_PLUGIN_API={plugin_api(tool.series)}"
    flags = ("-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", api)
    subprocess.run(["cc", *flags, str(HERE / "retrace.c"), "-o", str(plugin)], check=True)
    options = f"{plugin},output={trace}"
    if window is not None:
        symbols = window.symbols
        options += f",begin={symbols['th_pre']:#x},end={symbols['th_post']:#x}"
    program.write_text(
        f'#!/bin/sh\ncase "$1" in --version) exec {tool.program} --version;; esac\n'
        f'exec {tool.program} "$@" -plugin {options}\n'
    )
    program.chmod(0o755)
    return program, trace


@dataclass(frozen=True)
class Scripted:
    """A real session in QEMU, and the script by which the stand-in for Renode repeats it."""

    recording: Recording
    script: dict[str, Any]
    folder: Path

    def environment(self, **misbehaviour: object) -> dict[str, str]:
        """The variables under which simbench finds the stand-in, which then misbehaves."""
        file = self.folder / f"script{len(list(self.folder.iterdir()))}.json"
        file.write_text(json.dumps({**self.script, **misbehaviour}))
        return {"SIMBENCH_RENODE": str(FAKE), "FAKE_RENODE": str(file)}


def scripted(
    folder: Path,
    spec: LaunchSpec,
    use: Callable[[Backend], object],
    window: Image | None = None,
) -> Scripted:
    """Have ``use`` start the board ``spec`` in QEMU and talk with it; the stand-in can then be used
    likewise. With ``window``, an image, only what it measures is traced."""
    program, trace = tracing_qemu(folder, window)
    recorder = Recorder(QemuBackend(str(program)))
    use(recorder)
    recording = recorder.recordings[0]
    with trace.open("rb") as file:
        windows = _windows(list(read_trace(file)), marker_addresses(spec) if spec.counting else {})
    files, marks = [], []
    for number, (executed, passed) in enumerate(windows[: len(recording.windows)]):
        files.append(folder / f"window{number}")
        files[-1].write_bytes(encoded(executed))
        marks.append("".join(f"{marker:d} {n}\n" for marker, n in passed))
    turns = recording.turns
    closing = [i for i in range(1, len(turns)) if turns[i].windows > turns[i - 1].windows]
    script = {
        "turns": [
            [base64.b64encode(b).decode() for b in (turn.sent, turn.received)] for turn in turns
        ],
        "windows": closing,
        "traces": list(map(str, files)),
        "marks": marks,
    }
    assert len(closing) == len(files) == len(recording.windows)
    trace.unlink()
    return Scripted(recording, script, folder)


Passed = tuple[Marker, int]


def _windows(
    trace: Sequence[Executed], markers: Mapping[int, Marker]
) -> list[tuple[list[Executed], list[Passed]]]:
    """The trace cut a little after each window, with the markers passed and what was executed."""
    ends = [
        place
        for place, executed in enumerate(trace)
        if markers.get(executed.address) is Marker.WINDOW_CLOSES
    ]
    cuts = [0, *(end + _AFTER_A_WINDOW for end in ends)]
    return [
        (
            list(trace[low:high]),
            [
                (markers[executed.address], low + place)
                for place, executed in enumerate(trace[low:high])
                if executed.address in markers
            ],
        )
        for low, high in itertools.pairwise(cuts)
    ]
