"""What is read of the code: every line that is entered, or what its cache misses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import Cache, Memory, Platform
from simbench.cost.effects.exceptions import jumps_of
from simbench.cost.effects.flow import line_entries
from simbench.cost.effects.run_on import RunOn
from simbench.cost.effects.watched import events, not_counted, reads_of_a_miss
from simbench.cost.features import Features
from simbench.cost.groups import Groups, by_index, owners
from simbench.counts import Counts, SectionCounts, Segment


@dataclass(frozen=True, eq=False, slots=True)
class Phase:
    """What is read of code, for one way that it may lie in lines.

    ``jumps`` are reads that a jump waits for, ``reads`` all of them, by group; ``run_on`` says how
    often each of the fetched blocks runs on into its next read.
    """

    jumps: NDArray[np.float64]
    reads: NDArray[np.float64]
    run_on: NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class CodeReads:
    """What a section reads of its code.

    The truth is between the ``phases``; those of ``floor`` only the lower bound holds. ``run_on``
    has the fetched blocks, and what each executes of as much code as a read brings. Where the
    events of a cache were not counted, ``note`` says so: any number of the one phase's reads may be
    waited for.
    """

    run_on: RunOn
    phases: tuple[Phase, ...]
    floor: tuple[Phase, ...] = ()
    note: str | None = None


def code_reads(
    counts: Counts, section: SectionCounts, known: Features, platform: Platform, groups: Groups
) -> CodeReads:
    """What ``section`` reads from the memory that ``platform`` has the code in."""
    memory = platform.memory_of(Segment.CODE)
    cache = memory.instruction_cache
    if cache is None:
        return _every_line(section, known, memory.width_bytes, groups)
    watched = events(counts, section, cache, (Segment.CODE,))
    if not watched:
        every = _every_line(section, known, cache.sector_bytes, groups)
        return replace(every, note=not_counted(cache))
    everything = []
    if not cache.keeps_sequential:
        all_kept = replace(cache, keeps_sequential=True)
        everything = events(counts, section, all_kept, (Segment.CODE,))
    return _missed(watched, everything, known, memory, cache, groups)


def _every_line(
    section: SectionCounts, known: Features, read_bytes: int, groups: Groups
) -> CodeReads:
    """Every line that is entered is read."""
    entries = line_entries(section, known, read_bytes)
    jumps = sum(
        (
            groups.total(owners(section, "target", rows), rows["count"])
            for rows in (section.edges, jumps_of(section))
        ),
        np.zeros(groups.count),
    )
    blocks, place = np.unique(entries.block, return_inverse=True)
    phase = Phase(
        jumps=jumps,
        reads=jumps + groups.total(entries.block, entries.count),
        run_on=by_index(place, entries.count, len(blocks)),
    )
    return CodeReads(_run_on(known, blocks, read_bytes, groups), (phase,))


def _missed(
    watched: list[NDArray[np.void]],
    everything: list[NDArray[np.void]],
    known: Features,
    memory: Memory,
    cache: Cache,
    groups: Groups,
) -> CodeReads:
    """What misses is read.

    Where a sector takes several reads, the one that is wanted comes first. Running on goes through
    all of them, a jump through half of the others.
    """
    reads = reads_of_a_miss(cache, memory)
    read_bytes = min(cache.sector_bytes, memory.width_bytes)
    blocks = np.unique(np.concatenate([e["block"] for e in (*watched, *everything)]))
    blocks = blocks.astype(np.int64)

    def phase(misses: NDArray[np.void]) -> Phase:
        jumps = misses["jump_misses"].astype(np.float64)
        sequential = misses["sequential_misses"].astype(np.float64)
        run_on = sequential * reads + jumps * (reads - 1) / 2
        return Phase(
            jumps=groups.total(misses["block"], jumps),
            reads=groups.total(misses["block"], jumps + sequential) * reads,
            run_on=by_index(np.searchsorted(blocks, misses["block"]), run_on, len(blocks)),
        )

    phases, floor = (tuple(phase(e) for e in found) for found in (watched, everything))
    return CodeReads(_run_on(known, blocks, read_bytes, groups), phases, floor)


def _run_on(known: Features, blocks: NDArray[np.int64], read_bytes: int, groups: Groups) -> RunOn:
    cycles = known.total[blocks] * (read_bytes / known.code.size[blocks])[:, np.newaxis]
    # the slowest code hides most of a read: the bounds change places
    return RunOn(groups, read_bytes, blocks, cycles[:, [0, 2, 1]])
