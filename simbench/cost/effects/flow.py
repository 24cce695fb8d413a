"""Where execution went: lines of code entered by running on, and lines that jumps lead to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.cost.effects.exceptions import jumps_of
from simbench.cost.features import Features
from simbench.counts import SectionCounts


@dataclass(frozen=True, eq=False, slots=True)
class LineEntries:
    """Entries into lines of code by running on from the line before, one row a line of a block.

    ``block`` is the block that ran on, ``count`` how often.
    """

    block: NDArray[np.int64]
    count: NDArray[np.int64]


def line_entries(section: SectionCounts, features: Features, line_bytes: int) -> LineEntries:
    """The entries of ``section`` into lines of ``line_bytes``."""
    executed = np.flatnonzero(section.executions)
    start, size = features.code.start[executed], features.code.size[executed]
    first, last = start // line_bytes, (start + size - 1) // line_bytes
    count = section.executions[executed]
    fell_in = np.where(start % line_bytes == 0, count - _jumped_in(section)[executed], 0)
    inner = last - first
    return LineEntries(
        block=np.concatenate([executed, np.repeat(executed, inner)]),
        count=np.concatenate([np.maximum(fell_in, 0), np.repeat(count, inner)]),
    )


def _jumped_in(section: SectionCounts) -> NDArray[np.int64]:
    jumped = np.zeros(len(section.executions))
    for rows in (section.edges, jumps_of(section)):
        jumped += np.bincount(rows["target"], rows["count"], len(jumped))
    return jumped.astype(np.int64)
