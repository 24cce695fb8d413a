"""Cycles spent waiting for memory: instruction fetches and loads, with and without caches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds, bounds, of
from simbench.cost.core import Core
from simbench.cost.features import Features
from simbench.cost.flow import line_entries
from simbench.counts import CacheGeometry, Counts, SectionCounts, Segment
from simbench.platforms import PLACED, Cache, Memory, Platform

_WORD = 4


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
    counts: Counts, section: SectionCounts, features: Features, platform: Platform, core: Core
) -> Waits:
    """What fetching the code of ``section`` waits for the memory that code lives in."""
    memory = platform.memory_of(Segment.CODE)
    cache = memory.instruction_cache
    if cache is None:
        entries = line_entries(section, features, memory.width_bytes)
        exposed = _exposed(entries.block, features, memory, memory.width_bytes, core)
        cycles = entries.jumps * _jump_wait(memory) + entries.count @ exposed
        return Waits(cycles, bounds(entries.jumps + entries.count.sum()))
    watched = _watched(counts, section, _geometry(cache, (Segment.CODE,)))
    if not watched:
        return _unwatched_fetch(section, features, memory, cache)
    phases = [_missed(events, features, memory, cache, core) for events in watched]
    if not cache.keeps_sequential:
        all_kept = replace(cache, keeps_sequential=True)
        everything = _watched(counts, section, _geometry(all_kept, (Segment.CODE,)))
        floor = [_missed(events, features, memory, cache, core) for events in everything]
    else:
        floor = []
    return Waits(
        _spread([w.cycles for w in phases], [w.cycles for w in floor]),
        _spread([w.reads for w in phases], [w.reads for w in floor]),
    )


def _spread(phases: list[Bounds], floor: list[Bounds]) -> Bounds:
    """The mean over how code may lie in lines, between the least and the most."""
    lower = min(float(b[1]) for b in (*phases, *floor))
    mean = sum(float(b[0]) for b in phases) / len(phases)
    return bounds(mean, lower, max(float(b[2]) for b in phases))


def _missed(
    events: NDArray[np.void], features: Features, memory: Memory, cache: Cache, core: Core
) -> Waits:
    """A jump that misses waits for its read; running on into what misses, for the rest of it.

    Where a sector takes several reads, the one that is wanted comes first. Running on goes through
    all of them, a jump through half of the others.
    """
    jumps = events["jump_misses"].astype(np.float64)
    sequential = events["sequential_misses"].astype(np.float64)
    reads = _reads_of_a_miss(cache, memory)
    blocks = events["block"].astype(np.int64)
    read_bytes = min(cache.sector_bytes, memory.width_bytes)
    exposed = _exposed(blocks, features, memory, read_bytes, core)
    run_into = sequential * reads + jumps * (reads - 1) / 2
    cycles = jumps.sum() * _jump_wait(memory) + run_into @ exposed
    return Waits(cycles, bounds((jumps + sequential).sum() * reads))


def _reads_of_a_miss(cache: Cache, memory: Memory) -> int:
    return max(cache.sector_bytes // memory.width_bytes, 1)


def _unwatched_fetch(
    section: SectionCounts, features: Features, memory: Memory, cache: Cache
) -> Waits:
    entries = line_entries(section, features, cache.sector_bytes)
    reads = float(entries.jumps + entries.count.sum())
    note = f"events of {cache.name} were not counted: its waits are between none and every one"
    return Waits(_between(reads * _jump_wait(memory)[2]), _between(reads), (note,))


def _jump_wait(memory: Memory) -> Bounds:
    """A jump waits the wait states; with a prefetch under way perhaps for that first."""
    waits = of(memory.wait_states)
    if memory.prefetch:
        waits[2] *= 2
    return waits


def _exposed(
    blocks: NDArray[np.int64], features: Features, memory: Memory, read_bytes: int, core: Core
) -> NDArray[np.float64]:
    """What running on into the next read of ``read_bytes`` waits in each of ``blocks``, (n, 3).

    The memory reads on while the core executes what came last: with a prefetch from the moment that
    came, else from when the core's own queue asks for it.
    """
    waits = of(memory.wait_states)
    executing = features.cycles[blocks].sum(axis=1)
    executing *= (read_bytes / features.size[blocks])[:, None]
    # the slowest code hides most: lower and upper change places
    executing = executing[:, [0, 2, 1]]
    exposed: NDArray[np.float64] = np.clip(
        _asked_for(executing, memory, read_bytes, core) + waits + 1 - executing, 0, waits
    )
    if not memory.prefetch:
        exposed[:, 2] = waits[2]
    return exposed


def _asked_for(
    executing: NDArray[np.float64], memory: Memory, read_bytes: int, core: Core
) -> NDArray[np.float64]:
    """Cycles from when a read came to when the next is asked for."""
    if memory.prefetch:
        return np.zeros_like(executing)
    words = read_bytes / _WORD
    queue = core.pipeline["fetch_queue"].value if "fetch_queue" in core.pipeline else 0.0
    waits_for_room: NDArray[np.float64] = executing * max(words - queue, 0.0) / words
    return np.maximum(waits_for_room, words - 1)


def data_waits(
    counts: Counts, section: SectionCounts, words: Words, platform: Platform
) -> dict[str, Waits]:
    """What loads of ``section`` wait, by memory. Stores go through the core's write buffer."""
    waits = {}
    for memory in platform.memories.values():
        loaded = sum(int(words.loaded[s]) for s in Segment if platform.memory_of(s) is memory)
        if loaded:
            placed = [s for s in PLACED if platform.memory_of(s) is memory]
            waits[memory.name] = _data_waits(counts, section, memory, placed, float(loaded))
    return waits


def _data_waits(
    counts: Counts, section: SectionCounts, memory: Memory, placed: list[Segment], loaded: float
) -> Waits:
    cache = memory.data_cache
    if cache is None:
        return Waits(loaded * of(memory.wait_states), bounds(loaded))
    watched = _watched(counts, section, _geometry(cache, placed))
    if not watched:
        note = f"events of {cache.name} were not counted: its waits are between none and every one"
        return Waits(_between(loaded * memory.wait_states.upper), _between(loaded), (note,))
    phases = [float(events["jump_misses"].sum()) for events in watched]
    misses = bounds(sum(phases) / len(phases), min(phases), max(phases))
    reads = _reads_of_a_miss(cache, memory)
    # a miss may find the memory busy with a fetch, and the next load with the rest of this miss
    each = _jump_wait(memory)
    each[2] += (reads - 1) * (memory.wait_states.upper + 1)
    return Waits(misses * each, misses * reads)


def _watched(
    counts: Counts, section: SectionCounts, wanted: tuple[object, ...]
) -> list[NDArray[np.void]]:
    """The events of a cache, once for each phase at which its geometry was watched."""
    return [
        section.cache_events[watched.name]
        for watched in counts.caches
        if _geometry(watched, watched.segments) == wanted and watched.name in section.cache_events
    ]


def _geometry(cache: Cache | CacheGeometry, segments: Iterable[Segment]) -> tuple[object, ...]:
    sector = cache.sector_bytes or cache.line_bytes
    size = (cache.lines, cache.line_bytes, cache.ways, sector)
    return (cache.kind, *size, cache.keeps_sequential, frozenset(segments))


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
