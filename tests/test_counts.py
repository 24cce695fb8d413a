"""What the plugin counts, against routines worked out by hand (tests/firmware_stub/work.S)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
from firmware_stub import Work, build_stub, programs, spec

from simbench.backends import LaunchSpec, backend
from simbench.counts import CacheGeometry, Counts, SectionCounts, Segment
from simbench.errors import UsageError
from simbench.firmware.image import Function, Image
from simbench.session.conversation import converse

pytestmark = pytest.mark.emulator

CODE, WEIGHTS, STATIC, ARENA = Segment.CODE, Segment.WEIGHTS, Segment.STATIC, Segment.ARENA
SHORT = (Work.COPY, Work.KINDS, Work.CONDITIONAL, Work.PAGE, Work.BASES, Work.TABLE)


@dataclass(frozen=True)
class Routine:
    """What a section executed in one routine; accesses by (offset in the routine, segment)."""

    instructions: int
    accesses: dict[tuple[int, Segment], int]
    taken_within: int


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build_stub(tmp_path_factory.mktemp("stub"))


def windows(launch: LaunchSpec, inferences: int = 1) -> list[Counts]:
    """The counts of one window for each entry of the bank."""
    entries = len(launch.blobs[0].data) // 4
    found = []
    with backend("qemu").launch(launch) as board:
        conversation = converse(board)
        for index in range(entries):
            conversation.load_bank(index)
            counts = conversation.infer(inferences).counts
            assert counts is not None
            found.append(counts)
    return found


def routine(image: Image, counts: Counts, section: SectionCounts, name: str) -> Routine:
    function = next(f for f in image.functions if f.name == name)
    inside = [_holds(function, block.address) for block in counts.blocks]
    executed = zip(counts.blocks, section.executions.tolist(), inside, strict=True)
    accesses: Counter[tuple[int, Segment]] = Counter()
    for block, offset, segment, count in section.accesses.tolist():
        at = counts.blocks[block].address + offset
        if _holds(function, at):
            accesses[at - function.start, Segment(segment)] += count
    taken = sum(n for s, t, n in section.edges.tolist() if inside[s] and inside[t])
    return Routine(sum(b.instructions * n for b, n, yes in executed if yes), dict(accesses), taken)


def _holds(function: Function, address: int) -> bool:
    return function.start <= address < function.start + function.size


def same(a: Counts, b: Counts) -> bool:
    pairs = zip((a.inference, *a.layers), (b.inference, *b.layers), strict=True)
    return a.blocks == b.blocks and all(
        np.array_equal(x.executions, y.executions)
        and np.array_equal(x.edges, y.edges)
        and np.array_equal(x.accesses, y.accesses)
        for x, y in pairs
    )


@pytest.fixture(scope="module")
def short(image: Image) -> dict[Work, Counts]:
    return dict(zip(SHORT, windows(spec(image, *((work,) for work in SHORT))), strict=True))


EXPECTED = {
    Work.COPY: Routine(
        402, {(0, STATIC): 2, (2, WEIGHTS): 100, (6, ARENA): 100, (14, STATIC): 2}, 99
    ),
    Work.KINDS: Routine(
        18,
        {
            (0, STATIC): 5,
            (4, CODE): 1,
            (6, WEIGHTS): 2,
            (10, ARENA): 2,
            (14, WEIGHTS): 3,
            (18, ARENA): 3,
            (20, WEIGHTS): 1,
            (24, ARENA): 1,
            (28, WEIGHTS): 8,
            (32, STATIC): 3,
            (36, WEIGHTS): 1,
            (38, WEIGHTS): 1,
            (40, ARENA): 1,
            (44, STATIC): 2,
            (48, STATIC): 1,
            (52, STATIC): 5,
        },
        0,
    ),
    Work.CONDITIONAL: Routine(
        17,
        {(0, STATIC): 2, (8, STATIC): 1, (10, WEIGHTS): 1, (12, ARENA): 1, (18, STATIC): 2},
        1,
    ),
    Work.PAGE: Routine(21, {(0, STATIC): 2, (14, STATIC): 1, (16, STATIC): 1, (22, STATIC): 2}, 1),
    Work.BASES: Routine(
        13,
        {
            (0, STATIC): 2,
            (2, WEIGHTS): 1,
            (6, WEIGHTS): 1,
            (12, WEIGHTS): 1,
            (16, ARENA): 1,
            (20, WEIGHTS): 1,
            (22, WEIGHTS): 1,
            (26, STATIC): 1,
            (28, STATIC): 2,
        },
        0,
    ),
    Work.TABLE: Routine(3, {(2, CODE): 1}, 1),
}


@pytest.mark.parametrize("work", SHORT)
def test_a_routine_counts_as_worked_out_by_hand(
    image: Image, short: dict[Work, Counts], work: Work
) -> None:
    counts = short[work]
    assert routine(image, counts, counts.layers[0], f"work_{work.name.lower()}") == EXPECTED[work]


def test_the_second_layer_is_its_own(image: Image, short: dict[Work, Counts]) -> None:
    counts = short[Work.KINDS]
    assert len(counts.layers) == 2
    assert routine(image, counts, counts.layers[0], "work_copy").instructions == 0
    assert routine(image, counts, counts.layers[1], "work_copy").instructions == 42


def test_blocks_are_the_image_s_code(image: Image, short: dict[Work, Counts]) -> None:
    code = image.path.read_bytes()
    for counts in short.values():
        for block in counts.blocks:
            assert block.code in code
            assert 2 * block.instructions <= len(block.code) <= 4 * block.instructions


def test_flow_is_conserved(image: Image, short: dict[Work, Counts]) -> None:
    """Every execution of a block comes by a taken edge or runs on from a block that ends there."""
    for counts in short.values():
        arrived = Counter({image.symbols["th_pre"]: 1})
        ran_on: Counter[int] = Counter()
        left = counts.inference.executions.copy()
        for source, target, count in counts.inference.edges.tolist():
            arrived[counts.blocks[target].address] += count
            left[source] -= count
        for block, count in zip(counts.blocks, left.tolist(), strict=True):
            assert count >= 0
            ran_on[block.address + len(block.code)] += count
        executed: Counter[int] = Counter()
        for block, count in zip(counts.blocks, counts.inference.executions.tolist(), strict=True):
            executed[block.address] += count
        executed[image.symbols["th_post"]] += 1
        assert +(arrived + ran_on) == +executed


@pytest.mark.parametrize("grouping", [True, False])
@pytest.mark.parametrize("bases", [{}, {13: STATIC}, {15: CODE}])
def test_shortcuts_change_no_count(
    image: Image, short: dict[Work, Counts], grouping: bool, bases: dict[int, Segment]
) -> None:
    launch = spec(image, *((work,) for work in SHORT))
    watched = windows(replace(launch, grouping=grouping, base_segments=bases))
    assert all(same(a, b) for a, b in zip(short.values(), watched, strict=True))


def test_caches_change_no_count(image: Image, short: dict[Work, Counts]) -> None:
    launch = replace(
        spec(image, *((work,) for work in SHORT)),
        caches=(
            cache("i", 4, kind="instruction"),
            cache("d", 4),
            cache("s", 2, segments=(STATIC,)),
        ),
    )
    assert all(same(a, b) for a, b in zip(short.values(), windows(launch), strict=True))


def test_counts_are_the_same_from_run_to_run_and_in_every_qemu(
    image: Image, short: dict[Work, Counts], monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in programs():
        monkeypatch.setenv("SIMBENCH_QEMU", program)
        again = windows(spec(image, *((work,) for work in SHORT)))
        assert all(same(a, b) for a, b in zip(short.values(), again, strict=True)), program


def test_several_inferences_add_up(image: Image, short: dict[Work, Counts]) -> None:
    (counts,) = windows(spec(image, (Work.COPY,)), inferences=3)
    assert counts.inferences == 3
    assert len(counts.layers) == 2
    once = routine(image, short[Work.COPY], short[Work.COPY].layers[0], "work_copy")
    thrice = routine(image, counts, counts.layers[0], "work_copy")
    assert thrice.instructions == 3 * once.instructions
    assert thrice.accesses == {key: 3 * n for key, n in once.accesses.items()}


def cache(
    name: str,
    lines: int,
    ways: int | None = None,
    kind: str = "data",
    segments: tuple[Segment, ...] = (CODE, WEIGHTS),
    write_allocate: bool = False,
) -> CacheGeometry:
    return CacheGeometry(name, kind, lines, 16, ways or lines, segments, write_allocate)


def misses(
    image: Image, counts: Counts, name: str, function: str, section: SectionCounts | None = None
) -> tuple[int, int]:
    """Jump and sequential misses of cache ``name`` in the blocks of ``function``."""
    where = next(f for f in image.functions if f.name == function)
    events = (section or counts.layers[0]).cache_events[name]
    rows = [r for r in events.tolist() if _holds(where, counts.blocks[r[0]].address)]
    return sum(r[1] for r in rows), sum(r[2] for r in rows)


@pytest.mark.parametrize(
    ("lines", "ways", "each_turn"),
    [(1, 1, True), (3, 3, True), (2, 1, True), (4, 4, False), (4, 1, False), (4, 2, False)],
)
def test_an_instruction_cache_misses_by_its_size(
    image: Image, lines: int, ways: int, each_turn: bool
) -> None:
    """A loop of four lines, five turns: all miss each turn, or all hit after the first."""
    turns = 5
    watched = cache("i", lines, ways, "instruction")
    launch = replace(spec(image, (Work.LONG, turns)), caches=(watched,))
    (counts,) = windows(launch)
    jump, sequential = misses(image, counts, "i", "work_long")
    at_the_ends = 2  # the branch into the loop has a line of its own, and so has the return
    if each_turn:
        assert jump + sequential == 4 * turns + at_the_ends
        assert sequential == 3 * turns + 1
    else:
        assert jump + sequential == 4 + at_the_ends


def test_an_instruction_cache_stays_warm_between_windows(image: Image) -> None:
    entry = (Work.LONG, 3)
    watched = cache("i", 4096, kind="instruction")
    cold, warm = windows(replace(spec(image, entry, entry), caches=(watched,)))
    assert misses(image, cold, "i", "work_long") == (2, 4)
    assert len(warm.inference.cache_events["i"]) == 0


@pytest.mark.parametrize(("lines", "expected"), [(8, (1, 7)), (7, (3, 21)), (16, (1, 7))])
def test_a_data_cache_misses_by_its_size(
    image: Image, lines: int, expected: tuple[int, int]
) -> None:
    """Eight lines touched in order, three times over, through a least recently used cache."""
    watched = cache("d", lines, segments=(WEIGHTS,))
    (counts,) = windows(replace(spec(image, (Work.LINES, 8, 3)), caches=(watched,)))
    assert misses(image, counts, "d", "work_lines") == expected


def test_stores_bring_lines_in_only_where_they_allocate(image: Image) -> None:
    for allocates, expected in ((False, 1), (True, 0)):
        watched = cache("d", 64, segments=(ARENA,), write_allocate=allocates)
        (counts,) = windows(replace(spec(image, (Work.KINDS,)), caches=(watched,)))
        # one load from the arena, of a line stored to before
        assert misses(image, counts, "d", "work_kinds") == (expected, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        CacheGeometry("c", "data", 0, 16, 1, (CODE,)),
        CacheGeometry("c", "data", 8, 24, 1, (CODE,)),
        CacheGeometry("c", "data", 8, 16, 3, (CODE,)),
        CacheGeometry("c", "unified", 8, 16, 8, (CODE,)),
        CacheGeometry("c", "data", 1 << 20, 16, 1, (CODE,)),
    ],
)
def test_a_cache_that_cannot_be_is_refused(image: Image, wrong: CacheGeometry) -> None:
    with pytest.raises(UsageError, match="cache 'c'"):
        backend("qemu").launch(replace(spec(image), caches=(wrong,)))


def test_an_image_without_markers_is_refused(image: Image) -> None:
    bare = {name: at for name, at in image.symbols.items() if name != "th_post"}
    with pytest.raises(UsageError, match="th_post"):
        backend("qemu").launch(replace(spec(image), image=replace(image, symbols=bare)))


def test_a_marker_inside_a_block_is_refused(image: Image) -> None:
    misplaced = dict(image.symbols, th_pre=image.symbols["work_kinds"] + 2)
    launch = replace(spec(image, (Work.KINDS,)), image=replace(image, symbols=misplaced))
    with backend("qemu").launch(launch) as board:
        conversation = converse(board)
        conversation.load_bank(0)
        with pytest.raises(UsageError, match="work_kinds"):
            conversation.infer()
