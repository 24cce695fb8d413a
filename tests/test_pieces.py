"""Pieces of a block put together again, worked out by hand."""

from __future__ import annotations

import numpy as np

from simbench.backends.pieces import joined
from simbench.counts import ACCESS, CACHE_EVENT, EDGE, Block, Counts, SectionCounts

LOAD, ADD, BRANCH = b"\x0b\x68", b"\x01\x33", b"\xfc\xd1"
"""``ldr r3, [r1]``, ``adds r3, #1`` and a ``bne`` to the load."""
START = 0x1000


def counts(
    executions: tuple[int, ...], edges: tuple[tuple[int, int, int], ...], *codes: bytes
) -> Counts:
    """Blocks one after another in memory; the last instruction of block 0 is loaded with once."""
    starts = np.cumsum([0, *(len(code) for code in codes)])
    blocks = tuple(
        Block(START + int(start), code, len(code) // 2)
        for start, code in zip(starts, codes, strict=False)
    )
    accesses = np.array([(0, 0, 4, 10), (1, 0, 4, 5)], ACCESS)
    events = {"flash": np.array([(0, 1, 2), (1, 3, 4)], CACHE_EVENT)}
    section = SectionCounts(np.array(executions), np.array([*edges], EDGE), accesses, events)
    return Counts(blocks, section, (), ())


def test_what_always_ran_on_is_one_block_again() -> None:
    apart = counts((10, 10), ((1, 0, 9),), LOAD, ADD + BRANCH)
    whole = joined(apart)
    assert whole.blocks == (Block(START, LOAD + ADD + BRANCH, 3),)
    assert whole.inference.executions.tolist() == [10]
    assert whole.inference.edges.tolist() == [(0, 0, 9)]
    assert whole.inference.accesses.tolist() == [(0, 0, 4, 10), (0, 2, 4, 5)]
    assert whole.inference.cache_events["flash"].tolist() == [(0, 4, 6)]
    assert whole.instructions(whole.inference) == apart.instructions(apart.inference)


def test_a_chain_of_pieces_is_one_block() -> None:
    whole = joined(counts((7, 7, 7), (), LOAD, ADD, ADD + BRANCH))
    assert [block.code for block in whole.blocks] == [LOAD + ADD + ADD + BRANCH]


def test_where_a_branch_leads_a_block_begins() -> None:
    apart = counts((10, 10), ((1, 1, 9),), LOAD, ADD + BRANCH)
    assert joined(apart).blocks == apart.blocks


def test_what_was_executed_unequally_stays_apart() -> None:
    apart = counts((10, 9), (), LOAD, ADD + BRANCH)
    assert joined(apart).blocks == apart.blocks


def test_where_an_emulator_left_a_block_does_not_matter() -> None:
    """Ten passes whole, or one of them in two pieces and the rest in two others."""
    whole = Block(START, LOAD + ADD + ADD + BRANCH, 4)
    head, tail = Block(START, LOAD, 1), Block(START + 2, ADD + ADD + BRANCH, 3)
    most, rest = Block(START, LOAD + ADD, 2), Block(START + 4, ADD + BRANCH, 2)
    one = in_blocks((whole,), (10,), [(0, 0, 9)], [(0, 2, 4, 10)])
    cut = in_blocks(
        (head, most, tail, rest), (1, 9, 1, 9), [(3, 1, 8), (3, 0, 1)], [(2, 0, 4, 1), (1, 2, 4, 9)]
    )
    for found in (joined(one), joined(cut)):
        assert found.blocks == (whole,)
        assert found.inference.executions.tolist() == [10]
        assert found.inference.edges.tolist() == [(0, 0, 9)]
        assert found.inference.accesses.tolist() == [(0, 2, 4, 10)]


def in_blocks(
    blocks: tuple[Block, ...],
    executions: tuple[int, ...],
    edges: list[tuple[int, int, int]],
    accesses: list[tuple[int, int, int, int]],
) -> Counts:
    parts = np.array(executions), np.array(edges, EDGE), np.array(accesses, ACCESS)
    return Counts(blocks, SectionCounts(*parts, {}), (), ())


def test_nothing_is_joined_behind_a_branch() -> None:
    apart = counts((10, 10), (), ADD + BRANCH, LOAD)
    assert joined(apart).blocks == apart.blocks
