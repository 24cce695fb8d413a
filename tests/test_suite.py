"""The four benchmarks on the real firmware in the real emulator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from other_qemus import OTHERS, other_qemu

from simbench.backends import backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.counts import Counts
from simbench.firmware.build import KERNELS
from simbench.result.tree import OK
from simbench.runs.runner import run_task
from simbench.session.conversation import converse
from simbench.session.measure import launch_spec, measure
from simbench.task.tasks import ModelTask, suite_task

BENCHMARKS = load_benchmarks()
QEMU = backend("qemu")
BOARD = load_platform("stm32f4")
SAID = {
    ("vww", "astronaut"): "person",
    ("vww", "chelsea"): "non_person",
    ("ic", "chelsea"): "cat",
    ("ic", "horse"): "horse",
}


def task(benchmark: str, kernels: str = "cmsis-nn", samples: int = 10) -> ModelTask:
    scenario = Scenario(benchmark, BOARD.id, Variant(kernels))
    machine = QEMU.machine(BOARD.core)
    return suite_task(scenario, BOARD, BENCHMARKS[benchmark], machine, samples)


@pytest.mark.emulator
@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_every_output_is_the_hosts_bit_for_bit(benchmark: str, kernels: str) -> None:
    result = run_task(task(benchmark, kernels), QEMU)
    assert result.status == OK, result.reason
    assert result.parity is not None
    assert result.parity.samples >= 10
    assert result.parity.exact == result.parity.samples
    assert result.coverage == 1.0
    said = {(benchmark, p.input): p.label for p in result.predictions}
    assert said.items() >= {k: v for k, v in SAID.items() if k[0] == benchmark}.items()
    # vww is the one that is close: 128 KiB of SRAM
    assert result.memory is not None
    sram = result.memory.memories["sram"]
    assert result.memory.arena_bytes is not None
    assert result.memory.arena_bytes <= sram["used_bytes"] <= sram["size_bytes"]


def same(ours: Counts, theirs: Counts) -> bool:
    pairs = ((ours.inference, theirs.inference), *zip(ours.layers, theirs.layers, strict=True))
    return ours.blocks == theirs.blocks and all(
        np.array_equal(a.executions, b.executions)
        and np.array_equal(a.edges, b.edges)
        and np.array_equal(a.accesses, b.accesses)
        for a, b in pairs
    )


@pytest.mark.emulator
@pytest.mark.parametrize("benchmark", ["kws", "ad"])
def test_an_input_by_uart_and_from_the_bank_give_the_same(benchmark: str) -> None:
    first = task(benchmark, samples=1)
    both = replace(first, inputs=first.inputs[:1] * 2)
    with QEMU.launch(replace(launch_spec(both), counted_windows=None)) as board:
        conversation = converse(board)
        conversation.load(both.inputs[0].wire)
        wired, wired_output = conversation.infer().counts, conversation.output()
        conversation.load_bank(0)
        banked, banked_output = conversation.infer().counts, conversation.output()
    assert wired_output == banked_output
    assert wired is not None
    assert banked is not None
    assert same(wired, banked)


@pytest.mark.emulator
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_counts_are_the_same_in_every_version_of_qemu(
    benchmark: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = other_qemu(other)
    one = task(benchmark, samples=1)
    installed = measure(one, QEMU)
    monkeypatch.setenv("SIMBENCH_QEMU", program)
    newer = measure(one, QEMU)
    assert installed.outputs == newer.outputs
    assert same(installed.counts, newer.counts)
    ours, theirs = (seen.counts.inference.cache_events for seen in (installed, newer))
    assert all(np.array_equal(events, theirs[name]) for name, events in ours.items())


@pytest.mark.emulator
def test_an_emulated_fault_is_a_result_with_the_reason() -> None:
    """A model cut short in the board's memory: the firmware refuses it, nothing else is lost."""
    whole = task("ad", samples=1)
    broken = replace(whole, model=replace(whole.model, data=bytes(64)))
    result = run_task(broken, QEMU)
    assert result.status == "error"
    assert result.reason is not None
    assert "cannot run" in result.reason
