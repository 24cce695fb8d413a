"""What stands in for Renode in tests: traces and sums in its formats from real runs in QEMU, and a
scripted program that speaks its Monitor's protocol. Neither is Renode."""

from __future__ import annotations

import base64
import itertools
import json
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simbench.backends import Backend, LaunchSpec
from simbench.backends.markers import Marker, marker_addresses
from simbench.backends.qemu.backend import QemuBackend
from simbench.backends.qemu.plugin_build import plugin_api
from simbench.backends.qemu.tool import find_tool
from simbench.backends.recording import Recorder, Recording
from simbench.backends.renode.counting import SegmentOf, segments_of
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


def tabulated(
    trace: Iterable[Executed], markers: Mapping[int, Marker], segment_of: SegmentOf
) -> bytes:
    """What the counter writes of the one window in ``trace``, an instruction a block."""
    numbers: dict[int, int] = {}
    intervals: list[_Summed] = []
    last: int | None = None
    for address, _, accessed in trace:
        marker = markers.get(address)
        open_ = intervals[-1] if intervals else None
        if open_ is None and marker not in (Marker.WINDOW_OPENS, Marker.SECTION_OPENS):
            continue
        block = numbers.setdefault(address, len(numbers))
        if open_ is not None and last is not None:
            open_.transitions[block, last] += 1
        if marker is Marker.WINDOW_CLOSES:
            break
        if open_ is None:
            intervals.append(_Summed(Marker.WINDOW_OPENS))
        elif marker is not None:
            intervals.append(_Summed(marker))
        now = intervals[-1]
        now.executions[0, block] += 1
        if accessed:
            now.accesses[4 * segment_of(accessed[0]) + accessed[0] % 4, block] += 1
        last = block
    blocks = b"".join(struct.pack("<II", 1, address) for address in numbers)
    parts = [struct.pack("<I", len(numbers)), blocks, struct.pack("<I", len(intervals))]
    return b"".join((*parts, *(interval.encoded() for interval in intervals)))


@dataclass
class _Summed:
    marker: Marker
    executions: Counter[tuple[int, int]] = field(default_factory=Counter)
    transitions: Counter[tuple[int, int]] = field(default_factory=Counter)
    accesses: Counter[tuple[int, int]] = field(default_factory=Counter)

    def encoded(self) -> bytes:
        head = struct.pack("<IQ", self.marker, self.executions.total())
        no_misses: Counter[tuple[int, int]] = Counter()
        tables = (self.executions, self.transitions, self.accesses, no_misses)
        return head + b"".join(map(_table, tables))


def _table(rows: Mapping[tuple[int, int], int]) -> bytes:
    packed = (struct.pack("<IIQ", *key, count) for key, count in rows.items())
    return struct.pack("<I", len(rows)) + b"".join(packed)


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
    markers = marker_addresses(spec) if spec.counting else {}
    segment_of = segments_of(spec.image.segments)
    with trace.open("rb") as file:
        windows = _windows(list(read_trace(file)), markers)
    files, tables, marks = [], [], []
    for number, (executed, passed) in enumerate(windows[: len(recording.windows)]):
        files.append(folder / f"window{number}")
        files[-1].write_bytes(encoded(executed))
        tables.append(folder / f"sums{number}")
        tables[-1].write_bytes(tabulated(executed, markers, segment_of))
        marks.append("".join(f"{marker:d} {n}\n" for marker, n in passed))
    turns = recording.turns
    closing = [i for i in range(1, len(turns)) if turns[i].windows > turns[i - 1].windows]
    script = {
        "turns": [
            [base64.b64encode(b).decode() for b in (turn.sent, turn.received)] for turn in turns
        ],
        "windows": closing,
        "traces": list(map(str, files)),
        "sums": list(map(str, tables)),
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
