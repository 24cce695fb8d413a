"""Boards that stay up: what they count of a model is what a board of its own counts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from scripted import example

from simbench.backends import backend
from simbench.backends.boards import Running
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.errors import FirmwareFault, InfrastructureError
from simbench.session.measure import measure
from simbench.session.warm import WarmBoards
from simbench.store import encode
from simbench.task.tasks import ModelTask, own_benchmark, suite_task

pytestmark = pytest.mark.emulator

MODELS = Path(__file__).parent / "data" / "models"
KINDS = ("lstm_int8_tf215", "stateful_variable", "mnist_cnn_int16x8", "sine_int8")
QEMU = backend("qemu")
spotters = example("nas/spotters")


def task_of(path: Path, platform: str, inputs: int = 1) -> ModelTask:
    benchmark, board = own_benchmark(path), load_platform(platform)
    scenario = Scenario(benchmark.id, board.id, Variant("cmsis-nn"))
    return suite_task(scenario, board, benchmark, QEMU.machine(board.core), inputs)


def written(folder: Path, count: int) -> list[Path]:
    """Models of the family of keyword spotters, small ones."""
    small = [one for one in spotters.sample(600, seed=7) if max(one.channels) <= 12]
    paths = []
    for spotter in small[:count]:
        paths.append(folder / f"{spotter.name}.tflite")
        paths[-1].write_bytes(spotters.model(spotter))
    return paths


def assert_the_same(tasks: Sequence[ModelTask]) -> None:
    with WarmBoards() as boards:
        for task in tasks:
            assert encode(boards.measure(task, QEMU)) == encode(measure(task, QEMU))


def test_models_in_any_order_count_as_on_a_board_of_their_own(tmp_path: Path) -> None:
    """Operators of every kind, models with a state, and one small after one large."""
    paths = [*written(tmp_path, 16), *(MODELS / f"{name}.tflite" for name in KINDS)]
    tasks = [task_of(path, "stm32f4") for path in paths]
    random.Random(3).shuffle(tasks)
    assert_the_same([*tasks, *tasks[:3]])


@pytest.mark.parametrize(
    "platform", ["rp2040", "stm32f746", "stm32u575", "corstone-300", "apollo3"]
)
def test_every_core_begins_anew(tmp_path: Path, platform: str) -> None:
    """With a cache that code and data share, two caches, none, and vector instructions."""
    assert_the_same([task_of(path, platform) for path in written(tmp_path, 4)])


def test_further_inputs_are_answered_too(tmp_path: Path) -> None:
    assert_the_same([task_of(path, "stm32f4", inputs=3) for path in written(tmp_path, 2)])


def test_one_board_serves_all_models(tmp_path: Path) -> None:
    boards_seen: set[Running] = set()
    with WarmBoards() as boards:
        for path in written(tmp_path, 3):
            boards.measure(task_of(path, "stm32f4"), QEMU, boards_seen.add)
    assert len(boards_seen) == 1


def test_a_model_after_one_that_failed_has_another_board(tmp_path: Path) -> None:
    one, other = (task_of(path, "stm32f4") for path in written(tmp_path, 2))
    spoilt = replace(other, model=replace(other.model, data=b"\0" * len(other.model.data)))
    with WarmBoards() as boards:
        boards.measure(one, QEMU)
        with pytest.raises((InfrastructureError, FirmwareFault)):
            boards.measure(spoilt, QEMU)
        assert encode(boards.measure(other, QEMU)) == encode(measure(other, QEMU))


def test_the_same_model_counts_the_same_however_fast_the_host_is(tmp_path: Path) -> None:
    """On a Cortex-M0+ the time that is printed before the window was divided for by more or less
    code, and so one line more or less was in the cache."""
    (path,) = written(tmp_path, 1)
    task = task_of(path, "rp2040")
    assert len({encode(measure(task, QEMU)) for _ in range(12)}) == 1
