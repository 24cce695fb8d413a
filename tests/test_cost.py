from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simbench.catalog.platforms import (
    Memory,
    Platform,
    load_platform,
    platform_caches,
    platform_path,
    read_platform,
)
from simbench.cost.cores.core import load_core
from simbench.cost.cores.parts import Part, Refill
from simbench.cost.cores.pipelines import pipeline
from simbench.cost.price import Price, effect_ranges, estimate
from simbench.cost.residuals import load_target, residual
from simbench.cost.target import Target
from simbench.counts import (
    ACCESS,
    CACHE_EVENT,
    EDGE,
    SPLIT,
    Block,
    Counts,
    SectionCounts,
    Segment,
)
from simbench.files.datafile import Quantity
from simbench.isa.decode import decode_block
from simbench.result.estimate import Estimate

CORE = load_core("cortex-m4")
STM32F4 = load_platform("stm32f4")
CACHES = platform_caches(STM32F4)

LDR_R0_R1 = "0868"  # ldr r0, [r1]
LDR_R1_R2 = "1168"  # ldr r1, [r2]
LDR_R2_R3_4 = "5a68"  # ldr r2, [r3, #4]
LDR_R0_R1_R2 = "8858"  # ldr r0, [r1, r2]
LDR_R2_R0 = "0268"  # ldr r2, [r0]
STR_R0_R3_20 = "5861"  # str r0, [r3, #20]
STR_R1_R3_R2 = "9950"  # str r1, [r3, r2]
LDRD = "d1e90023"  # ldrd r2, r3, [r1]
LDM_3 = "0ec9"  # ldm r1!, {r1, r2, r3} as a three element load
STM_8 = "a0e8fe01"  # stm r0!, {r1-r8}
ADD_R1 = "0131"  # adds r1, #1
ADDS = "0130"  # adds r0, #1
NOP = "00bf"
IT_EQ = "08bf"
ADD_W = "00f10100"  # add.w r0, r0, #1
UDIV = "b1fbf2f0"
LITERAL = "0148"  # ldr r0, [pc, #4]
VADD = "30ee810a"  # vadd.f32 s0, s1, s2
VADD_USES = "30ee200a"  # vadd.f32 s0, s0, s1
VMLA_ADDEND = "01ee220a"  # vmla.f32 s0, s2, s5
VSTR = "80ed000a"  # vstr s0, [r0]
VMOV_CORE = "10ee100a"  # vmov r0, s0
STR_W = "c1f80000"  # str.w r0, [r1]
LDR_W_R0 = "d1f80000"  # ldr.w r0, [r1]
LDR_W_R3 = "d2f80030"  # ldr.w r3, [r2]
SUBS_3 = "0338"  # subs r0, #3
BHI = "fdd8"  # bhi to the instruction before
BX_LR = "7047"
TBB = "d0e801f0"
POP_PC = "00bd"
UNKNOWN = "ffffffff"


def cycles(*encodings: str, address: int = 0) -> tuple[float, float, float]:
    """Cycles of a run of instructions: value, lower, upper."""
    block = decode_block(bytes.fromhex("".join(encodings)))
    value, lower, upper = pipeline(CORE).cycles(block, address).sum(axis=(0, 1))
    return float(value), float(lower), float(upper)


# the examples of the Technical Reference Manual, section 3.3.2, and entries of its tables
EXACT = [
    ([LDR_R0_R1, LDR_R1_R2], 3),
    ([LDR_R0_R1_R2, STR_R0_R3_20], 3),
    ([LDR_R0_R1_R2, STR_R1_R3_R2], 3),
    ([LDR_R0_R1_R2, LDR_R1_R2, LDR_R2_R3_4], 4),
    ([LDR_R0_R1, LDR_R2_R0], 4),  # the second needs the first's result for its address
    ([STR_R0_R3_20, LDR_R0_R1], 3),  # nothing is pipelined after a store
    ([LDR_R0_R1, NOP, LDR_R1_R2], 5),
    ([LDRD], 3),
    ([LDM_3], 4),
    ([STM_8], 9),
    ([ADD_R1, LDR_R0_R1], 4),  # an address from the arithmetic right before
    ([ADD_R1, NOP, LDR_R0_R1], 4),
    ([ADDS, ADD_W, NOP], 3),
    ([VADD, VADD_USES], 3),
    ([VADD, NOP, VADD_USES], 3),
    ([VADD, VMLA_ADDEND], 4),  # an accumulator is needed a cycle later
    ([VSTR], 2),
    ([VMOV_CORE], 2),
    ([LDR_W_R0, LDR_W_R3], 3),
    ([BX_LR], 1),  # the refill belongs to the taken edge
]


@pytest.mark.parametrize(("run", "expected"), EXACT)
def test_cycles_the_manual_states(run: Sequence[str], expected: float) -> None:
    assert cycles(*run) == (expected, expected, expected)


RANGES = [
    ([UDIV], (7, 2, 12)),
    ([LITERAL], (2.5, 2, 3)),
    ([STR_R1_R3_R2], (2, 1, 2)),
    ([ADDS, IT_EQ], (1, 1, 2)),  # may be folded onto the 16-bit instruction before
    ([ADD_W, IT_EQ], (2, 2, 2)),
    ([UNKNOWN], (1, 1, 14)),
]


@pytest.mark.parametrize(("run", "expected"), RANGES)
def test_cycles_the_manual_leaves_open(
    run: Sequence[str], expected: tuple[float, float, float]
) -> None:
    assert cycles(*run) == expected


def test_wide_loads_across_words_may_not_pipeline() -> None:
    assert cycles(LDR_W_R0, LDR_W_R3, address=2) == (3.5, 3, 4)


def test_wide_instructions_across_words_run_the_queue_dry_once_in_a_row() -> None:
    """As measured: mov.n and three mov.w take four cycles, or five where the wide ones straddle."""
    assert cycles(NOP, *[ADD_W] * 3, address=2) == (4, 4, 4)
    assert cycles(NOP, *[ADD_W] * 3, address=0) == (5, 4, 6)
    assert cycles(NOP, *[ADD_W] * 2, address=0) == (3, 3, 3)
    assert cycles(NOP, *[ADD_W] * 9, address=0) == (11, 10, 12)
    assert cycles(*[NOP, *[ADD_W] * 3] * 2, address=0)[0] == 5 + 4  # the second row is aligned
    assert cycles(NOP, *[STR_W] * 3, address=0)[0] == 4
    assert cycles(NOP, *[STR_W] * 4, address=0)[0] == 6


def test_folded_instruction_is_not_issued() -> None:
    block = decode_block(bytes.fromhex(ADDS + IT_EQ))
    assert pipeline(CORE).cycles(block, 0)[1, Part.ISSUE].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("last", "refill"),
    [
        (BHI, Refill.DIRECT),
        (ADDS, Refill.DIRECT),
        (BX_LR, Refill.INDIRECT),
        (POP_PC, Refill.LOADED),
        (TBB, Refill.TABLE),
    ],
)
def test_kind_of_refill(last: str, refill: Refill) -> None:
    assert pipeline(CORE).refill(decode_block(bytes.fromhex(last))[0]) is refill


def test_blocking_branches_take_what_the_manual_says() -> None:
    """LDR PC takes at least five cycles and TBB at least six."""
    refills = pipeline(CORE).refills()[:, 0, 0]
    assert cycles("51f804f0")[0] + refills[Refill.LOADED] == 5
    assert cycles(TBB)[0] + refills[Refill.TABLE] == 6


# ---- sections made by hand ----


def rows(dtype: np.dtype[np.void], *values: tuple[int, ...]) -> NDArray[np.void]:
    return np.array(list(values), dtype)


def section(
    executions: Sequence[int],
    edges: Sequence[tuple[int, int, int]] = (),
    accesses: Sequence[tuple[int, int, int, int]] = (),
    events: Mapping[str, Sequence[tuple[int, int, int]]] | None = None,
) -> SectionCounts:
    quiet: dict[str, Sequence[tuple[int, int, int]]] = {c.name: () for c in CACHES}
    return SectionCounts(
        np.array(executions, np.int64),
        rows(EDGE, *edges),
        rows(ACCESS, *accesses),
        {name: rows(CACHE_EVENT, *e) for name, e in (quiet if events is None else events).items()},
    )


def counted(blocks: Sequence[tuple[int, str]], inference: SectionCounts) -> Counts:
    made = tuple(
        Block(address, bytes.fromhex(code), len(decode_block(bytes.fromhex(code))))
        for address, code in blocks
    )
    return Counts(made, inference, (), CACHES)


def price(counts: Counts, platform: Platform = STM32F4) -> Price:
    return estimate(counts, counts.inference, Target(platform, CORE, 0))


def joules(priced: Price) -> Estimate:
    assert priced.energy_j is not None
    return priced.energy_j


def with_memory(name: str, **changes: object) -> Platform:
    memory: Memory = replace(STM32F4.memories[name], **changes)  # type: ignore[arg-type]
    return replace(STM32F4, memories={**STM32F4.memories, name: memory})


def exactly(value: float) -> Quantity:
    return Quantity(value, value, value, None)


def test_delay_loop_takes_three_cycles_a_turn() -> None:
    """As the maker's library counts it on a Cortex-M4: 1 for SUBS, 2 for a taken BHI."""
    loop = counted([(0x100, SUBS_3 + BHI)], section([1000], [(0, 0, 999)]))
    assert price(loop).cycles.value == 1000 * 2 + 999 * 1


def test_misaligned_wide_target_refills_longer() -> None:
    def taken(address: int) -> float:
        run = counted([(0x100, BHI), (address, ADD_W)], section([10, 10], [(0, 1, 10)]))
        return price(run).cycles.stack["branch_refill"]

    assert (taken(0x204), taken(0x206)) == (10, 20)


def test_jump_misses_wait_the_wait_states() -> None:
    run = section([1], (), (), {"flash-instruction": [(0, 3, 0)], "flash-data": []})
    waited = price(counted([(0, NOP)], run)).cycles
    assert waited.stack["fetch_wait"] == 3 * 5
    assert waited.upper - waited.value == 3 * 5  # a read ahead may have to end first


def fetched(code: str, events: Mapping[str, Sequence[tuple[int, int, int]]]) -> tuple[float, ...]:
    """What fetching one block waits on the STM32F4: value, lower, upper."""
    run = price(counted([(0, code)], section([1], (), (), {**events, "flash-data": []}))).cycles
    fixed = run.value - run.stack["fetch_wait"]
    return run.stack["fetch_wait"], run.lower - fixed, run.upper - fixed


def test_prefetch_hides_the_cycles_of_the_line_before() -> None:
    """Four wide instructions take 4 cycles, so a read of 6 shows by 2; narrow ones hide it all."""
    run_on = {"flash-instruction": [(0, 0, 100)]}
    assert fetched(ADD_W * 12, run_on) == (200, 200, 200)
    assert fetched(NOP * 24, run_on) == (0, 0, 0)


def test_how_code_lies_in_lines_is_a_range() -> None:
    phases = {
        "flash-instruction": [(0, 0, 100)],
        "flash-instruction+4": [(0, 0, 300)],
        "flash-instruction+8": [],
        "flash-instruction+12": [],
    }
    assert fetched(ADD_W * 4, phases) == (200, 0, 600)


def test_lines_read_ahead_may_be_kept() -> None:
    events = {"flash-instruction": [(0, 0, 100)], "flash-instruction-all": [(0, 0, 1)]}
    assert fetched(ADD_W * 4, events) == (200, 2, 200)


def test_a_line_of_several_reads_is_waited_for_read_by_read() -> None:
    """A line of four reads of four bytes: a wide instruction each, whose read shows by five."""
    narrow = with_memory("flash", width_bytes=4)
    events = {"flash-instruction": [(0, 10, 100)], "flash-data": [(0, 7, 0)]}
    accesses = [(0, 0, int(Segment.CODE), 20)]
    run = counted([(0, ADD_W * 12)], section([1], (), accesses, events))
    cycles = price(run, narrow).cycles
    assert cycles.stack["fetch_wait"] == 10 * 5 + (10 * 1.5 + 100 * 4) * 5
    assert cycles.stack["data_wait"] == 0  # an add loads nothing
    load = counted([(0, LDR_R0_R1)], section([20], (), accesses, events))
    assert price(load, narrow).cycles.stack["data_wait"] == 7 * 5
    assert price(load).cycles.stack["data_wait"] == 7 * 5


def test_the_core_reads_ahead_of_a_memory_without_prefetch() -> None:
    """Reads of two words: the next is asked for a cycle after the last came, and takes six."""
    board = load_platform("stm32l4r5")
    caches = platform_caches(board)

    def waited(code: str) -> tuple[float, float]:
        events = {c.name: rows(CACHE_EVENT) for c in caches}
        events["flash-instruction"] = rows(CACHE_EVENT, (0, 0, 400))
        quiet = replace(section([1]), cache_events=events)
        counts = replace(counted([(0, code)], quiet), caches=caches)
        run = estimate(counts, counts.inference, Target(board, CORE, 0)).cycles
        return run.stack["fetch_wait"], run.upper - run.value

    assert waited(ADD_W * 4) == (100 * 5, 4 * 100 * 5 - 100 * 5)
    assert waited(NOP * 8) == (100 * 3, 4 * 100 * 5 - 100 * 3)


def test_memory_without_cache_waits_at_every_line() -> None:
    plain = with_memory("flash", instruction_cache=None, prefetch=False)
    run = counted([(0, NOP * 16 + BHI)], section([10], [(0, 0, 9)]))
    # 9 jumps to line 0; run into are line 0 once, and lines 1 and 2 ten times: each is asked for
    # three cycles after the one before, takes six, and the one before keeps the core for eight
    assert price(run, plain).cycles.stack["fetch_wait"] == 9 * 5 + (1 + 20) * (3 + 6 - 8)


def test_events_that_were_not_counted_widen_the_range() -> None:
    blocks, edges = [(0, LITERAL + NOP * 16 + BHI)], [(0, 0, 9)]
    accesses = [(0, 0, int(Segment.CODE), 10)]
    known = price(counted(blocks, section([10], edges, accesses)))
    unknown = price(counted(blocks, section([10], edges, accesses, {})))
    assert known.notes == ()
    assert [n.split(" were")[0] for n in unknown.notes] == [
        "events of flash-instruction",
        "events of flash-data",
    ]
    assert unknown.cycles.lower <= known.cycles.value <= unknown.cycles.upper
    width = known.cycles.upper - known.cycles.lower
    assert unknown.cycles.upper - unknown.cycles.lower > width + 10 * 5


def test_events_of_another_geometry_are_not_used() -> None:
    bigger = replace(STM32F4.memories["flash"].instruction_cache, lines=128, ways=128)  # type: ignore[type-var]
    run = counted([(0, NOP)], section([1]))
    assert price(run, with_memory("flash", instruction_cache=bigger)).notes != ()


def test_loads_wait_for_a_memory_without_cache_and_stores_do_not() -> None:
    slow = with_memory("sram", wait_states=exactly(3))
    accesses = [(0, 0, int(Segment.ARENA), 7), (0, 2, int(Segment.ARENA), 9)]
    run = counted([(0, LDR_R0_R1 + STR_R0_R3_20)], section([9], (), accesses))
    assert price(run, slow).cycles.stack["data_wait"] == 7 * 3
    assert price(run).cycles.stack["data_wait"] == 0


def test_data_misses_wait_the_wait_states() -> None:
    accesses = [(0, 0, int(Segment.WEIGHTS), 100)]
    events = {"flash-instruction": [], "flash-data": [(0, 25, 0)]}
    run = counted([(0, LDR_R0_R1)], section([100], (), accesses, events))
    assert price(run).cycles.stack["data_wait"] == 25 * 5


def test_a_prefetch_reads_ahead_of_loads_that_come_the_way_of_code() -> None:
    """A load takes two cycles. The line behind the last one comes five cycles after it, of which
    its wait shows four, and those that ten loads take hide all of it."""
    flash = load_platform("stm32u575").memories["flash"]
    joint = replace(STM32F4, memories={**STM32F4.memories, "flash": flash})

    def waited(board: Platform, jumps: int, ran_on: int) -> float:
        events = {c.name: rows(CACHE_EVENT) for c in platform_caches(board)}
        events["flash-data"] = rows(CACHE_EVENT, (0, jumps, ran_on))
        accesses = [(0, 0, int(Segment.WEIGHTS), 100)]
        loading = replace(section([100], (), accesses), cache_events=events)
        caches = tuple(c for c in platform_caches(board) if not c.phase_bytes)
        counts = replace(counted([(0, LDR_R0_R1)], loading), caches=caches)
        return estimate(counts, counts.inference, Target(board, CORE, 0)).cycles.stack["data_wait"]

    assert waited(joint, 0, 100) == 100 * (4 + 1 - 2)
    assert waited(joint, 0, 10) == 0
    assert waited(joint, 100, 0) == 100 * 4
    # of a cache of its own it is not known that a prefetch goes its way
    assert flash.data_cache is not None
    alone = replace(flash, data_cache=replace(flash.data_cache, unit=""))
    apart = replace(joint, memories={**joint.memories, "flash": alone})
    assert waited(apart, 0, 10) == 10 * 4


def test_placement_is_a_price() -> None:
    accesses = [(0, 0, int(Segment.WEIGHTS), 100)]
    events = {"flash-instruction": [], "flash-data": [(0, 25, 0)]}
    run = counted([(0, LDR_R0_R1)], section([100], (), accesses, events))
    moved = replace(STM32F4, placement={**STM32F4.placement, Segment.WEIGHTS: "sram"})
    assert price(run, moved).cycles.stack["data_wait"] == 0


def test_events_of_a_cache_with_more_behind_it_are_not_used() -> None:
    accesses = [(0, 0, int(Segment.CODE), 100)]
    events = {"flash-instruction": [], "flash-data": [(0, 25, 0)]}
    run = counted([(0, LITERAL)], section([100], (), accesses, events))
    moved = replace(STM32F4, placement={**STM32F4.placement, Segment.WEIGHTS: "sram"})
    assert price(run).notes == ()
    assert [n.split(" were")[0] for n in price(run, moved).notes] == ["events of flash-data"]


def test_loads_from_two_memories_do_not_overlap() -> None:
    """Eight times a load behind a load; five pairs meet in one memory, three in two."""

    def elsewhere(second: Sequence[tuple[int, int, int, int]]) -> Estimate:
        first = (0, 0, int(Segment.ARENA), 8)
        run = counted([(0, LDR_R0_R1 + LDR_R1_R2)], section([8], (), [first, *second]))
        return price(run).cycles

    apart = elsewhere([(0, 2, int(Segment.ARENA), 5), (0, 2, int(Segment.STATIC), 3)])
    together = elsewhere([(0, 2, int(Segment.ARENA), 8)])
    assert together.stack["other_memory"] == 0
    assert apart.stack["other_memory"] == 3
    assert apart.value - together.value == 3
    assert apart.lower == together.lower


def test_misaligned_accesses_take_longer() -> None:
    split = rows(SPLIT, (0, 0, 7), (0, 2, 4))  # seven of a load, four of a store
    run = counted([(0, LDR_R0_R1 + STR_R0_R3_20)], replace(section([9]), splits=split))
    cycles = price(run).cycles
    assert cycles.stack["misaligned"] == 7
    assert cycles.upper - cycles.value == 4


def test_ranges_hold_how_far_the_model_was_from_silicon() -> None:
    run = counted([(0, NOP)], section([300]))
    off = residual("stm32f4", "cortex-m4")
    widened = estimate(run, run.inference, load_target(STM32F4, CORE))
    assert off > 0
    assert widened.cycles.value == price(run).cycles.value == 300
    assert widened.cycles.lower == pytest.approx(300 / (1 + off))
    assert widened.cycles.upper == pytest.approx(300 / (1 - off))


def test_unknown_instructions_lower_the_coverage() -> None:
    run = price(counted([(0, NOP), (2, UNKNOWN)], section([30, 10])))
    assert run.coverage == 0.75
    assert run.cycles.upper - run.cycles.value >= 10 * 13


def test_energy_is_what_its_coefficients_say() -> None:
    accesses = [(0, 2, int(Segment.ARENA), 50)]
    events = {"flash-instruction": [(0, 2, 0)], "flash-data": []}
    run = price(counted([(0x100, ADDS + LDR_R0_R1)], section([50], [(0, 0, 49)], accesses, events)))
    energy, spent = STM32F4.energy, joules(run).stack
    assert energy is not None
    assert run.cycles.value == 50 * 3 + 49 + 2 * 5
    assert spent["static"] == pytest.approx(energy.static_w.value * run.time_s.value)
    assert spent["clock"] == pytest.approx(energy.clock_j.value * run.cycles.value)
    assert spent["alu"] == pytest.approx(energy.instruction_j["alu"].value * 50)
    assert spent["load_store"] == pytest.approx(energy.instruction_j["load_store"].value * 100)
    assert spent["branch"] == pytest.approx(energy.instruction_j["branch"].value * 49)
    assert spent["sram_access"] == pytest.approx(energy.access_j["sram"].value * 50)
    assert spent["flash_read"] == pytest.approx(energy.line_j["flash"].value * 2)


def test_price_is_of_one_inference() -> None:
    run = counted([(0, NOP)], section([300]))
    three = replace(run, inferences=3)
    assert price(three).cycles.value == price(run).cycles.value / 3
    assert joules(price(three)).value == pytest.approx(joules(price(run)).value / 3)


POOL = [
    ADDS, ADD_W, LDR_R0_R1, LDR_R2_R0, STR_R1_R3_R2, LDRD, STM_8, UDIV, LITERAL, VADD_USES,
    VMLA_ADDEND, IT_EQ, TBB, POP_PC, BX_LR, BHI, UNKNOWN,
]  # fmt: skip
COUNT = st.integers(0, 10**9)


@st.composite
def any_counts(draw: st.DrawFn) -> Counts:
    codes = draw(st.lists(st.lists(st.sampled_from(POOL), min_size=1, max_size=12), max_size=8))
    blocks = [(draw(st.integers(0, 4096)) * 2, "".join(code)) for code in codes]
    indices = st.integers(0, max(len(blocks) - 1, 0))
    some = st.lists(indices, max_size=6 if blocks else 0)
    executions = [draw(COUNT) for _ in blocks]
    edges = [(i, draw(indices), draw(st.integers(0, executions[i]))) for i in draw(some)]
    accesses = [(i, 0, draw(st.integers(0, 4)), draw(COUNT)) for i in draw(some)]
    watched = draw(st.sets(st.sampled_from([c.name for c in CACHES])))
    events = {name: [(i, draw(COUNT), draw(COUNT)) for i in draw(some)] for name in watched}
    return counted(blocks, section(executions, edges, accesses, events))


@settings(max_examples=150)
@given(any_counts())
def test_stacks_add_up_and_ranges_hold_the_value(counts: Counts) -> None:
    made = price(counts)
    for quantity in (made.cycles, made.time_s, joules(made)):
        assert sum(quantity.stack.values()) == pytest.approx(quantity.value)
        assert 0 <= quantity.lower <= quantity.value <= quantity.upper
        assert all(part >= 0 for part in quantity.stack.values())
    assert made.time_s.value == pytest.approx(made.cycles.value / STM32F4.clock_hz)
    assert 0 <= made.coverage <= 1


@settings(max_examples=50)
@given(any_counts(), st.floats(0, 20))
def test_more_wait_states_are_never_faster(counts: Counts, more: float) -> None:
    slower = with_memory("flash", wait_states=exactly(5 + more))
    assert price(counts, slower).cycles.value >= price(counts).cycles.value * (1 - 1e-12)


@settings(max_examples=50)
@given(any_counts())
def test_layers_add_up_to_the_whole(counts: Counts) -> None:
    """A section's price without its fetches is the sum of its parts' prices."""
    whole = price(counts).cycles.stack
    half = replace(counts.inference, executions=counts.inference.executions // 2)
    rest = replace(
        counts.inference,
        executions=counts.inference.executions - half.executions,
        edges=counts.inference.edges[:0],
        accesses=counts.inference.accesses[:0],
        cache_events={},
    )
    parts = [estimate(counts, s, load_target(STM32F4, CORE)).cycles.stack for s in (half, rest)]
    for name in ("issue", "load_store", "dependence", "multi_cycle", "divide", "branch_refill"):
        assert sum(p[name] for p in parts) == pytest.approx(whole[name])


def test_fetches_of_layers_add_up_to_the_whole() -> None:
    blocks = [(0, ADD_W * 4), (16, ADD_W * 4 + BHI)]
    events = {"flash-instruction": [(1, 4, 9)], "flash-data": []}
    looped = section([1, 10], [(1, 1, 9)], (), events)
    straight = section([5, 5])
    whole = replace(looped, executions=looped.executions + straight.executions, edges=looped.edges)
    counts = replace(counted(blocks, whole), layers=(looped, straight))
    layers = [estimate(counts, layer, load_target(STM32F4, CORE)) for layer in counts.layers]
    assert sum(layer.cycles.value for layer in layers) == pytest.approx(price(counts).cycles.value)
    assert sum(joules(layer).value for layer in layers) == pytest.approx(
        joules(price(counts)).value
    )


# identity by content


def identity(text: str, tmp_path: Path, name: str = "mine") -> dict[str, str]:
    path = tmp_path / f"{name}.yaml"
    path.write_text(text.replace("id: stm32f4", f"id: {name}"))
    return dict(load_target(read_platform(path)).identity)


def test_a_price_is_told_by_its_numbers_whatever_a_label_says(tmp_path: Path) -> None:
    text = platform_path("stm32f4").read_text()
    before = identity(text, tmp_path)
    version = next(line for line in text.splitlines() if line.startswith("version:"))
    assert identity(text.replace(version, 'version: "99"'), tmp_path) == before
    assert identity(text, tmp_path, "other") == before
    for old, new in (
        ("wait_states: {value: 5, source: latency}", "wait_states: {value: 1, source: latency}"),
        ("prefetch: true", "prefetch: false"),
        ("weights: flash", "weights: sram"),
        ("clock: {value: 168MHz, source: clock}", "clock: {value: 84MHz, source: clock}"),
    ):
        assert text.count(old) == 1
        after = identity(text.replace(old, new), tmp_path)
        assert {part for part in before if before[part] != after[part]} == {"platform"}


def test_every_number_of_a_core_and_its_residual_are_in_the_identity() -> None:
    before = load_target(STM32F4)
    dearer = Quantity(9.0, 9.0, 9.0, None)
    for core in (
        *(replace(CORE, cycles={**CORE.cycles, kind: dearer}) for kind in CORE.cycles),
        *(replace(CORE, pipeline={**CORE.pipeline, name: dearer}) for name in CORE.pipeline),
    ):
        after = Target(STM32F4, core, before.off).identity
        assert after == {**before.identity, "core": after["core"]}
        assert after["core"] != before.identity["core"]
    wider = Target(STM32F4, CORE, before.off + 0.01)
    assert wider.identity == {**before.identity, "residual": f"{wider.off:g}"}
    assert wider.source.partition(", price ")[2] != before.source.partition(", price ")[2]


def test_where_a_number_is_from_is_no_part_of_a_price() -> None:
    renamed = replace(CORE, version="99", title="another", sources={})
    assert load_target(STM32F4, renamed).identity == load_target(STM32F4).identity


def test_effects_whose_range_is_open_are_told_widest_first() -> None:
    # a branch refills in 1 to 3 cycles, a division takes 2 to 12: nothing else is open
    loop = counted([(0x100, UDIV + BHI)], section([100], [(0, 0, 100)]))
    found = effect_ranges(loop, loop.inference, Target(STM32F4, CORE, 0))
    assert [(each.effect, each.value, each.lower, each.upper) for each in found] == [
        ("divide", 600, 100, 1100),
        ("branch_refill", 100, 100, 300),
    ]
    assert found[1].found_in == "the core's pipeline: refill_*"
