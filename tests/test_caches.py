"""Caches of flash accelerators: sectors, lines that only jumps bring in, phases; and alignment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from firmware_stub import Work, build_stub, spec

from simbench.backends import backend
from simbench.backends.qemu.tool import find_tool
from simbench.counts import CacheGeometry, Counts, SectionCounts, Segment
from simbench.errors import UsageError
from simbench.firmware.image import Image
from simbench.session.conversation import converse

pytestmark = pytest.mark.emulator

CODE, WEIGHTS = Segment.CODE, Segment.WEIGHTS


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build_stub(tmp_path_factory.mktemp("stub"))


def counted(image: Image, work: tuple[int, ...], *caches: CacheGeometry) -> Counts:
    launch = replace(spec(image, work), caches=caches)
    with backend("qemu").launch(launch) as board:
        conversation = converse(board)
        conversation.load_bank(0)
        counts = conversation.infer().counts
    assert counts is not None
    return counts


def misses(image: Image, counts: Counts, name: str, function: str) -> tuple[int, int]:
    """Jump and sequential misses of cache ``name`` in the blocks of ``function``."""
    where = next(f for f in image.functions if f.name == function)
    rows = counts.layers[0].cache_events[name].tolist()
    end = where.start + where.size
    inside = [r for r in rows if where.start <= counts.blocks[r[0]].address < end]
    return sum(r[1] for r in inside), sum(r[2] for r in inside)


TURNS = 5
# a loop of four times 16 bytes, a branch into it before and a return behind
LOOP = [
    # all of it is kept: the branch and the loop are jumped to, the rest run into
    (CacheGeometry("c", "instruction", 16, 16, 16, (CODE,)), (2, 4)),
    (CacheGeometry("c", "instruction", 4, 64, 4, (CODE,), sector_bytes=16), (2, 4)),
    (CacheGeometry("c", "instruction", 4, 64, 4, (CODE,), sector_bytes=8), (2, 8)),
    # half a line on, the loop takes five lines and the return is in its last
    (CacheGeometry("c", "instruction", 16, 16, 16, (CODE,), phase_bytes=8), (2, 4)),
    # what is run into is read ahead, and never kept
    (
        CacheGeometry("c", "instruction", 16, 16, 16, (CODE,), keeps_sequential=False),
        (2, 3 * TURNS + 1),
    ),
    (
        CacheGeometry(
            "c", "instruction", 4, 64, 4, (CODE,), sector_bytes=8, keeps_sequential=False
        ),
        (2, 7 * TURNS + 1),
    ),
]


@pytest.mark.parametrize(("cache", "expected"), LOOP)
def test_a_loop_misses_as_its_cache_keeps_it(
    image: Image, cache: CacheGeometry, expected: tuple[int, int]
) -> None:
    counts = counted(image, (Work.LONG, TURNS), cache)
    assert misses(image, counts, "c", "work_long") == expected


@pytest.mark.parametrize(
    ("lines", "sector", "expected"),
    [(4, 32, (1, 3)), (4, 16, (1, 7)), (3, 32, (3, 9)), (3, 16, (3, 21))],
)
def test_a_data_cache_reads_a_sector_a_miss(
    image: Image, lines: int, sector: int, expected: tuple[int, int]
) -> None:
    """Eight times 16 bytes in order, three times over: four lines of 32 bytes, one after another
    but for the first of a turn."""
    cache = CacheGeometry("c", "data", lines, 32, lines, (WEIGHTS,), sector_bytes=sector)
    counts = counted(image, (Work.LINES, 8, 3), cache)
    assert misses(image, counts, "c", "work_lines") == expected


@pytest.mark.parametrize(("lines", "is_crowded"), [(4, True), (64, False)])
def test_code_and_data_take_each_others_lines_in_one_cache(
    image: Image, lines: int, is_crowded: bool
) -> None:
    """Four lines of data, three times over, and the code that reads them."""
    code = CacheGeometry("code", "instruction", lines, 32, lines, (CODE,))
    data = CacheGeometry("data", "data", lines, 32, lines, (WEIGHTS,))
    work = (Work.LINES, 8, 3)
    apart = counted(image, work, code, data)
    assert misses(image, apart, "data", "work_lines") == (1, 3)
    as_one = counted(image, work, code, replace(data, shares="code"))
    jumped, ran_on = misses(image, as_one, "data", "work_lines")
    assert (jumped + ran_on > 4) == is_crowded
    # code that is fetched in between lets the next line be read anew
    assert (jumped > 1) == is_crowded
    fetched = sum(misses(image, as_one, "code", "work_lines"))
    assert (fetched > sum(misses(image, apart, "code", "work_lines"))) == is_crowded


SHARED = [
    (CODE, WEIGHTS, {"lines": 4, "line_bytes": 16, "ways": 4}),
    (CODE, WEIGHTS, {"lines": 4, "line_bytes": 32, "ways": 2, "sector_bytes": 8}),
    (CODE, WEIGHTS, {"lines": 8, "line_bytes": 8, "ways": 1, "phase_bytes": 4}),
    (CODE, WEIGHTS, {"lines": 3, "line_bytes": 32, "ways": 3, "keeps_sequential": False}),
    (CODE, CODE, {"lines": 4, "line_bytes": 16, "ways": 2}),
]
WORKS = [(Work.LINES, 8, 3), (Work.LONG, TURNS), (Work.MISALIGNED,)]


def one_by_one(folder: Path) -> Path:
    """A QEMU whose blocks are of one instruction each."""
    tool = find_tool()
    how = "-singlestep" if tool.series < (8, 1) else "-accel tcg,one-insn-per-tb=on"
    program = folder / "qemu-system-arm"
    # that is no option of a QEMU without a machine, which only says what it is
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *-kernel*) set -- {how} "$@";; esac\nexec {tool.program} "$@"\n'
    )
    program.chmod(0o755)
    return program


def events(counts: Counts) -> list[dict[str, tuple[int, int]]]:
    """Of each section and cache, all its jump and sequential misses."""
    return [
        {
            name: (sum(r[1] for r in rows.tolist()), sum(r[2] for r in rows.tolist()))
            for name, rows in found.items()
        }
        for found in (section.cache_events for section in (counts.inference, *counts.layers))
    ]


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize(("code", "data", "shape"), SHARED)
def test_in_a_shared_cache_a_block_is_what_its_instructions_are(
    image: Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    work: tuple[int, ...],
    code: Segment,
    data: Segment,
    shape: dict[str, Any],
) -> None:
    first = CacheGeometry("code", "instruction", segments=(code,), **shape)
    second = CacheGeometry("data", "data", segments=(data,), shares="code", **shape)
    as_blocks = counted(image, work, first, second)
    monkeypatch.setenv("SIMBENCH_QEMU", str(one_by_one(tmp_path)))
    as_instructions = counted(image, work, first, second)
    assert len(as_instructions.blocks) > len(as_blocks.blocks)
    assert events(as_blocks) == events(as_instructions)


def splits(section: SectionCounts, counts: Counts) -> list[tuple[int, int]]:
    assert section.splits is not None
    return [(counts.blocks[r["block"]].address + r["offset"], r["count"]) for r in section.splits]


def test_misaligned_accesses_are_split(image: Image) -> None:
    cache = CacheGeometry("c", "data", 4, 32, 4, (WEIGHTS,))
    counts = counted(image, (Work.MISALIGNED,), cache)
    start = next(f for f in image.functions if f.name == "work_misaligned").start
    expected = [(0, 2), (4, 1), (8, 1), (20, 2), (24, 1)]
    assert splits(counts.layers[0], counts) == [(start + at, n) for at, n in expected]


def test_alignment_is_not_known_where_accesses_stand_for_others(image: Image) -> None:
    assert counted(image, (Work.MISALIGNED,)).inference.splits is None
    launch = replace(spec(image, (Work.MISALIGNED,)), grouping=False)
    with backend("qemu").launch(launch) as board:
        conversation = converse(board)
        conversation.load_bank(0)
        counts = conversation.infer().counts
    assert counts is not None
    assert counts.inference.splits is not None


@pytest.mark.parametrize(
    "wrong",
    [
        CacheGeometry("c", "data", 8, 32, 8, (CODE,), sector_bytes=12),
        CacheGeometry("c", "data", 8, 32, 8, (CODE,), sector_bytes=64),
        CacheGeometry("c", "data", 8, 128, 8, (CODE,), sector_bytes=4),
        CacheGeometry("c", "data", 8, 32, 8, (CODE,), phase_bytes=32),
        CacheGeometry("c", "data", 8, 32, 8, (CODE,), shares="another"),
    ],
)
def test_a_cache_that_cannot_be_is_refused(image: Image, wrong: CacheGeometry) -> None:
    with pytest.raises(UsageError, match="cache 'c'"):
        backend("qemu").launch(replace(spec(image), caches=(wrong,)))
