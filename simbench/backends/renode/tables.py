"""Read what the counter (counter/*.cs) counted of a window inside Renode, and make the records of
it that QEMU's counting plugin writes: from there on, one reader makes the same counts of both.

Layout, little-endian: the number of blocks, and of each its instructions and its address (u32); the
number of intervals, and of each the marker that opened it (u32), the instructions that the core
says it executed (u64), and four tables: executions by block, transitions by target and source,
accesses by place and block, misses by cache and block. A table is the number of its rows (u32), and
rows of two u32 and a count (u64). A place is four times a segment, and the two low bits of the
address. Of misses in a cache, those of jumps are at twice its number, the others at one more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.backends.records import EXECUTION, Kind, RecordReader, record
from simbench.backends.renode.units import splits, units
from simbench.counts import ACCESS, CACHE_EVENT, EDGE, SPLIT, CacheGeometry, Counts
from simbench.errors import InfrastructureError
from simbench.isa.decode import decode, encodings

Array = NDArray[np.void]
CodeAt = Callable[[int, int], bytes]
"""Gives bytes of the image by address and length."""

_BLOCK = np.dtype([("instructions", "<u4"), ("address", "<u4")])
_INTERVAL = np.dtype([("marker", "<u4"), ("executed", "<u8")])
_ROW = np.dtype([("low", "<u4"), ("high", "<u4"), ("count", "<u8")])
_NUMBER = np.dtype("<u4")
_MISALIGNMENTS = 4
_LONGEST = 4  # bytes of an instruction


def read_window(data: bytes, code_at: CodeAt, caches: tuple[CacheGeometry, ...] = ()) -> Counts:
    """The counts of the window that ``data`` is of, with ``caches`` watched.

    Raises InfrastructureError where the core says that it executed another number of instructions,
    or the image has none where it executed some.
    """
    tables = _Tables(data)
    blocks = _Blocks(tables.rows(_BLOCK), code_at)
    reader = RecordReader(caches)
    for number, (address, code, instructions) in enumerate(blocks.known):
        head = np.array([number, address, instructions], _NUMBER).tobytes()
        reader.feed(record(Kind.BLOCK, head + code))
    for _ in range(tables.number()):
        marker, executed = tables.one(_INTERVAL)
        executions, transitions, accesses, misses = (tables.rows(_ROW) for _ in range(4))
        _check_executed(blocks, executions, executed)
        reader.feed(record(Kind.EXECUTIONS, _columns(executions, EXECUTION, "high", "count")))
        jumps = transitions[blocks.are_jumps(transitions)]
        reader.feed(record(Kind.EDGES, _columns(jumps, EDGE, "high", "low", "count")))
        for kind, payload in blocks.accessed(accesses):
            reader.feed(record(kind, payload))
        for cache in range(len(caches)):
            events = _events(misses[misses["low"] // 2 == cache])
            reader.feed(record(Kind.CACHE, np.array([cache], _NUMBER).tobytes() + events))
        reader.feed(record(Kind.INTERVAL, np.array([marker], _NUMBER).tobytes()))
    reader.feed(record(Kind.WINDOW))
    return reader.windows[0]


class _Tables:
    """Reads what comes next."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        return int(self._take(1, _NUMBER)[0])

    def one(self, dtype: np.dtype[np.void]) -> tuple[int, ...]:
        found: tuple[int, ...] = self._take(1, dtype)[0].item()
        return found

    def rows(self, dtype: np.dtype[np.void]) -> Array:
        return self._take(self.number(), dtype)

    def _take(self, rows: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        start, self._at = self._at, self._at + rows * dtype.itemsize
        return np.frombuffer(self._data[start : self._at], dtype)


class _Blocks:
    """Blocks by number, with the image's bytes of them."""

    def __init__(self, rows: Array, code_at: CodeAt) -> None:
        self.known = [(at, _code(code_at, at, n), n) for n, at in rows.tolist()]
        self.instructions = rows["instructions"].astype(np.uint64)
        self._starts = rows["address"]
        widths = np.array([len(code) for _, code, _ in self.known], _NUMBER)
        self._ends = self._starts + widths

    def are_jumps(self, transitions: Array) -> NDArray[np.bool_]:
        """Which of ``transitions`` do not go on behind the block that they come from."""
        ends = self._ends[transitions["high"]]
        return np.asarray(ends != self._starts[transitions["low"]])

    def accessed(self, rows: Array) -> Iterator[tuple[Kind, bytes]]:
        """Records of accesses: of blocks of one instruction."""
        found, split = [], []
        for place, block, count in rows.tolist():
            _, code, instructions = self.known[block]
            assert instructions == 1
            segment, misalignment = divmod(place, _MISALIGNMENTS)
            instruction = decode(code)
            if units(instruction):
                found.append((block, 0, segment, count * units(instruction)))
            if splits(instruction, misalignment):
                split.append((block, 0, count * splits(instruction, misalignment)))
        yield Kind.ACCESSES, np.array(found, ACCESS).tobytes()
        yield Kind.SPLITS, np.array(split, SPLIT).tobytes()


def _code(code_at: CodeAt, address: int, instructions: int) -> bytes:
    code = code_at(address, _LONGEST * instructions)
    found = [encoding for encoding, _ in zip(encodings(code), range(instructions), strict=False)]
    if len(found) < instructions:
        raise InfrastructureError(
            f"Renode executed {instructions} instructions at {address:#010x}, where the image has "
            f"{len(found)}: {_REPORT}"
        )
    return b"".join(found)


def _check_executed(blocks: _Blocks, executions: Array, executed: int) -> None:
    counted = int(executions["count"] @ blocks.instructions[executions["high"]])
    if counted != executed:
        raise InfrastructureError(
            f"Renode ended blocks of {counted:,} instructions where its core counted {executed:,}: "
            f"{_REPORT}"
        )


def _events(rows: Array) -> bytes:
    """Events of one cache by block; a block may be there twice."""
    made = np.zeros(len(rows), CACHE_EVENT)
    made["block"] = rows["high"]
    is_jump = rows["low"] % 2 == 0
    made["jump_misses"] = np.where(is_jump, rows["count"], 0)
    made["sequential_misses"] = np.where(is_jump, 0, rows["count"])
    return made[rows["count"] > 0].tobytes()


def _columns(rows: Array, dtype: np.dtype[np.void], *names: str) -> bytes:
    made = np.empty(len(rows), dtype)
    for name, of in zip(dtype.names or (), names, strict=True):
        made[name] = rows[of]
    return made.tobytes()


_REPORT = "this version of Renode cannot be trusted to count: use 1.16 or 1.17, or QEMU"
