"""Add up sections: the intervals of a window, the inferences of a layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simbench.counts import Counts, SectionCounts
from simbench.errors import InfrastructureError

Array = NDArray[np.void]


def merge(arrays: Iterable[Array]) -> Array:
    """Rows of ``arrays`` (of one dtype) with equal u4 fields added up, in order of those fields."""
    rows = np.concatenate(list(arrays))
    names = rows.dtype.names or ()
    keys = [n for n in names if rows.dtype[n] == np.dtype("<u4")]
    if len(rows) == 0:
        return rows
    rows = rows[np.lexsort([rows[k] for k in reversed(keys)])]
    first = np.ones(len(rows), bool)
    first[1:] = np.any([rows[k][1:] != rows[k][:-1] for k in keys], axis=0)
    starts = np.flatnonzero(first)
    merged: Array = rows[starts]
    for name in names:
        if name not in keys:
            merged[name] = np.add.reduceat(rows[name], starts)
    return merged


def add_sections(sections: Iterable[SectionCounts]) -> SectionCounts:
    """The sum of ``sections`` (at least one) over the same blocks and caches."""
    parts = list(sections)
    names = parts[0].cache_events
    return SectionCounts(
        np.sum([p.executions for p in parts], axis=0),
        merge(p.edges for p in parts),
        merge(p.accesses for p in parts),
        {name: merge(p.cache_events[name] for p in parts) for name in names},
        None if parts[0].splits is None else merge(p.splits for p in parts if p.splits is not None),
        merge(p.passages for p in parts),
    )


def fold_layers(counts: Counts, inferences: int) -> Counts:
    """``counts`` of a window of ``inferences``, each layer summed over them.

    Raises InfrastructureError if the layers executed are no multiple of the inferences.
    """
    layers = counts.layers
    if inferences < 1 or len(layers) % inferences:
        raise InfrastructureError(
            f"the firmware ran {len(layers)} layers in {inferences} inferences, which is no whole "
            "number each; measure one inference at a time"
        )
    each = len(layers) // inferences
    folded = tuple(add_sections(layers[k::each]) for k in range(each))
    return replace(counts, layers=folded, inferences=inferences)
