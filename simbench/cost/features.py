"""What pricing needs of every block, worked out once per encoding and kept."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simbench.cost.core import Core
from simbench.cost.parts import Part
from simbench.cost.pipelines import Pairing, pipeline
from simbench.counts import Block
from simbench.isa.decode import decode_block
from simbench.isa.instruction import LOADS, STORES, InstructionClass
from simbench.platforms import ENERGY_GROUPS

_KEPT = 4
_GROUP_OF = {
    InstructionClass.ALU: "alu",
    InstructionClass.IF_THEN: "alu",
    InstructionClass.MULTIPLY: "multiply",
    InstructionClass.DIVIDE: "divide",
    **dict.fromkeys(LOADS | STORES, "load_store"),
    InstructionClass.BRANCH: "branch",
    InstructionClass.BRANCH_CONDITIONAL: "branch",
    InstructionClass.CALL: "branch",
    InstructionClass.BRANCH_INDIRECT: "branch",
    InstructionClass.TABLE_BRANCH: "branch",
    InstructionClass.FLOAT: "float",
    InstructionClass.FLOAT_MOVE: "float",
    InstructionClass.FLOAT_MULTIPLY_ACCUMULATE: "float",
    InstructionClass.FLOAT_DIVIDE: "float",
    InstructionClass.FLOAT_STATUS: "float",
}


@dataclass(frozen=True, eq=False, slots=True)
class _Row:
    """One block's features; of its address only the alignment matters."""

    cycles: NDArray[np.float64]
    groups: NDArray[np.float64]
    instructions: int
    unknown: int
    refill: int
    starts_wide: bool
    loads: NDArray[np.bool_]
    pair_halfwords: NDArray[np.int64]
    pair_cycles: NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """Arrays over the blocks of a run.

    ``cycles`` is (blocks, len(Part), 3): value, lower, upper; ``groups`` is the same cycles as
    (blocks, energy groups, 3). ``loads`` says of each halfword of code whether a load starts there;
    a block's halfwords begin at ``first_halfword``. The accesses at the two halfwords of a row of
    ``pair_halfwords``, in the block ``pair_block``, take ``pair_cycles`` (value, lower, upper) more
    where they go to different memories.
    """

    start: NDArray[np.int64]
    size: NDArray[np.int64]
    instructions: NDArray[np.int64]
    unknown: NDArray[np.int64]
    cycles: NDArray[np.float64]
    groups: NDArray[np.float64]
    refill: NDArray[np.int64]
    misaligned: NDArray[np.int64]
    loads: NDArray[np.bool_]
    first_halfword: NDArray[np.int64]
    pair_block: NDArray[np.int64]
    pair_halfwords: NDArray[np.int64]
    pair_cycles: NDArray[np.float64]


_recent: OrderedDict[tuple[int, int], tuple[tuple[Block, ...], Core, Features]] = OrderedDict()


def features(blocks: tuple[Block, ...], core: Core) -> Features:
    """The features of ``blocks`` on ``core``; those of the last few runs are kept."""
    key = (id(blocks), id(core))
    kept = _recent.get(key)
    if kept is None:
        # the blocks and the core are kept too, so that their ids stay theirs
        kept = _recent[key] = (blocks, core, _features(blocks, core))
        if len(_recent) > _KEPT:
            _recent.popitem(last=False)
    return kept[2]


def _features(blocks: tuple[Block, ...], core: Core) -> Features:
    rows = [_row(block.code, block.address % 4, core) for block in blocks]
    size = np.fromiter((len(b.code) for b in blocks), np.int64, len(blocks))
    start = np.fromiter((b.address for b in blocks), np.int64, len(blocks))
    wide = np.fromiter((r.starts_wide for r in rows), np.bool_, len(rows))
    first_halfword = np.cumsum(size // 2) - size // 2
    pair_block = np.repeat(np.arange(len(rows)), [len(r.pair_cycles) for r in rows])
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *(r.pair_halfwords for r in rows)])
    return Features(
        start=start,
        size=size,
        instructions=np.fromiter((r.instructions for r in rows), np.int64, len(rows)),
        unknown=np.fromiter((r.unknown for r in rows), np.int64, len(rows)),
        cycles=np.array([r.cycles for r in rows]).reshape(len(rows), len(Part), 3),
        groups=np.array([r.groups for r in rows]).reshape(len(rows), len(ENERGY_GROUPS), 3),
        refill=np.fromiter((r.refill for r in rows), np.int64, len(rows)),
        misaligned=(wide & (start % 4 != 0)).astype(np.int64),
        loads=np.concatenate([np.zeros(0, np.bool_), *(r.loads for r in rows)]),
        first_halfword=first_halfword,
        pair_block=pair_block,
        pair_halfwords=pairs + first_halfword[pair_block][:, None],
        pair_cycles=np.concatenate([np.zeros((0, 3)), *(r.pair_cycles for r in rows)]),
    )


@cache
def _row(code: bytes, alignment: int, core: Core) -> _Row:
    instructions = decode_block(code)
    kinds = [i.kind for i in instructions]
    pricing = pipeline(core)
    cycles = pricing.cycles(instructions, alignment)
    groups = np.zeros((len(ENERGY_GROUPS), 3))
    for kind, each in zip(kinds, cycles.sum(axis=1), strict=True):
        groups[ENERGY_GROUPS.index(_GROUP_OF.get(kind, "other"))] += each
    loads = np.zeros(len(code) // 2, np.bool_)
    offset = 0
    for instruction in instructions:
        loads[offset // 2] = instruction.memory is not None and instruction.memory.is_load
        offset += instruction.width
    pairs = pricing.pairs(instructions, alignment) if isinstance(pricing, Pairing) else ()
    return _Row(
        cycles=cycles.sum(axis=0),
        groups=groups,
        instructions=len(instructions),
        unknown=kinds.count(InstructionClass.UNKNOWN),
        refill=pricing.refill(instructions[-1]),
        starts_wide=instructions[0].width == 4,
        loads=loads,
        pair_halfwords=np.array([(p.first // 2, p.second // 2) for p in pairs], np.int64).reshape(
            -1, 2
        ),
        pair_cycles=np.array([p.cycles for p in pairs]).reshape(-1, 3),
    )
