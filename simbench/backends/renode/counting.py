"""Count a trace: instructions in order become the records that QEMU's counting plugin writes.

From there on, one reader makes the same counts of both. Blocks here end at branches, at markers and
where execution goes on elsewhere; QEMU's end at pages too. No count of an instruction, of an access
or of a taken branch depends on where blocks end.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from simbench.backends.markers import Marker
from simbench.backends.records import EXECUTION, Kind, RecordReader, record
from simbench.backends.renode.trace import Executed
from simbench.backends.renode.units import splits, units
from simbench.counts import ACCESS, EDGE, SPLIT, Counts, Segment
from simbench.firmware.image import AddressRange
from simbench.isa.decode import decode
from simbench.isa.instruction import Instruction, InstructionClass

_BRANCHES = frozenset(
    {
        InstructionClass.BRANCH,
        InstructionClass.BRANCH_CONDITIONAL,
        InstructionClass.CALL,
        InstructionClass.BRANCH_INDIRECT,
        InstructionClass.TABLE_BRANCH,
        InstructionClass.LOOP_START,
        InstructionClass.LOOP_END,
    }
)

SegmentOf = Callable[[int], Segment]
"""The segment that an address is in."""


def count_trace(
    trace: Iterable[Executed], markers: Mapping[int, Marker], segment_of: SegmentOf
) -> tuple[Counts, ...]:
    """The windows that ``trace`` passes whole; ``markers`` are by address."""
    counter = _Counter(markers, segment_of)
    for executed in trace:
        counter.take(executed)
    counter.close_block()
    return tuple(counter.reader.windows)


def segments_of(segments: Mapping[Segment, Sequence[AddressRange]]) -> SegmentOf:
    """Tells the segment of an address by ``segments``; OTHER outside of all."""
    ranges = [(r.start, r.end, segment) for segment, rs in segments.items() for r in rs]

    def segment_of(address: int) -> Segment:
        return next((s for start, end, s in ranges if start <= address < end), Segment.OTHER)

    return segment_of


class _Counter:
    """Cuts the instructions into blocks and intervals, and feeds ``reader`` with their records."""

    def __init__(self, markers: Mapping[int, Marker], segment_of: SegmentOf) -> None:
        self.reader = RecordReader(())
        self._markers = markers
        self._segment_of = segment_of
        self._numbers: dict[tuple[int, bytes], int] = {}
        self._start = 0
        self._code: list[bytes] = []
        self._accessed: list[tuple[int, bytes, int]] = []
        self._next = -1  # where the block goes on
        self._source: tuple[int, int] | None = None  # the block before, and where it ended
        self._interval: Marker | None = None
        self._forget()

    def take(self, executed: Executed) -> None:
        """The next instruction."""
        address, opcode, accessed = executed
        if address != self._next or address in self._markers:
            self.close_block()
            self._start = address
        if accessed:
            # the first address alone: emulators differ in how they split what is moved
            self._accessed.append((address - self._start, opcode, accessed[0]))
        self._code.append(opcode)
        self._next = address + len(opcode)
        if _ends_block(opcode):
            self.close_block()

    def close_block(self) -> None:
        """Count the block that has ended: what led to it, its marker if it has one, itself."""
        if not self._code:
            return
        code = b"".join(self._code)
        block = self._number(self._start, code, len(self._code))
        if self._source is not None and self._source[1] != self._start:
            self._edges[self._source[0], block] += 1
        self._source = block, self._start + len(code)
        if self._start in self._markers:
            self._pass(self._markers[self._start])
        self._executions[block] += 1
        for offset, opcode, accessed in self._accessed:
            self._count_accesses(block, offset, decode(opcode), accessed)
        self._code, self._accessed, self._next = [], [], -1

    def _count_accesses(
        self, block: int, offset: int, instruction: Instruction, first: int
    ) -> None:
        if instruction.memory is not None:
            place = block, offset, int(self._segment_of(first))
            self._accesses[place] += units(instruction)
            self._splits[block, offset] += splits(instruction, first)

    def _pass(self, marker: Marker) -> None:
        if marker is Marker.WINDOW_OPENS or (
            marker is Marker.SECTION_OPENS and self._interval is None
        ):
            self._forget()
            self._interval = Marker.WINDOW_OPENS
        elif self._interval is not None and marker is not Marker.SECTION_OPENS:
            self._close_interval(self._interval)
            self._interval = marker
            if marker is Marker.WINDOW_CLOSES:
                self.reader.feed(record(Kind.WINDOW))
                self._interval = None

    def _close_interval(self, opened: Marker) -> None:
        self._feed(Kind.EXECUTIONS, _rows(self._executions, EXECUTION))
        self._feed(Kind.EDGES, _rows(self._edges, EDGE))
        self._feed(Kind.ACCESSES, _rows(self._accesses, ACCESS))
        self._feed(Kind.SPLITS, _rows(+self._splits, SPLIT))
        self._feed(Kind.INTERVAL, struct.pack("<I", opened))
        self._forget()

    def _number(self, start: int, code: bytes, instructions: int) -> int:
        number = self._numbers.get((start, code))
        if number is None:
            number = self._numbers[start, code] = len(self._numbers)
            head = struct.pack("<III", number, start, instructions)
            self._feed(Kind.BLOCK, head + code)
        return number

    def _feed(self, kind: Kind, payload: bytes) -> None:
        self.reader.feed(record(kind, payload))

    def _forget(self) -> None:
        self._executions: Counter[int] = Counter()
        self._edges: Counter[tuple[int, int]] = Counter()
        self._accesses: Counter[tuple[int, int, int]] = Counter()
        self._splits: Counter[tuple[int, int]] = Counter()


def _rows(counted: Mapping[Any, int], dtype: np.dtype[np.void]) -> bytes:
    """The bytes of rows of ``dtype``: what is counted, and how often."""
    rows = [(*(key if isinstance(key, tuple) else (key,)), n) for key, n in counted.items()]
    return np.array(rows, dtype).tobytes()


@cache
def _ends_block(opcode: bytes) -> bool:
    instruction = decode(opcode)
    return instruction.kind in _BRANCHES or instruction.writes_pc
