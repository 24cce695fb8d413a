"""The memory section: sizes add up, and the arena's plan is one that can work."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profiled import observed

from simbench.catalog.benchmarks import load_benchmarks
from simbench.cli.tables.memory import arena_picture
from simbench.errors import InfrastructureError
from simbench.models.prepared import PreparedModel
from simbench.models.source import benchmark_model
from simbench.result.tree import ArenaBuffer, ArenaUse, MemoryUse
from simbench.runs.memory import (
    PERSISTENT,
    SCRATCH,
    TENSOR,
    arena_use,
    live_bytes,
    memory_needs,
    memory_section,
)
from simbench.session.conversation import Arena, ArenaPlan, Footprint
from simbench.session.protocol import PlanBuffer

BENCHMARKS = load_benchmarks()
FOOTPRINT = Footprint(Arena(96, 80), ArenaPlan(48, 32, ()), 400)
PLAN = (
    ArenaBuffer("input", TENSOR, 0, 16, 0, 0),
    ArenaBuffer("CONV_2D", SCRATCH, 32, 16, 0, 0),
    ArenaBuffer("first", TENSOR, 16, 16, 0, 1),
    ArenaBuffer("second", TENSOR, 32, 32, 1, 2),
    ArenaBuffer(PERSISTENT, PERSISTENT, 64, 32, 0, 2),
)


def kws() -> PreparedModel:
    return benchmark_model(BENCHMARKS["kws"])


def measured(benchmark: str, platform: str = "stm32f4") -> MemoryUse:
    task, seen = observed(platform, benchmark)
    assert task.model is not None
    assert seen.footprint is not None
    return memory_section(task.platform, task.image, task.model, seen.footprint)


@pytest.mark.emulator
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_no_two_buffers_alive_in_one_layer_overlap(benchmark: str) -> None:
    arena = measured(benchmark).arena
    assert arena is not None
    for one, other in combinations(arena.plan, 2):
        apart = one.last_layer < other.first_layer or other.last_layer < one.first_layer
        below = one.offset_bytes + one.size_bytes <= other.offset_bytes
        above = other.offset_bytes + other.size_bytes <= one.offset_bytes
        assert apart or below or above, (one, other)


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("benchmark", "platform"),
    [
        *((benchmark, "stm32f4") for benchmark in BENCHMARKS),
        *(("kws", platform) for platform in ("rp2040", "stm32h7", "stm32u575", "corstone-300")),
    ],
)
def test_the_plan_fills_what_the_interpreter_says_it_uses(benchmark: str, platform: str) -> None:
    memory = measured(benchmark, platform)
    arena = memory.arena
    assert arena is not None
    *shared, persistent = sorted(arena.plan, key=lambda buffer: buffer.kind == PERSISTENT)
    assert max(b.offset_bytes + b.size_bytes for b in shared) == arena.head_bytes
    assert persistent.offset_bytes + persistent.size_bytes == memory.arena_bytes
    assert persistent.size_bytes == arena.tail_bytes
    assert arena.head_bytes + arena.tail_bytes == arena.high_water_bytes <= memory.arena_bytes
    layers = range(1 + persistent.last_layer)
    assert max(live_bytes(arena.plan, layer) for layer in layers) <= arena.high_water_bytes
    assert sum(buffer.size_bytes for buffer in shared) > arena.head_bytes  # they share memory


@pytest.mark.emulator
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_every_layers_output_is_in_the_plan_from_that_layer_on(benchmark: str) -> None:
    task, _ = observed("stm32f4", benchmark)
    arena = measured(benchmark).arena
    assert task.model is not None
    assert arena is not None
    begins = {b.name: b.first_layer for b in arena.plan if b.kind == TENSOR}
    assert {layer.name: layer.index for layer in task.model.layers}.items() <= begins.items()
    assert begins[task.model.input.name] == 0


@pytest.mark.emulator
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_parts_of_flash_and_ram_add_up(benchmark: str) -> None:
    task, _ = observed("stm32f4", benchmark)
    memory = measured(benchmark)
    flash, ram = memory.flash, memory.ram
    assert task.model is not None
    assert flash is not None
    assert ram is not None
    assert flash.weights_bytes == len(task.model.data)
    image = flash.code_bytes + flash.tables_bytes + flash.data_bytes
    assert image + flash.weights_bytes == memory.flash_bytes
    assert memory.arena_bytes is not None
    assert ram.static_bytes + ram.stack_bytes + memory.arena_bytes == memory.ram_bytes
    assert ram.stack_used_bytes is not None
    assert 0 < ram.stack_used_bytes < ram.stack_bytes


@pytest.mark.emulator
def test_what_is_needed_is_what_the_platforms_memories_hold() -> None:
    task, seen = observed("stm32f4", "kws")
    assert task.model is not None
    assert seen.footprint is not None
    needs = memory_needs(task.image, task.model, seen.footprint)
    memory = measured("kws")
    used = sum(entry["used_bytes"] for entry in memory.memories.values())
    assert sum(needs.values()) == used == memory.flash_bytes + memory.ram_bytes


def test_a_tensor_lives_from_its_layer_to_its_last_reader() -> None:
    model = kws()
    alive = model.lifetimes
    given = next(life for life in alive.values() if life.name == model.input.name)
    answered = next(life for life in alive.values() if life.name == model.output.name)
    last = len(model.layers) - 1
    assert (given.first, given.last) == (0, 0)
    assert (answered.first, answered.last) == (last, last)
    # a chain without branches: each layer reads the one before
    assert sorted((life.first, life.last) for life in alive.values()) == [
        (0, 0),
        *((layer, layer + 1) for layer in range(last)),
        (last, last),
    ]


def test_a_sum_around_layers_keeps_its_input_alive() -> None:
    alive = benchmark_model(BENCHMARKS["ic"]).lifetimes
    assert max(life.last - life.first for life in alive.values()) > 1


@pytest.mark.parametrize("buffer", [("tensor", 10_000), ("tensor", 1), ("scratch", 13)])
def test_a_buffer_that_the_model_has_not_is_refused(buffer: tuple[str, int]) -> None:
    """Tensor 1 is a constant; the last layer is number 12."""
    plan = replace(FOOTPRINT.plan, buffers=(PlanBuffer(*buffer, 0, 16),))
    with pytest.raises(InfrastructureError, match=f"{buffer[0]} {buffer[1]} in its arena"):
        arena_use(kws(), replace(FOOTPRINT, plan=plan))


def test_sizes_are_what_the_arena_reserves() -> None:
    buffers = (PlanBuffer("tensor", 0, 16, 490), PlanBuffer("scratch", 3, 512, 16))
    plan = arena_use(kws(), replace(FOOTPRINT, plan=ArenaPlan(528, 32, buffers))).plan
    sizes = {buffer.kind: (buffer.offset_bytes, buffer.size_bytes) for buffer in plan}
    assert sizes == {TENSOR: (16, 496), SCRATCH: (512, 16), PERSISTENT: (64, 32)}


def test_bytes_alive_are_those_of_the_buffers_alive() -> None:
    assert [live_bytes(PLAN, layer) for layer in range(3)] == [80, 80, 64]


def test_the_picture_shows_what_is_where() -> None:
    assert arena_picture(ArenaUse(64, 32, 96, PLAN), 96) == [
        "  0.1 ░░░░ ░░░░ ░░░░",
        "  0.1 ░░░░ ░░░░ ░░░░",
        "  0.1 ░░░░ ░░░░ ░░░░",
        "  0.1 ░░░░ ░░░░ ░░░░",
        "  0.1      ████ ████",
        "  0.1      ████ ████",
        "  0.0 ▓▓▓▓ ████ ████",
        "  0.0 ▓▓▓▓ ████ ████",
        "  0.0 ████ ████",
        "  0.0 ████ ████",
        "  0.0 ████",
        "  0.0 ████",
        "layer 0    1    2",
        "      ^",
        "█ tensor, ▓ scratch, ░ persistent; ^ peak: 0.1 KiB alive in layer 0",
    ]


@settings(max_examples=25)
@given(layers=st.integers(1, 160), peak=st.integers(0, 159), size=st.integers(1, 1 << 20))
def test_a_picture_of_any_model_is_eighty_columns_wide(layers: int, peak: int, size: int) -> None:
    peak = min(peak, layers - 1)
    plan = (
        ArenaBuffer(PERSISTENT, PERSISTENT, size, 16, 0, layers - 1),
        ArenaBuffer("widest", TENSOR, 0, size, peak, peak),
    )
    lines = arena_picture(ArenaUse(size, 16, size + 16, plan), size + 16)
    assert max(map(len, lines)) <= 80
    assert sum(line.strip() == "^" for line in lines) == 1
    assert lines[-1].endswith(f"alive in layer {peak}")
