"""What a section asks of a machine, whatever the machine's numbers: added up once, priced often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import Platform
from simbench.cost.bounds import Bounds
from simbench.cost.cores.core import Core
from simbench.cost.cores.pipelines import pipeline
from simbench.cost.effects.accesses import accesses_of, code_bus_loads, other_memory, splits
from simbench.cost.effects.branches import mispredicted, taken
from simbench.cost.effects.code_reads import CodeReads, code_reads
from simbench.cost.effects.data_waits import Loads, loads_by_memory
from simbench.cost.effects.exceptions import PARAMETER, UNPRICED, passages_by_kind
from simbench.cost.features import features
from simbench.cost.groups import Groups
from simbench.counts import Counts, Passage, SectionCounts


@dataclass(frozen=True, eq=False, slots=True)
class Demand:
    """Sums over the blocks of each group of blocks: axis 0 of every array is the group.

    They depend on what a machine has and where, and on what its core takes for a run of
    instructions, but on no wait state, clock or energy. ``parts`` are cycles by
    :class:`~simbench.cost.cores.parts.Part`, ``energy_groups`` the same by group of instructions;
    ``moved`` and ``loads`` are by memory, and ``coverage`` is the share of the executed
    ``instructions`` that is known.
    """

    groups: Groups
    parts: NDArray[np.float64]
    energy_groups: NDArray[np.float64]
    other_memory: Bounds
    splits: NDArray[np.float64]
    taken: NDArray[np.float64]
    mispredicted: NDArray[np.float64]
    code_bus_loads: NDArray[np.float64]
    passages: NDArray[np.float64]
    passages_note: str | None
    moved: Mapping[str, NDArray[np.float64]]
    loads: Mapping[str, Loads]
    code: CodeReads
    instructions: NDArray[np.float64]
    coverage: NDArray[np.float64]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not known, each said once."""
        loads = (loads.note for loads in self.loads.values())
        said = (self.code.note, *loads, self.passages_note)
        return tuple(dict.fromkeys(note for note in said if note is not None))


def demand(
    counts: Counts, section: SectionCounts, platform: Platform, core: Core, groups: Groups
) -> Demand:
    """What ``section`` asks of ``platform`` with ``core``.

    What a taken branch costs is its source's group's, what is waited for the code there its
    target's.
    """
    known = features(counts.blocks, core)
    accesses = accesses_of(section, known, platform)
    blocks = np.flatnonzero(section.executions)
    times = section.executions[blocks]
    unknown = groups.total(blocks, times * known.code.unknown[blocks])
    executed = groups.total(blocks, times * known.code.instructions[blocks])
    return Demand(
        groups=groups,
        parts=groups.weighted(blocks, times, known.cycles[blocks]),
        energy_groups=groups.weighted(blocks, times, known.groups[blocks]),
        other_memory=other_memory(section, known, accesses, groups),
        splits=splits(section, known, groups),
        taken=taken(section, known, len(pipeline(core).refills()), groups),
        mispredicted=mispredicted(section, known, groups),
        code_bus_loads=code_bus_loads(known, accesses, platform, groups),
        passages=passages_by_kind(section, groups),
        passages_note=_unpriced(section, core),
        moved=accesses.moved(groups),
        loads=loads_by_memory(counts, section, known, accesses, platform, groups),
        code=code_reads(counts, section, known, platform, groups),
        instructions=executed,
        coverage=1.0 - unknown / np.maximum(executed, 1.0),
    )


def _unpriced(section: SectionCounts, core: Core) -> str | None:
    """A note where the pipeline of ``core`` says nothing of what occurred."""
    kinds = {Passage(kind) for kind in section.passages["kind"]}
    return None if all(PARAMETER[kind] in core.pipeline for kind in kinds) else UNPRICED
