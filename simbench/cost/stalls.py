"""Cycles spent waiting for memory: instruction fetches and loads, with and without caches."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds, bounds, of
from simbench.cost.features import Features
from simbench.cost.flow import LineEntries, line_entries
from simbench.counts import Counts, SectionCounts, Segment
from simbench.platforms import Cache, Memory, Platform


@dataclass(frozen=True, eq=False, slots=True)
class Waits:
    """Cycles waited and reads of the memory itself (past its caches), each as bounds.

    ``notes`` say what was not known.
    """

    cycles: Bounds
    reads: Bounds
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, eq=False, slots=True)
class Words:
    """Words loaded, and words loaded or stored, by segment."""

    loaded: NDArray[np.int64]
    moved: NDArray[np.int64]


def fetch_waits(
    counts: Counts, section: SectionCounts, features: Features, platform: Platform
) -> Waits:
    """What fetching the code of ``section`` waits for the memory that code lives in."""
    memory = platform.memory_of(Segment.CODE)
    cache = memory.instruction_cache
    line_bytes = cache.line_bytes if cache is not None else memory.width_bytes
    entries = line_entries(counts, section, features, line_bytes)
    run_on = _run_on(entries, features, memory, line_bytes)
    if cache is None:
        jumps = bounds(entries.jumps)
        return Waits(
            jumps * _jump_wait(memory) + entries.count @ run_on, jumps + entries.count.sum()
        )
    events = _events(counts, section, cache)
    if events is None:
        everything = entries.jumps * _jump_wait(memory)[2] + entries.count @ run_on[:, 2]
        reads = float(entries.jumps + entries.count.sum())
        note = f"events of {cache.name} were not counted: its waits are between none and every one"
        return Waits(_between(everything), _between(reads), (note,))
    return _cached_fetch(events, entries, run_on, memory)


def _cached_fetch(
    events: NDArray[np.void], entries: LineEntries, run_on: NDArray[np.float64], memory: Memory
) -> Waits:
    """With a prefetch, only lines that a jump missed are kept; the others are read ahead anew."""
    jump = float(events["jump_misses"].sum())
    sequential = float(events["sequential_misses"].sum())
    if not memory.prefetch:
        return Waits((jump + sequential) * of(memory.wait_states), bounds(jump + sequential))
    ahead = np.where(entries.jumped_to, 0, entries.count)
    cycles = jump * _jump_wait(memory) + ahead @ run_on
    cycles[1] = jump * memory.wait_states.lower
    reads = bounds(jump + ahead.sum(), jump + sequential, jump + entries.count.sum())
    return Waits(cycles, np.array([reads[0], min(reads[:2]), max(reads[0], reads[2])]))


def _jump_wait(memory: Memory) -> Bounds:
    """A jump waits the wait states; with a prefetch under way perhaps for that first."""
    waits = of(memory.wait_states)
    if memory.prefetch:
        waits[2] *= 2
    return waits


def _run_on(
    entries: LineEntries, features: Features, memory: Memory, line_bytes: int
) -> NDArray[np.float64]:
    """Waits of one entry into a line by running on, (entries, 3): a prefetch hides the cycles
    that the line before takes, as dense as its block is."""
    waits = np.broadcast_to(of(memory.wait_states), (len(entries.block), 3)).copy()
    if not memory.prefetch:
        return waits
    cycles = features.cycles[entries.block].sum(axis=1)
    line = cycles * (line_bytes / features.size[entries.block])[:, None]
    # the slowest code hides most: lower and upper change places
    exposed: NDArray[np.float64] = waits + 1.0 - line[:, [0, 2, 1]]
    return np.minimum(np.maximum(exposed, 0.0), waits)


def data_waits(
    counts: Counts, section: SectionCounts, words: Words, platform: Platform
) -> dict[str, Waits]:
    """What loads of ``section`` wait, by memory. Stores go through the core's write buffer."""
    waits = {}
    for memory in platform.memories.values():
        loaded = sum(int(words.loaded[s]) for s in Segment if platform.memory_of(s) is memory)
        if loaded:
            waits[memory.name] = _data_waits(counts, section, memory, float(loaded))
    return waits


def _data_waits(counts: Counts, section: SectionCounts, memory: Memory, loaded: float) -> Waits:
    cache = memory.data_cache
    if cache is None:
        return Waits(loaded * of(memory.wait_states), bounds(loaded))
    events = _events(counts, section, cache)
    if events is None:
        note = f"events of {cache.name} were not counted: its waits are between none and every one"
        return Waits(_between(loaded * memory.wait_states.upper), _between(loaded), (note,))
    misses = float(events["jump_misses"].sum())
    # a miss may find the memory busy with a fetch
    return Waits(misses * _jump_wait(memory), bounds(misses))


def _events(counts: Counts, section: SectionCounts, cache: Cache) -> NDArray[np.void] | None:
    """The events of ``cache``, if a cache of its geometry was watched."""
    for watched in counts.caches:
        same = (watched.kind, watched.lines, watched.line_bytes, watched.ways) == (
            cache.kind,
            cache.lines,
            cache.line_bytes,
            cache.ways,
        )
        if same and watched.name in section.cache_events:
            return section.cache_events[watched.name]
    return None


def _between(upper: float) -> Bounds:
    return bounds(upper / 2, 0.0, upper)


def moved_words(section: SectionCounts, features: Features) -> Words:
    """Words that ``section`` loaded, and all that it moved, by segment."""
    accesses = section.accesses
    halfword = features.first_halfword[accesses["block"]] + accesses["offset"] // 2
    is_load = features.loads[halfword]
    count = accesses["count"].astype(np.int64)
    segments = len(Segment)
    return Words(
        loaded=_sum_by(accesses["segment"], np.where(is_load, count, 0), segments),
        moved=_sum_by(accesses["segment"], count, segments),
    )


def _sum_by(index: NDArray[np.uint32], count: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.bincount(index, count, length).astype(np.int64)
