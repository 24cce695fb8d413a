"""Cycles that loads wait for memory. Stores go through the core's write buffer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import PLACED, Cache, Memory, Platform
from simbench.cost.bounds import Bounds
from simbench.cost.effects.accesses import Accesses
from simbench.cost.effects.run_on import RunOn, run_on_waits
from simbench.cost.effects.watched import between, events, jump_wait, not_counted, reads_of_a_miss
from simbench.cost.features import Features
from simbench.cost.groups import Groups, by_index
from simbench.counts import Counts, SectionCounts

_NO_QUEUE = np.zeros((1, 3))


@dataclass(frozen=True, eq=False, slots=True)
class Ahead:
    """Misses of the line behind the last one, which the memory's prefetch reads ahead: how often in
    each phase, by block of ``run_on``."""

    run_on: RunOn
    phases: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, eq=False, slots=True)
class Loads:
    """Loads that wait for a memory, by group: (groups, 3). Past a cache these are its misses.

    ``reads`` are those that it makes of them, and of those ``ahead``. ``note`` says that the misses
    are not known, where they are not.
    """

    waiting: Bounds
    reads: Bounds
    ahead: Ahead | None = None
    note: str | None = None


def loads_by_memory(
    counts: Counts,
    section: SectionCounts,
    known: Features,
    accesses: Accesses,
    platform: Platform,
    groups: Groups,
) -> dict[str, Loads]:
    """The loads that wait for each of the memories that ``section`` loads from."""
    found = {}
    for name, loaded in accesses.loaded(groups).items():
        memory = platform.memories[name]
        cache = memory.data_cache
        if cache is None:
            each = np.repeat(loaded[:, np.newaxis], 3, axis=1)
            found[name] = Loads(each, each)
            continue
        placed = [s for s in PLACED if platform.memory_of(s) is memory]
        watched = events(counts, section, cache, placed)
        if watched:
            found[name] = _missed(watched, section, known, memory, cache, groups)
        else:
            found[name] = Loads(between(loaded), between(loaded), note=not_counted(cache))
    return found


def _missed(
    watched: list[NDArray[np.void]],
    section: SectionCounts,
    known: Features,
    memory: Memory,
    cache: Cache,
    groups: Groups,
) -> Loads:
    """The loads that miss. What a prefetch reads ahead waits less, where the loads go its way."""
    jumps, ran_on = (
        np.array([groups.total(e["block"], e[kind]) for e in watched])
        for kind in ("jump_misses", "sequential_misses")
    )
    every = _over_phases(jumps + ran_on)
    reads = every * reads_of_a_miss(cache, memory)
    if not _is_read_ahead(memory, cache):
        return Loads(every, reads)
    return Loads(_over_phases(jumps), reads, _ahead(watched, section, known, cache, groups))


def _is_read_ahead(memory: Memory, cache: Cache) -> bool:
    """A prefetch goes on behind what comes through the code's port: loads too, in a joint cache."""
    code = memory.instruction_cache
    return memory.prefetch and code is not None and code.unit == cache.unit != ""


def _ahead(
    watched: list[NDArray[np.void]],
    section: SectionCounts,
    known: Features,
    cache: Cache,
    groups: Groups,
) -> Ahead:
    blocks = np.unique(np.concatenate([e["block"] for e in watched])).astype(np.int64)

    def by_block(kind: str) -> tuple[NDArray[np.float64], ...]:
        places = (np.searchsorted(blocks, e["block"]) for e in watched)
        return tuple(
            by_index(place, e[kind], len(blocks)) for place, e in zip(places, watched, strict=True)
        )

    ran_on = by_block("sequential_misses")
    missed = sum([*ran_on, *by_block("jump_misses")]) / len(watched)
    spent = known.total[blocks] * section.executions[blocks, np.newaxis]
    # the slowest block hides most of a read: the bounds change places
    executing = (spent / np.maximum(missed, 1e-9)[:, np.newaxis])[:, [0, 2, 1]]
    return Ahead(RunOn(groups, cache.sector_bytes, blocks, executing), ran_on)


def _over_phases(found: NDArray[np.float64]) -> Bounds:
    """The mean over the phases of axis 0, between the least and the most: (groups, 3)."""
    return np.stack([found.mean(axis=0), found.min(axis=0), found.max(axis=0)], axis=-1)


def data_wait(loads: Loads, memory: Memory, wait_states: Bounds) -> Bounds:
    """Cycles that ``loads`` wait, for groups or for rows of ``wait_states``: (rows, 3)."""
    if memory.data_cache is None:
        each = wait_states
    elif loads.note is not None:
        each = wait_states[:, [2]]
    else:
        # a miss may find the memory busy with a fetch, and the next load with the rest of this miss
        each = jump_wait(memory, wait_states).copy()
        further = reads_of_a_miss(memory.data_cache, memory) - 1
        each[:, 2] += further * (wait_states[:, 2] + 1)
    cycles: Bounds = loads.waiting * each
    if loads.ahead is None:
        return cycles
    run_on = run_on_waits(loads.ahead.run_on, loads.ahead.phases, memory, wait_states, _NO_QUEUE)
    return cycles + _hull(run_on)


def _hull(waits: Sequence[Bounds]) -> Bounds:
    """The mean of the values over the phases, between their least and most bounds: (rows, 3)."""
    found = np.array(waits)
    columns = (found[..., 0].mean(axis=0), found[..., 1].min(axis=0), found[..., 2].max(axis=0))
    return np.stack(columns, axis=-1)
