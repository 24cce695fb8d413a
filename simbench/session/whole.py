"""Whether kept counts are whole: of one another's shapes, and of nothing that is not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.counts import ACCESS, CACHE_EVENT, EDGE, PASSAGE, SPLIT, Counts, SectionCounts

_BLOCKS = ("block", "source", "target")


def are_whole(counts: Counts) -> bool:
    """Whether every section of ``counts`` has arrays of its types, whose blocks are there."""
    blocks = len(counts.blocks)
    return all(_is_whole(section, blocks) for section in (counts.inference, *counts.layers))


def are_events(sections: Sequence[Sequence[NDArray[Any]]], counts: Counts, caches: int) -> bool:
    """Whether ``sections`` are events of so many ``caches`` in each section of ``counts``."""
    blocks = len(counts.blocks)
    return len(sections) == 1 + len(counts.layers) and all(
        len(arrays) == caches and all(_is_of(array, CACHE_EVENT, blocks) for array in arrays)
        for arrays in sections
    )


def _is_whole(section: SectionCounts, blocks: int) -> bool:
    executions, splits = section.executions, section.splits
    return (
        executions.dtype == np.int64
        and len(executions) == blocks
        and _is_of(section.edges, EDGE, blocks)
        and _is_of(section.accesses, ACCESS, blocks)
        and (splits is None or _is_of(splits, SPLIT, blocks))
        and _is_of(section.passages, PASSAGE, blocks)
    )


def _is_of(array: NDArray[Any], kind: np.dtype[Any], blocks: int) -> bool:
    names = [name for name in _BLOCKS if name in (kind.names or ())]
    return array.dtype == kind and all((array[name] < blocks).all() for name in names)
