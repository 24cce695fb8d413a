"""What pricing needs of every block on a core: its code, and what that takes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import ENERGY_GROUPS
from simbench.cost.code import Code, code_of
from simbench.cost.cores.core import Core
from simbench.cost.cores.parts import Pair, Part
from simbench.cost.cores.pipelines import Pairing, Predicting, pipeline
from simbench.cost.groups import by_index
from simbench.counts import Block
from simbench.isa.decode import decode_block

_KEPT = 8
_CORES_KEPT = 1 << 12
_BLOCKS_KEPT = 1 << 13
_NOT_OF_BLOCKS = ("refill_", "split_", "code_bus", "fetch_queue", "misprediction", "exception_")
_Found = TypeVar("_Found")


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """Arrays over the blocks of a run; their ``code`` is the same on every core.

    ``cycles`` is (blocks, len(Part), 3): value, lower, upper; ``groups`` is the same cycles as
    (blocks, energy groups, 3), and ``total`` their sum, (blocks, 3). ``refill`` is the kind of a
    taken branch out of the block, ``conditional`` that of the branches that may be predicted wrong.
    The accesses at the two halfwords of a row of ``pair_halfwords``, in the block ``pair_block``,
    take ``pair_cycles`` (value, lower, upper) more where they go to different memories.
    """

    code: Code
    cycles: NDArray[np.float64]
    groups: NDArray[np.float64]
    total: NDArray[np.float64]
    refill: NDArray[np.int64]
    conditional: int | None
    pair_block: NDArray[np.int64]
    pair_halfwords: NDArray[np.int64]
    pair_cycles: NDArray[np.float64]


class _Recent(Generic[_Found]):
    """What was found out of the blocks of the last few runs."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[tuple[Block, ...], _Found]] = OrderedDict()

    def get(
        self, blocks: tuple[Block, ...], detail: Hashable, find: Callable[[], _Found]
    ) -> _Found:
        key = (id(blocks), detail)
        kept = self._kept.get(key)
        if kept is None:
            # the blocks are kept too, so that their id stays theirs
            kept = self._kept[key] = (blocks, find())
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return kept[1]


_codes: _Recent[Code] = _Recent()
_features: _Recent[Features] = _Recent()


@lru_cache(maxsize=_CORES_KEPT)
def pace(core: Core) -> str:
    """The numbers that decide what a run of instructions takes; equal where that is the same."""
    own = {n: q for n, q in core.pipeline.items() if not n.startswith(_NOT_OF_BLOCKS)}
    numbers = [(n, q.value, q.lower, q.upper) for n, q in (*core.cycles.items(), *own.items())]
    return f"{core.pipeline_class} {numbers}"


def features(blocks: tuple[Block, ...], core: Core) -> Features:
    """The features of ``blocks`` on ``core``; those of the last few runs are kept."""
    return _features.get(
        blocks,
        pace(core),
        lambda: features_of(_codes.get(blocks, None, lambda: code_of(blocks)), core),
    )


def features_of(code: Code, core: Core) -> Features:
    """The features of ``code`` on ``core``, worked out."""
    pricing, alignment = pipeline(core), (code.start % 4).tolist()
    count = len(code.decoded)
    runs = [_run(core, *run) for run in zip(code.encoded, alignment, strict=True)]
    each = np.concatenate([np.zeros((0, len(Part), 3)), *(cycles for cycles, _ in runs)])
    pair_block, pair_halfwords, pair_cycles = _pairs(code, [pairs for _, pairs in runs])
    cycles = np.add.reduceat(each, code.first, axis=0)
    return Features(
        code=code,
        cycles=cycles,
        groups=_by_group(code, each.sum(axis=1)),
        total=cycles.sum(axis=1),
        refill=np.fromiter((pricing.refill(run[-1]) for run in code.decoded), np.int64, count),
        conditional=pricing.conditional if isinstance(pricing, Predicting) else None,
        pair_block=pair_block,
        pair_halfwords=pair_halfwords,
        pair_cycles=pair_cycles,
    )


@lru_cache(maxsize=_BLOCKS_KEPT)  # benchmarks share most of their code
def _run(core: Core, code: bytes, alignment: int) -> tuple[NDArray[np.float64], Sequence[Pair]]:
    """The cycles of each instruction of a block, and its pairs of overlapping accesses."""
    pricing, run = pipeline(core), decode_block(code)
    pairs = pricing.pairs(run, alignment) if isinstance(pricing, Pairing) else ()
    return pricing.cycles(run, alignment), pairs


def _by_group(code: Code, each: NDArray[np.float64]) -> NDArray[np.float64]:
    """What ``each`` instruction takes, (instructions, 3), by block and energy group."""
    block = np.repeat(np.arange(len(code.decoded)), code.instructions)
    cell = (block * len(ENERGY_GROUPS) + code.groups)[:, np.newaxis] * 3 + np.arange(3)
    shape = (len(code.decoded), len(ENERGY_GROUPS), 3)
    return by_index(cell.ravel(), each.ravel(), int(np.prod(shape))).reshape(shape)


def _pairs(
    code: Code, pairs: Sequence[Sequence[Pair]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The block, the two halfwords and the cycles of every pair of overlapping accesses."""
    found = [(block, pair) for block, of_block in enumerate(pairs) for pair in of_block]
    block = np.array([block for block, _ in found], np.int64)
    places = np.array([(p.first // 2, p.second // 2) for _, p in found], np.int64).reshape(-1, 2)
    return (
        block,
        places + code.first_halfword[block][:, np.newaxis],
        np.array([pair.cycles for _, pair in found]).reshape(-1, 3),
    )
