"""Words that parts of a section moved between the core and its memories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simbench.catalog.platforms import Platform
from simbench.cost.cores.core import Core
from simbench.cost.features import features
from simbench.cost.groups import by_index
from simbench.counts import Counts, SectionCounts, Segment
from simbench.profiles.tree import AccessCount


def words_moved(
    counts: Counts, section: SectionCounts, platform: Platform, core: Core, groups: Sequence[int]
) -> dict[int, tuple[AccessCount, ...]]:
    """The words that each group of blocks moved, by segment; ``groups`` has a number a block."""
    numbers, of_block = np.unique(np.asarray(groups, np.int64), return_inverse=True)
    known, rows = features(counts.blocks, core), section.accesses
    is_load = known.code.loads[known.code.first_halfword[rows["block"]] + rows["offset"] // 2]
    cell = of_block[rows["block"]] * len(Segment) + rows["segment"]
    size = len(numbers) * len(Segment)
    loaded, stored = (
        by_index(cell[kept], rows["count"][kept], size).astype(np.int64).reshape(len(numbers), -1)
        for kept in (is_load, ~is_load)
    )
    return {
        number: tuple(
            AccessCount(s.name.lower(), platform.memory_of(s).name, int(loads[s]), int(stores[s]))
            for s in Segment
            if loads[s] or stores[s]
        )
        for number, loads, stores in zip(numbers.tolist(), loaded, stored, strict=True)
    }
