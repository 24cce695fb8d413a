"""What pricing needs of the code of every block, whatever the core: worked out once for a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import ENERGY_GROUPS
from simbench.counts import Block
from simbench.isa.decode import decode_block
from simbench.isa.instruction import LOADS, STORES, Instruction, InstructionClass

_BLOCKS_KEPT = 1 << 13
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
class Code:
    """The bytes and instructions of every block, and arrays over the blocks of a run.

    ``first`` is the place of a block's first instruction among those of all blocks, which
    ``groups`` has the energy group of. ``loads`` says of each halfword of code whether a load
    starts there, and ``load_words`` how many words it brings; a block's halfwords begin at
    ``first_halfword``. ``misaligned`` is 1 where a block starts with a wide instruction across two
    words.
    """

    encoded: tuple[bytes, ...]
    decoded: tuple[tuple[Instruction, ...], ...]
    start: NDArray[np.int64]
    size: NDArray[np.int64]
    first: NDArray[np.int64]
    instructions: NDArray[np.int64]
    unknown: NDArray[np.int64]
    misaligned: NDArray[np.int64]
    groups: NDArray[np.int64]
    loads: NDArray[np.bool_]
    load_words: NDArray[np.int64]
    first_halfword: NDArray[np.int64]


def code_of(blocks: Sequence[Block]) -> Code:
    """The code of ``blocks``, decoded."""
    decoded = tuple(decode_block(block.code) for block in blocks)
    count = len(decoded)
    start = np.fromiter((b.address for b in blocks), np.int64, count)
    size = np.fromiter((len(b.code) for b in blocks), np.int64, count)
    length = np.fromiter(map(len, decoded), np.int64, count)
    wide = np.fromiter((run[0].width == 4 for run in decoded), np.bool_, count)
    kinds = [instruction.kind for run in decoded for instruction in run]
    groups = [ENERGY_GROUPS.index(_GROUP_OF.get(kind, "other")) for kind in kinds]
    first = np.cumsum(length) - length
    is_unknown = np.array([kind is InstructionClass.UNKNOWN for kind in kinds], np.int64)
    words = np.concatenate([np.zeros(0, np.int64), *(_load_words(b.code) for b in blocks)])
    return Code(
        encoded=tuple(block.code for block in blocks),
        decoded=decoded,
        start=start,
        size=size,
        first=first,
        instructions=length,
        unknown=np.add.reduceat(is_unknown, first) if count else length,
        misaligned=(wide & (start % 4 != 0)).astype(np.int64),
        groups=np.array(groups, np.int64),
        loads=words > 0,
        load_words=words,
        first_halfword=np.cumsum(size // 2) - size // 2,
    )


@lru_cache(maxsize=_BLOCKS_KEPT)
def _load_words(code: bytes) -> NDArray[np.int64]:
    """Of each halfword of a block, the words that a load which starts there brings."""
    run = decode_block(code)
    ends = list(accumulate(instruction.width // 2 for instruction in run))
    loads = np.zeros(ends[-1], np.int64)
    for end, instruction in zip(ends, run, strict=True):
        if instruction.memory is not None and instruction.memory.is_load:
            loads[end - instruction.width // 2] = max(instruction.memory.words, 1)
    return loads
