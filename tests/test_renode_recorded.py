"""What a real Renode said and wrote: 1.16.1+06854d4 (2026-08-21), built from its source.

``tests/data/renode`` has a session with its Monitor in a folder ``/board``, what the counter wrote
of a window of the stub firmware with two small caches, and the beginning of a trace of it.
"""

from __future__ import annotations

import base64
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from simbench.backends.renode.monitor import Monitor
from simbench.backends.renode.tables import read_window
from simbench.backends.renode.trace import Executed, read_trace
from simbench.counts import CacheGeometry, Segment
from simbench.errors import InfrastructureError
from simbench.isa.decode import decode

DATA = Path(__file__).parent / "data" / "renode"
REPLAY = Path(__file__).parent / "renode" / "replay.py"
CACHES = (
    CacheGeometry("code", "instruction", 4, 16, 2, (Segment.CODE,)),
    CacheGeometry("data", "data", 4, 16, 1, (Segment.WEIGHTS, Segment.ARENA)),
)
REFUSED = {
    "machine LoadPlatformDescription @/board/broken.repl": "Error E04: Could not resolve type",
    "sysbus LoadELF @/board/gone.elf": "LoadELF",
    "nonsense": "No such command or device: nonsense",
    "cpu Nonsense 1": "does not provide a field, method or property Nonsense",
    "include @/board/broken.cs": "error CS0246: The type or namespace name 'Nothing'",
}
STATE = "0x8a\n0x0000000000005F7C\n0x0000000000000000"


def test_the_monitor_s_answers_are_told_from_its_repeats_and_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENODE_RECORDING", str(DATA / "monitor.json"))
    commands = [
        sent.splitlines()[0] for sent, _ in json.loads((DATA / "monitor.json").read_text())[1:]
    ]
    slices = [command for command in commands if "RunFor" in command]
    assert any(len(command) > 80 for command in slices)
    monitor = Monitor((str(REPLAY),), tmp_path)
    try:
        for command in commands:
            if command in REFUSED:
                with pytest.raises(InfrastructureError, match=re.escape(REFUSED[command])):
                    monitor.execute(command)
            else:
                assert monitor.execute(command) == (STATE if command in slices else "")
    finally:
        monitor.close()


def test_a_window_s_sums_are_what_qemu_counted_of_the_same_firmware() -> None:
    recorded = json.loads((DATA / "window.json").read_text())
    code = {int(address, 16): bytes.fromhex(code) for address, code in recorded["code"].items()}
    sums = base64.b64decode(recorded["sums"])
    counts = read_window(sums, lambda address, length: code[address][:length], CACHES)
    sections = (counts.inference, *counts.layers)
    assert [counts.instructions(section) for section in sections] == [477, 413, 48]
    assert [int(section.edges["count"].sum()) for section in sections] == [125, 104, 13]
    assert [int(section.accesses["count"].sum()) for section in sections] == [231, 206, 24]
    events = [
        sum(int(rows[kind].sum()) for rows in section.cache_events.values() for kind in KINDS)
        for section in sections
    ]
    assert events == [43, 30, 6]


KINDS = ("jump_misses", "sequential_misses")


def test_a_trace_of_format_5_is_read_and_its_wide_opcodes_are_as_memory_has_them() -> None:
    with (DATA / "trace.head").open("rb") as file:
        found = list(read_trace(file))
    assert len(found) == 141
    assert found[0] == Executed(0x1D8, bytes.fromhex("13f0020f"), ())  # TST.W r3, #2
    assert found[2] == Executed(0x1D6, bytes.fromhex("6368"), (0x40004004,))  # LDR r3, [r4, #4]
    goes_on = [b.address == a.address + len(a.opcode) for a, b in pairwise(found)]
    assert goes_on.count(True) > len(found) // 2
    assert all(decode(executed.opcode).width == len(executed.opcode) for executed in found)
