"""Many machines priced at once cost what each does alone, and groups and frames what the whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from profiled import observed

from simbench.backends import backend
from simbench.catalog.platforms import Energy, Memory, Platform, load_platform
from simbench.cost.cores.core import load_core
from simbench.cost.points import Prices, price_points
from simbench.cost.price import Price, estimate
from simbench.cost.residuals import load_target
from simbench.cost.target import Target
from simbench.counts import Counts, Segment
from simbench.files.datafile import Quantity
from simbench.profiles.attribution import SHARED, frames
from simbench.profiles.functions import functions_of
from simbench.result.estimate import Estimate
from simbench.runs.runner import run_task

pytestmark = pytest.mark.emulator

BOARDS = ("stm32f4", "nrf5340", "stm32h7", "rp2040", "stm32l4r5")
LINEAR = ("split_access", "code_bus", "refill_direct", "fetch_queue", "misprediction")


@cache
def counts_on(platform: str) -> Counts:
    return observed(platform)[1].counts


@st.composite
def quantities(draw: st.DrawFn, most: float) -> Quantity:
    low, value, high = sorted(draw(st.tuples(*[st.floats(0, most)] * 3)))
    return Quantity(value, low, high, None)


@st.composite
def memories(draw: st.DrawFn, memory: Memory) -> Memory:
    varied = replace(memory, wait_states=draw(quantities(12)))
    kept = draw(st.sampled_from(["as it is", "bare", "other width", "other prefetch"]))
    if kept == "bare":
        return replace(varied, instruction_cache=None, data_cache=None)
    if kept == "other width":
        return replace(varied, width_bytes=draw(st.sampled_from([4, 8, 16, 32])))
    return replace(varied, prefetch=memory.prefetch ^ (kept == "other prefetch"))


@st.composite
def targets(draw: st.DrawFn, name: str) -> Target:
    board = load_platform(name)
    core = load_core(board.core)
    energy = board.energy
    if energy is not None and draw(st.booleans()):
        energy = draw(st.sampled_from([None, varied_energy(energy, draw(quantities(1e-9)))]))
    placement = dict(board.placement)
    placement[Segment.WEIGHTS] = draw(st.sampled_from(sorted(board.memories)))
    board = replace(
        board,
        clock_hz=draw(st.floats(1e6, 1e9)),
        memories={n: draw(memories(m)) for n, m in board.memories.items()},
        placement=placement,
        energy=energy,
        energy_reason=None if energy is not None else "a test",
    )
    changed = {n: draw(quantities(20)) for n in LINEAR if n in core.pipeline}
    if draw(st.booleans()):
        core = replace(core, pipeline={**core.pipeline, **changed})
    off = draw(st.floats(0, 0.5))
    return Target(board, core, off)


def varied_energy(energy: Energy, joules: Quantity) -> Energy:
    group = {**energy.instruction_j, "alu": joules}
    return replace(energy, static_w=joules, clock_j=joules, instruction_j=group)


def check_row(prices: Prices, row: int, alone: Price) -> None:
    check_range(prices.cycles[row], alone.cycles)
    check_range(prices.time_s[row], alone.time_s)
    check_stack(prices.cycle_stack, row, alone.cycles.stack)
    joules = alone.energy_j
    if joules is None:
        assert np.isnan(prices.energy_j[row]).all()
        assert all(np.isnan(part[row]) for part in prices.energy_stack.values())
    else:
        check_range(prices.energy_j[row], joules)
        check_stack(prices.energy_stack, row, joules.stack)
    assert prices.coverage[row] == alone.coverage
    assert prices.notes[row] == alone.notes


def check_range(found: NDArray[np.float64], alone: Estimate) -> None:
    expected = (alone.value, alone.lower, alone.upper)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-30)


def check_stack(
    stack: Mapping[str, NDArray[np.float64]], row: int, alone: Mapping[str, float]
) -> None:
    for name, part in stack.items():
        assert part[row] == pytest.approx(alone.get(name, 0.0), rel=1e-12, abs=1e-30)
    assert set(alone) <= set(stack)


@pytest.mark.parametrize("name", BOARDS)
@settings(max_examples=12)
@given(data=st.data())
def test_many_targets_cost_what_each_costs_alone(name: str, data: st.DataObject) -> None:
    counts = counts_on(name)
    listed = data.draw(st.lists(targets(name), min_size=1, max_size=6))
    prices = price_points(counts, counts.inference, listed)
    for row, target in enumerate(listed):
        check_row(prices, row, estimate(counts, counts.inference, target))


def test_boards_of_one_core_are_priced_together() -> None:
    """In the order given, whatever they share; a memory that a board lacks costs nothing."""
    counts = counts_on("stm32f4")
    listed = [
        load_target(load_platform(name))
        for name in ("stm32l4r5", "stm32f4", "apollo3", "nrf52840", "stm32f4")
    ]
    prices = price_points(counts, counts.inference, listed)
    for row, target in enumerate(listed):
        check_row(prices, row, estimate(counts, counts.inference, target))
    assert prices.energy_stack["ccm_access"][0] == 0.0


def test_no_targets_have_no_prices() -> None:
    counts = counts_on("stm32f4")
    assert price_points(counts, counts.inference, []).cycles.shape == (0, 3)


def waits(value: float) -> Callable[[Platform], Platform]:
    def vary(board: Platform) -> Platform:
        flash = replace(board.memories["flash"], wait_states=Quantity(value, value, value, None))
        return replace(board, memories={**board.memories, "flash": flash}, clock_hz=1e8 + value)

    return vary


def test_thousands_of_points_a_second() -> None:
    """Far below what it does (the benchmark script says), so that a busy machine does not fail."""
    counts, board = counts_on("stm32f4"), load_platform("stm32f4")
    points = [load_target(waits(value)(board)) for value in np.linspace(0, 10, 4000).tolist()]
    began = time.process_time()
    prices = price_points(counts, counts.inference, points)
    assert time.process_time() - began < 4000 / 2000
    cycles = prices.cycles[:, 0]
    assert np.all(np.diff(cycles) >= 0)
    assert cycles[-1] > cycles[0]


def test_what_a_core_does_beyond_its_blocks_needs_no_other_features() -> None:
    """Two cores whose instructions take the same, and one where they do not."""
    counts, board, core = counts_on("nrf5340"), load_platform("nrf5340"), load_core("cortex-m33")
    dearer = Quantity(9.0, 9.0, 9.0, None)
    bus = replace(core, pipeline={**core.pipeline, "code_bus": dearer})
    late = replace(core, pipeline={**core.pipeline, "latency_load": dearer})
    stack = price_points(
        counts, counts.inference, [load_target(board, c) for c in (core, bus, late)]
    )
    parts = stack.cycle_stack
    assert parts["code_bus"][1] > parts["code_bus"][0] > 0
    assert parts["dependence"][0] == parts["dependence"][1] < parts["dependence"][2]


@pytest.mark.parametrize("name", ["stm32f4", "stm32h7"])
def test_frames_add_up_to_the_inference(name: str) -> None:
    task, seen = observed(name)
    counts, target = seen.counts, load_target(task.platform)
    functions = functions_of(task.image, counts.blocks)
    found = frames(counts, counts.layers, functions, target)
    whole = estimate(counts, counts.inference, target)
    assert sum(frame.instructions for frame in found) == counts.instructions(counts.inference)
    assert sum(frame.cycles for frame in found) == pytest.approx(whole.cycles.value, rel=1e-12)
    for index, section in enumerate(counts.layers):
        own = [frame for frame in found if frame.layer == index]
        layer = estimate(counts, section, target)
        assert sum(frame.instructions for frame in own) == counts.instructions(section)
        assert sum(frame.cycles for frame in own) == pytest.approx(layer.cycles.value, rel=1e-12)
    assert all(frame.instructions > 0 or frame.function == SHARED for frame in found)
    assert len({(frame.layer, frame.function) for frame in found}) == len(found)


def test_a_result_has_its_frames() -> None:
    task, _ = observed("stm32f4", "ad")
    result = run_task(task, backend("qemu"))
    assert result.cycles is not None
    assert sum(frame.instructions for frame in result.frames) == result.instructions
    assert sum(frame.cycles for frame in result.frames) == pytest.approx(result.cycles.value)
    layers = {frame.layer for frame in result.frames}
    assert layers == {None, *(layer.index for layer in result.layers)}
    assert "arm_fully_connected_s8" in {frame.function for frame in result.frames}
