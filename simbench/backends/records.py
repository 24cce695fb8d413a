"""Read a stream of counting records into :mod:`simbench.counts`: QEMU's plugin writes one, and what
counts Renode's traces another.

A record is two little-endian u32, its kind and its length in bytes, and that many bytes. Blocks
come before what names them. An interval (what was executed between two markers) is its arrays, then
INTERVAL with the kind of the marker that opened it; WINDOW closes a measured window.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simbench.backends.markers import Marker
from simbench.backends.sections import add_sections, merge
from simbench.counts import (
    ACCESS,
    CACHE_EVENT,
    EDGE,
    PASSAGE,
    SPLIT,
    Block,
    CacheGeometry,
    Counts,
    SectionCounts,
    TaskId,
)
from simbench.errors import InfrastructureError

_HEAD = struct.Struct("<II")
_BLOCK = struct.Struct("<III")
_WORD = struct.Struct("<I")
_PAIR = struct.Struct("<II")
EXECUTION = np.dtype([("block", "<u4"), ("count", "<u8")])
"""A block, and how often it was executed."""

Array = NDArray[np.void]


class Kind(IntEnum):
    """Kinds of records, as in qemu/plugin/records.h."""

    BLOCK = 1
    EXECUTIONS = 2
    EDGES = 3
    ACCESSES = 4
    CACHE = 5
    INTERVAL = 6
    WINDOW = 7
    LIMIT = 8
    LAST = 9
    TRAP = 10
    SPLITS = 11
    CONTEXT = 12
    PASSAGES = 13
    TASK = 14


@dataclass(slots=True)
class _Interval:
    marker: Marker
    executions: Array
    edges: Array
    accesses: Array
    splits: Array | None
    passages: Array
    caches: dict[int, Array]


@dataclass(slots=True)
class _Pending:
    arrays: dict[Kind, Array] = field(default_factory=dict)
    caches: dict[int, Array] = field(default_factory=dict)


class RecordReader:
    """Takes the stream in pieces; gives the windows that are complete.

    ``limit_at``, ``last_at`` and ``trap_at`` are addresses: where a window ran past its limit, what
    the core was executing when the emulator ended, a marker inside a block.
    """

    def __init__(self, caches: tuple[CacheGeometry, ...]) -> None:
        self.windows: list[Counts] = []
        self.limit_at: int | None = None
        self.last_at: int | None = None
        self.trap_at: int | None = None
        self._caches = caches
        self._rest = b""
        self._blocks: dict[int, Block] = {}
        self._intervals: list[_Interval] = []
        self._pending = _Pending()

    def feed(self, data: bytes) -> None:
        """Take the next piece of the stream. Raises InfrastructureError if it makes no sense."""
        data = self._rest + data
        end = 0
        for kind, payload in _records(data):
            self._take(kind, payload)
            end += _HEAD.size + len(payload)
        self._rest = data[end:]

    def _take(self, kind: Kind, payload: bytes) -> None:
        if kind is Kind.BLOCK:
            number, address, instructions = _BLOCK.unpack_from(payload)
            self._blocks[number] = Block(address, payload[_BLOCK.size :], instructions)
        elif kind is Kind.CONTEXT:
            number, context = _PAIR.unpack(payload)
            self._blocks[number] = replace(self._blocks[number], context=context)
        elif kind is Kind.TASK:
            number, address = _PAIR.unpack_from(payload)
            task = TaskId(address, _name(payload[_PAIR.size :]))
            self._blocks[number] = replace(self._blocks[number], task=task)
        elif kind in _DTYPES:
            self._pending.arrays[kind] = np.frombuffer(payload, _DTYPES[kind])
        elif kind is Kind.CACHE:
            index = _WORD.unpack_from(payload)[0]
            self._pending.caches[index] = np.frombuffer(payload, CACHE_EVENT, offset=_WORD.size)
        elif kind is Kind.INTERVAL:
            self._close_interval(Marker(_WORD.unpack(payload)[0]))
        elif kind is Kind.WINDOW:
            self.windows.append(_window(self._blocks, self._intervals, self._caches))
            self._intervals = []
        else:
            self._note_place(kind, _WORD.unpack(payload)[0])

    def _close_interval(self, marker: Marker) -> None:
        if marker is Marker.WINDOW_OPENS:
            self._intervals = []
        arrays = self._pending.arrays
        self._intervals.append(
            _Interval(
                marker,
                arrays[Kind.EXECUTIONS],
                arrays[Kind.EDGES],
                arrays[Kind.ACCESSES],
                arrays.get(Kind.SPLITS),
                arrays.get(Kind.PASSAGES, np.zeros(0, PASSAGE)),
                self._pending.caches,
            )
        )
        self._pending = _Pending()

    def _note_place(self, kind: Kind, address: int) -> None:
        if kind is Kind.LIMIT:
            self.limit_at = address
        elif kind is Kind.TRAP:
            self.trap_at = address
        else:
            self.last_at = address


def record(kind: Kind, payload: bytes = b"") -> bytes:
    """A record as :class:`RecordReader` takes it."""
    return _HEAD.pack(kind, len(payload)) + payload


def _name(padded: bytes) -> str:
    """What a task is called; "" where that is no text, as of an RTOS that was built otherwise."""
    name = padded.rstrip(b"\0").decode(errors="replace")
    return name if name.isprintable() and "\N{REPLACEMENT CHARACTER}" not in name else ""


_DTYPES: Mapping[Kind, np.dtype[np.void]] = {
    Kind.EXECUTIONS: EXECUTION,
    Kind.EDGES: EDGE,
    Kind.ACCESSES: ACCESS,
    Kind.SPLITS: SPLIT,
    Kind.PASSAGES: PASSAGE,
}


def _records(data: bytes) -> Iterator[tuple[Kind, bytes]]:
    at = 0
    while at + _HEAD.size <= len(data):
        number, length = _HEAD.unpack_from(data, at)
        if number not in Kind._value2member_map_:
            raise InfrastructureError(
                "the counting plugin wrote what cannot be read; remove the build folder's "
                "plugin directory and try again"
            )
        end = at + _HEAD.size + length
        if end > len(data):
            return
        yield Kind(number), data[at + _HEAD.size : end]
        at = end


def _window(
    blocks: Mapping[int, Block],
    intervals: Sequence[_Interval],
    caches: tuple[CacheGeometry, ...],
) -> Counts:
    numbers = _numbers_used(intervals)
    order = sorted(numbers, key=lambda n: (blocks[n].address, blocks[n].code, blocks[n].owner))
    index = np.zeros(max(order, default=0) + 1, np.uint32)
    index[order] = np.arange(len(order), dtype=np.uint32)
    make = _SectionMaker(index, len(order), caches)
    sections = [make(interval) for interval in intervals]
    pairs = zip(sections, intervals, strict=True)
    layers = tuple(section for section, i in pairs if i.marker is Marker.LAYER_OPENS)
    whole = add_sections(sections)
    return Counts(tuple(blocks[n] for n in order), whole, layers, caches)


def _numbers_used(intervals: Sequence[_Interval]) -> set[int]:
    used: set[int] = set()
    for interval in intervals:
        used.update(interval.executions["block"].tolist())
        for rows in (interval.edges, interval.passages):
            used.update(rows["source"].tolist())
            used.update(rows["target"].tolist())
    return used


@dataclass(frozen=True, slots=True)
class _SectionMaker:
    index: NDArray[np.uint32]
    blocks: int
    caches: tuple[CacheGeometry, ...]

    def __call__(self, interval: _Interval) -> SectionCounts:
        executions = np.zeros(self.blocks, np.int64)
        executions[self.index[interval.executions["block"]]] = interval.executions["count"]
        edges, passages = (
            merge([self._renumber(rows, "source", "target")])
            for rows in (interval.edges, interval.passages)
        )
        events = {
            cache.name: merge([self._renumber(interval.caches[i], "block")])
            for i, cache in enumerate(self.caches)
        }
        accesses = merge([self._renumber(interval.accesses, "block")])
        splits = interval.splits
        if splits is not None:
            splits = merge([self._renumber(splits, "block")])
        return SectionCounts(executions, edges, accesses, events, splits, passages)

    def _renumber(self, array: Array, *fields: str) -> Array:
        array = array.copy()
        for name in fields:
            array[name] = self.index[array[name]]
        return array
