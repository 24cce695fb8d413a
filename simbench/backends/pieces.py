"""Pieces of blocks put together again: what was counted apart and always ran on is one block.

An emulator that may leave a block at an access, or where a timer is due, counts it in pieces, and
which ones differs from run to run; what prices a block looks at instructions next to each other.
So every block is cut wherever another begins or ends, and what then always ran on is joined.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simbench.backends.sections import merge
from simbench.counts import Block, Counts, SectionCounts, TaskId
from simbench.isa.decode import decode_block

Array = NDArray[np.void]
_Place = tuple[tuple[int, TaskId], int]


def joined(counts: Counts) -> Counts:
    """``counts`` with blocks that do not depend on where the emulator left some: cut where another
    begins or ends, then each piece joined to the one that follows it in memory, where no branch
    leads from the first or to the second, and both were executed equally often in every section."""
    counts = _cut(counts)
    chains = _chains(counts)
    place = np.zeros(len(counts.blocks), np.uint32)
    offset = np.zeros(len(counts.blocks), np.uint32)
    for number, chain in enumerate(chains):
        place[chain] = number
        for before, index in pairwise(chain):
            offset[index] = offset[before] + len(counts.blocks[before].code)
    heads = np.array([chain[0] for chain in chains], np.intp)
    sections = [_renumbered(s, heads, place, offset) for s in (counts.inference, *counts.layers)]
    blocks = tuple(_block([counts.blocks[index] for index in chain]) for chain in chains)
    return replace(counts, blocks=blocks, inference=sections[0], layers=tuple(sections[1:]))


def _cut(counts: Counts) -> Counts:
    """``counts`` with each block cut at every address where another begins or ends."""
    ends = sorted({a for b in counts.blocks for a in (b.address, b.address + len(b.code))})
    number_of: dict[Block, int] = {}
    pieces = [
        [number_of.setdefault(piece, len(number_of)) for piece in _pieces(block, ends)]
        for block in counts.blocks
    ]
    if all(len(each) == 1 for each in pieces):
        return counts
    blocks = tuple(number_of)
    sections = [_of_pieces(s, pieces, blocks) for s in (counts.inference, *counts.layers)]
    return replace(counts, blocks=blocks, inference=sections[0], layers=tuple(sections[1:]))


def _pieces(block: Block, ends: Sequence[int]) -> list[Block]:
    """A block's parts between ``ends``, as far as these lie between two of its instructions."""
    first = bisect_right(ends, block.address)
    last = bisect_left(ends, block.address + len(block.code))
    wanted = {end - block.address for end in ends[first:last]}
    if not wanted:
        return [block]
    pieces, start, at, instructions = [], 0, 0, 0
    for instruction in decode_block(block.code):
        if at in wanted:
            pieces.append(_part(block, start, at, instructions))
            start, instructions = at, 0
        at += instruction.width
        instructions += 1
    return [*pieces, _part(block, start, len(block.code), instructions)]


def _part(block: Block, start: int, end: int, instructions: int) -> Block:
    address, code = block.address + start, block.code[start:end]
    return replace(block, address=address, code=code, instructions=instructions)


def _of_pieces(
    section: SectionCounts, pieces: Sequence[Sequence[int]], blocks: Sequence[Block]
) -> SectionCounts:
    """A section of the pieces: what a block's cache missed is its first one's."""
    executions = np.zeros(len(blocks), section.executions.dtype)
    for parts, count in zip(pieces, section.executions, strict=True):
        executions[list(parts)] += count
    first = np.array([parts[0] for parts in pieces], np.uint32)
    last = np.array([parts[-1] for parts in pieces], np.uint32)

    def between(rows: Array) -> Array:
        moved = rows.copy()
        moved["source"], moved["target"] = last[rows["source"]], first[rows["target"]]
        return merge([moved])

    def placed(rows: Array) -> Array:
        moved = rows.copy()
        for row in moved:
            for piece in pieces[row["block"]]:
                size = len(blocks[piece].code)
                if row["offset"] < size:
                    row["block"] = piece
                    break
                row["offset"] -= size
        return merge([moved])

    def of_first(rows: Array) -> Array:
        moved = rows.copy()
        moved["block"] = first[rows["block"]]
        return merge([moved])

    return SectionCounts(
        executions,
        between(section.edges),
        placed(section.accesses),
        {name: of_first(rows) for name, rows in section.cache_events.items()},
        None if section.splits is None else placed(section.splits),
        between(section.passages),
    )


def _chains(counts: Counts) -> Sequence[Sequence[int]]:
    """The indices of blocks that become one, in order of address."""
    blocks, sections = counts.blocks, (counts.inference, *counts.layers)
    sources = {int(i) for s in sections for i in s.edges["source"]}
    targets = {int(i) for s in sections for i in s.edges["target"]}
    starts: dict[_Place, list[int]] = {}
    ends: dict[_Place, list[int]] = {}
    for index, block in enumerate(blocks):
        starts.setdefault((block.owner, block.address), []).append(index)
        ends.setdefault(_end(block), []).append(index)

    def follower(index: int) -> int | None:
        end = _end(blocks[index])
        after = starts.get(end, [])
        if len(after) != 1 or len(ends[end]) != 1 or index in sources or after[0] in targets:
            return None
        is_equal = all(s.executions[index] == s.executions[after[0]] for s in sections)
        return after[0] if is_equal and not decode_block(blocks[index].code)[-1].writes_pc else None

    next_of = {index: follower(index) for index in range(len(blocks))}
    inner = set(next_of.values())
    return [_from(head, next_of) for head in range(len(blocks)) if head not in inner]


def _end(block: Block) -> _Place:
    return block.owner, block.address + len(block.code)


def _from(head: int, next_of: dict[int, int | None]) -> list[int]:
    chain, after = [head], next_of[head]
    while after is not None:
        chain.append(after)
        after = next_of[after]
    return chain


def _block(parts: Sequence[Block]) -> Block:
    code = b"".join(part.code for part in parts)
    instructions = sum(part.instructions for part in parts)
    return replace(parts[0], code=code, instructions=instructions)


def _renumbered(
    section: SectionCounts,
    heads: NDArray[np.intp],
    place: NDArray[np.uint32],
    offset: NDArray[np.uint32],
) -> SectionCounts:
    def within(rows: Array) -> Array:
        moved = rows.copy()
        if "offset" in (rows.dtype.names or ()):
            moved["offset"] += offset[rows["block"]]
        moved["block"] = place[rows["block"]]
        return merge([moved])

    def between(rows: Array) -> Array:
        moved = rows.copy()
        for end in ("source", "target"):
            moved[end] = place[rows[end]]
        return merge([moved])

    return SectionCounts(
        section.executions[heads],
        between(section.edges),
        within(section.accesses),
        {name: within(rows) for name, rows in section.cache_events.items()},
        None if section.splits is None else within(section.splits),
        between(section.passages),
    )
