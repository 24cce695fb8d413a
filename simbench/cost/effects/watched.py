"""The events of a cache that a run was watched for, and what a miss reads and waits."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import Cache, Memory
from simbench.cost.bounds import Bounds
from simbench.counts import CacheGeometry, Counts, SectionCounts, Segment


def events(
    counts: Counts, section: SectionCounts, cache: Cache, segments: Iterable[Segment]
) -> list[NDArray[np.void]]:
    """The events of ``cache``, once for each phase at which its geometry was watched."""
    wanted = _geometry(cache, segments)
    return [
        section.cache_events[watched.name]
        for watched in counts.caches
        if _geometry(watched, watched.segments) == wanted and watched.name in section.cache_events
    ]


def _geometry(cache: Cache | CacheGeometry, segments: Iterable[Segment]) -> tuple[object, ...]:
    sector = cache.sector_bytes or cache.line_bytes
    size = (cache.lines, cache.line_bytes, cache.ways, sector)
    return (cache.kind, *size, cache.keeps_sequential, frozenset(segments))


def not_counted(cache: Cache) -> str:
    """The note on a cache whose events are not known."""
    return f"events of {cache.name} were not counted: its waits are between none and every one"


def between(upper: NDArray[np.float64]) -> Bounds:
    """Numbers of which no more is known than that they are between 0 and ``upper``: (n, 3)."""
    return np.stack([upper / 2, np.zeros_like(upper), upper], axis=-1)


def reads_of_a_miss(cache: Cache, memory: Memory) -> int:
    """Reads of ``memory`` that bring a sector of ``cache``."""
    return max(cache.sector_bytes // memory.width_bytes, 1)


def jump_wait(memory: Memory, wait_states: Bounds) -> Bounds:
    """A jump waits the wait states; with a prefetch under way perhaps for that first."""
    if not memory.prefetch:
        return wait_states
    waits: Bounds = wait_states * np.array([1.0, 1.0, 2.0])
    return waits
