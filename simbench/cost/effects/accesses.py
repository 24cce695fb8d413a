"""Loads and stores by where they go, and what that takes beyond their own cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import Platform
from simbench.cost.bounds import Bounds
from simbench.cost.features import Features
from simbench.cost.groups import Groups, Indices, by_index
from simbench.counts import SectionCounts, Segment

_WORD = 4


@dataclass(frozen=True, eq=False, slots=True)
class Accesses:
    """The accesses of a section, a row for each instruction and segment.

    ``halfword`` is where the instruction is in the run's code; ``memory`` is an index of
    ``memories``.
    """

    memories: tuple[str, ...]
    block: Indices
    halfword: NDArray[np.int64]
    memory: NDArray[np.int64]
    is_load: NDArray[np.bool_]
    count: NDArray[np.int64]

    def moved(self, groups: Groups) -> dict[str, NDArray[np.float64]]:
        """Words loaded or stored, by memory, then by group."""
        return {
            name: self._words(self.memory == index, groups)
            for index, name in enumerate(self.memories)
        }

    def loaded(self, groups: Groups) -> dict[str, NDArray[np.float64]]:
        """Words loaded, by memory, then by group; memories that nothing is loaded from left out."""
        words = {
            name: self._words((self.memory == index) & self.is_load, groups)
            for index, name in enumerate(self.memories)
        }
        return {name: loaded for name, loaded in words.items() if loaded.any()}

    def _words(self, rows: NDArray[np.bool_], groups: Groups) -> NDArray[np.float64]:
        return groups.total(self.block[rows], self.count[rows])


def accesses_of(section: SectionCounts, known: Features, platform: Platform) -> Accesses:
    """The accesses of ``section`` by the memories of ``platform``."""
    names = tuple(platform.memories)
    index = np.array([names.index(platform.memory_of(s).name) for s in Segment])
    rows = section.accesses
    halfword = known.code.first_halfword[rows["block"]] + rows["offset"] // 2
    return Accesses(
        memories=names,
        block=rows["block"],
        halfword=halfword,
        memory=index[rows["segment"]],
        is_load=known.code.loads[halfword],
        count=rows["count"].astype(np.int64),
    )


def other_memory(
    section: SectionCounts, known: Features, accesses: Accesses, groups: Groups
) -> Bounds:
    """Cycles that accesses lose which do not overlap the one before, as it went elsewhere.

    By group: (groups, 3).
    """
    pairs = np.flatnonzero(section.executions[known.pair_block])
    if not len(pairs):
        return np.zeros((groups.count, 3))
    block = known.pair_block[pairs]
    shares = _shares(accesses, len(known.code.loads), known.pair_halfwords[pairs])
    # an instruction that goes to two memories meets its neighbour there as often as it can
    apart = np.maximum(shares[:, 0] - shares[:, 1], 0.0).sum(axis=1)
    return groups.weighted(block, section.executions[block] * apart, known.pair_cycles[pairs])


def _shares(accesses: Accesses, code: int, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of the accesses at each of ``places``, the share that goes to each memory.

    Places are below ``code``, the number of halfwords.
    """
    columns = len(accesses.memories)
    cell = accesses.halfword * columns + accesses.memory
    count = by_index(cell, accesses.count, code * columns).reshape(code, columns)[places]
    shares: NDArray[np.float64] = count / np.maximum(count.sum(axis=-1, keepdims=True), 1.0)
    return shares


def splits(section: SectionCounts, known: Features, groups: Groups) -> NDArray[np.float64]:
    """Bus accesses of misaligned loads and of misaligned stores beyond the first: (groups, 2)."""
    rows = section.splits
    if rows is None:
        return np.zeros((groups.count, 2))
    is_load = known.code.loads[known.code.first_halfword[rows["block"]] + rows["offset"] // 2]
    kinds = (groups.total(rows["block"][k], rows["count"][k]) for k in (is_load, ~is_load))
    return np.stack(list(kinds), axis=1)


def misaligned(split: NDArray[np.float64], pipeline: Mapping[str, Bounds]) -> Bounds:
    """Cycles of the further bus accesses that misaligned loads and stores take: (rows, 3)."""
    if "split_access" not in pipeline:
        return np.zeros((len(split), 3))
    loads, stores = split[:, [0]], split[:, [1]]
    total: Bounds = loads * pipeline["split_access"] + stores * pipeline["split_store"]
    return total


def code_bus_loads(
    known: Features, accesses: Accesses, platform: Platform, groups: Groups
) -> NDArray[np.float64]:
    """Loads from where the code is, each by how much its block's own fetches need that bus.

    That is the share of its cycles in which a block fetches a word. The words of one instruction
    follow each other on the bus in cycles that it takes anyway: the fetch waits once.
    """
    code = accesses.memories.index(platform.memory_of(Segment.CODE).name)
    from_code = (accesses.memory == code) & accesses.is_load
    block = accesses.block[from_code]
    cycles = np.maximum(known.total[block, 0], 1.0)
    needed = np.minimum(known.code.size[block] / _WORD / cycles, 1.0)
    words = known.code.load_words[accesses.halfword[from_code]]
    return groups.total(block, accesses.count[from_code] / words * needed)


def code_bus(loads: NDArray[np.float64], pipeline: Mapping[str, Bounds]) -> Bounds:
    """Cycles that fetches wait for loads of constants, where both go over one bus: (rows, 3).

    Cores with a bus for each, or one that their loads' cycles count already, have no parameter
    "code_bus".
    """
    total: Bounds = loads[:, np.newaxis] * pipeline.get("code_bus", np.zeros((1, 3)))
    return total
