"""Groups of blocks: what is counted by block, added up by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.counts import SectionCounts

Indices = NDArray[np.integer[Any]]


def by_index(index: Indices, amounts: NDArray[Any], length: int) -> NDArray[np.float64]:
    """``amounts`` added up by their ``index``: (length,)."""
    return np.bincount(index, amounts, length).astype(np.float64, copy=False)


@dataclass(frozen=True, eq=False, slots=True)
class Groups:
    """The group of every block of a run: a row, below ``count``, of what is added up."""

    of_block: NDArray[np.int64]
    count: int

    def total(self, blocks: Indices, times: NDArray[Any]) -> NDArray[np.float64]:
        """``times`` added up by the group of ``blocks``: (count,)."""
        if self.count == 1:
            return np.array([times.sum()], np.float64)
        return by_index(self.of_block[blocks], times, self.count)

    def weighted(
        self, blocks: Indices, times: NDArray[Any], each: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The rows of ``each`` by so many ``times``, added up by the group of ``blocks``.

        ``each`` is (len(blocks), ...); the sums are (count, ...).
        """
        times, shape = times.astype(np.float64), each.shape[1:]
        width = prod(shape)
        each = each.reshape(len(times), width)
        if self.count == 1:
            found = times @ each
        else:
            cells = self.of_block[blocks][:, np.newaxis] * width + np.arange(width)
            amounts = times[:, np.newaxis] * each
            found = by_index(cells.ravel(), amounts.ravel(), self.count * width)
        return found.reshape(self.count, *shape)


def all_blocks(count: int) -> Groups:
    """All of so many blocks as one group."""
    return Groups(np.zeros(count, np.int64), 1)


def executed_groups(
    section: SectionCounts, numbers: Sequence[int]
) -> tuple[NDArray[np.int64], Groups]:
    """Groups by a number for each block: the numbers executed, each once and sorted; their rows."""
    executed = section.executions > 0
    found, rows = np.unique(np.asarray(numbers, np.int64)[executed], return_inverse=True)
    of_block = np.zeros(len(executed), np.int64)
    of_block[executed] = rows
    return found, Groups(of_block, len(found))


def owners(section: SectionCounts, end: str, rows: NDArray[np.void] | None = None) -> Indices:
    """The block that each taken edge, or each of ``rows``, is put down to: its "source" or
    "target".

    One that enters or leaves the section is that of its end inside.
    """
    rows = section.edges if rows is None else rows
    other = "target" if end == "source" else "source"
    first, second = rows[end], rows[other]
    found: Indices = np.where(section.executions[first] > 0, first, second)
    return found
