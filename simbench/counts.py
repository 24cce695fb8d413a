"""What was executed: exact integers, handed over by a backend, priced by :mod:`simbench.cost`.

Counts depend on firmware, model, input and machine, never on a price. They are the whole of what
a backend knows; everything after them is a pure function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Segment(IntEnum):
    """Where in the image's address space a load or store went. Placement in memories is a price."""

    CODE = 0
    WEIGHTS = 1
    STATIC = 2
    ARENA = 3
    OTHER = 4


EDGE = np.dtype([("source", "<u4"), ("target", "<u4"), ("count", "<u8")])
"""A taken (not fall-through) edge: indices into :attr:`Counts.blocks`, times taken."""

ACCESS = np.dtype([("block", "<u4"), ("offset", "<u4"), ("segment", "<u4"), ("count", "<u8")])
"""Data accesses of the instruction at byte ``offset`` of ``block``: one a word moved for LDM/STM,
LDRD/STRD, PUSH/POP and VLDM/VSTM, else one an execution. Load or store is the instruction's."""

CACHE_EVENT = np.dtype([("block", "<u4"), ("jump_misses", "<u8"), ("sequential_misses", "<u8")])
"""Misses of an instruction cache in the lines of ``block``: ``jump`` where a taken edge led to the
line, ``sequential`` where execution ran on into it. Load misses of a data cache likewise:
``sequential`` are those of the sector behind the one that was read last, for these lines."""

SPLIT = np.dtype([("block", "<u4"), ("offset", "<u4"), ("count", "<u8")])
"""Bus accesses beyond the first that misaligned loads and stores of the instruction at byte
``offset`` of ``block`` take: one for a halfword at an odd address and for a word at an even one,
two for a word at an odd address."""


class Passage(IntEnum):
    """A way into an exception or out of it: ENTERED, with the state of whom it interrupts saved;
    CHAINED, in place of the return from another; RETURNED. FLOATS is an exception's first use of
    the FPU, which has the registers saved of whom it interrupted where that one used them."""

    ENTERED = 0
    CHAINED = 1
    RETURNED = 2
    FLOATS = 3


PASSAGE = np.dtype(
    [
        ("source", "<u4"),
        ("target", "<u4"),
        ("number", "<u4"),
        ("kind", "<u4"),
        ("count", "<u8"),
    ]
)
"""A :class:`Passage` of the exception ``number`` by ``kind``, from the block that it interrupted or
ended to the one that was executed next; of FLOATS, the block that uses them twice."""


@dataclass(frozen=True, slots=True)
class CacheGeometry:
    """A cache or flash accelerator to watch while counting. Latencies are prices, not geometry.

    ``kind`` is "instruction" or "data"; ``ways`` equal to ``lines`` is fully associative;
    replacement is least recently used. ``segments`` are those whose accesses go through it. A load
    that misses brings its line in; a store does only if ``write_allocate``, and is never counted.
    A line of several sectors of ``sector_bytes`` (0 is one of the whole line) is filled, and misses
    are counted, by sector. Without ``keeps_sequential`` only what a jump missed is brought in, as
    where a prefetch has read on already. ``phase_bytes`` is added to every address: where in a line
    the image's address 0 would be on a board it is not linked for. ``shares`` names a cache before
    this one whose lines these are too: one piece of hardware, whose events are counted apart.
    """

    name: str
    kind: str
    lines: int
    line_bytes: int
    ways: int
    segments: tuple[Segment, ...]
    write_allocate: bool = False
    sector_bytes: int = 0
    keeps_sequential: bool = True
    phase_bytes: int = 0
    shares: str = ""


@dataclass(frozen=True, order=True, slots=True)
class TaskId:
    """A task of an RTOS: the address of what that knows of it, and its name, "" where not known."""

    address: int
    name: str = ""


NO_TASK = TaskId(0)


@dataclass(frozen=True, slots=True)
class Block:
    """A straight run of instructions as the emulator executed it (blocks may overlap).

    ``context`` is the number of the exception that it was executed in, 0 outside all of them;
    ``task`` is whose it was there, NO_TASK where none is known. Code of several is a block in each.
    """

    address: int
    code: bytes
    instructions: int
    context: int = 0
    task: TaskId = NO_TASK

    @property
    def owner(self) -> tuple[int, TaskId]:
        """In what it was executed: the exception, the task."""
        return self.context, self.task


@dataclass(frozen=True, slots=True)
class SectionCounts:
    """What was executed between the opening and the closing of a section.

    ``executions`` has one entry per block of :attr:`Counts.blocks`; ``edges``, ``accesses`` and
    the arrays of ``cache_events`` (by cache name) hold only what occurred. ``splits`` is None where
    the alignment of accesses was not watched. ``passages`` are those of exceptions, which are no
    ``edges``; only a board with a chip's own map has any.
    """

    executions: NDArray[np.int64]
    edges: NDArray[np.void]
    accesses: NDArray[np.void]
    cache_events: Mapping[str, NDArray[np.void]]
    splits: NDArray[np.void] | None = None
    passages: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, PASSAGE))


@dataclass(frozen=True, slots=True)
class Counts:
    """The blocks of a run, the measured inference, and each of its layers in order of execution.

    ``layers`` is empty for an image without op markers. What the inference executed outside every
    layer (the interpreter) is the difference. All is summed over the ``inferences`` measured.
    """

    blocks: tuple[Block, ...]
    inference: SectionCounts
    layers: tuple[SectionCounts, ...]
    caches: tuple[CacheGeometry, ...]
    inferences: int = 1

    def instructions(self, section: SectionCounts) -> int:
        """Instructions executed in ``section``; one skipped by its IT condition counts as one."""
        lengths = np.fromiter((b.instructions for b in self.blocks), np.int64, len(self.blocks))
        return int(section.executions @ lengths)
