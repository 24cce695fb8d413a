"""Cycles that loads wait for memory. Stores go through the core's write buffer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import PLACED, Memory, Platform
from simbench.cost.bounds import Bounds
from simbench.cost.effects.accesses import Accesses
from simbench.cost.effects.watched import between, events, jump_wait, not_counted, reads_of_a_miss
from simbench.cost.groups import Groups
from simbench.counts import Counts, SectionCounts


@dataclass(frozen=True, eq=False, slots=True)
class Loads:
    """Loads that wait for a memory, by group: (groups, 3). Past a cache these are its misses.

    ``note`` says that the misses are not known, where they are not.
    """

    waiting: Bounds
    note: str | None = None


def loads_by_memory(
    counts: Counts,
    section: SectionCounts,
    accesses: Accesses,
    platform: Platform,
    groups: Groups,
) -> dict[str, Loads]:
    """The loads that wait for each of the memories that ``section`` loads from."""
    return {
        name: _loads(counts, section, platform, platform.memories[name], loaded, groups)
        for name, loaded in accesses.loaded(groups).items()
    }


def _loads(
    counts: Counts,
    section: SectionCounts,
    platform: Platform,
    memory: Memory,
    loaded: NDArray[np.float64],
    groups: Groups,
) -> Loads:
    cache = memory.data_cache
    if cache is None:
        return Loads(np.repeat(loaded[:, np.newaxis], 3, axis=1))
    placed = [s for s in PLACED if platform.memory_of(s) is memory]
    watched = events(counts, section, cache, placed)
    if not watched:
        return Loads(between(loaded), not_counted(cache))
    phases = np.array([groups.total(e["block"], e["jump_misses"]) for e in watched])
    return Loads(np.stack([phases.mean(axis=0), phases.min(axis=0), phases.max(axis=0)], axis=-1))


def reads_past_cache(loads: Loads, memory: Memory) -> Bounds:
    """Reads of the memory itself that ``loads`` make."""
    if memory.data_cache is None or loads.note is not None:
        return loads.waiting
    return loads.waiting * reads_of_a_miss(memory.data_cache, memory)


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
    return cycles
