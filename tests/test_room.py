"""A model that the emulated machine has no room for is told before it starts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hand_made_models import Maker

from simbench.accuracy.judge import board_outputs
from simbench.backends import backend
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario
from simbench.cli.main import _run
from simbench.counts import Segment
from simbench.errors import DoesNotFit, UsageError
from simbench.result.tree import DOES_NOT_FIT
from simbench.runs.runner import run_task
from simbench.session.room import as_fits, check_room
from simbench.task.tasks import ModelTask, own_benchmark, suite_task

pytestmark = pytest.mark.emulator

MODELS = Path(__file__).parent / "data/models"
MIB = 1 << 20
ADD, LOGISTIC, MAX_POOL_2D, TANH = 0, 14, 17, 28
INT8 = 9


@cache
def task_of(name: str, samples: int = 2) -> ModelTask:
    board, own = load_platform("stm32f4"), own_benchmark(MODELS / name)
    machine = backend("qemu").machine(board.core)
    return suite_task(Scenario(own.id, board.id), board, own, machine, samples)


def with_memories(task: ModelTask, size: int) -> ModelTask:
    """The task on a board whose memories have ``size`` bytes each."""
    memories = {n: replace(m, size_bytes=size) for n, m in task.platform.memories.items()}
    return replace(task, platform=replace(task.platform, memories=memories))


def larger(task: ModelTask, size: int) -> ModelTask:
    return replace(task, model=replace(task.model, data=task.model.data.ljust(size, b"\0")))


def test_a_model_that_fits_is_let_through() -> None:
    check_room(task_of("sine_int8.tflite"))
    check_room(larger(task_of("sine_int8.tflite"), 2 * MIB))


def test_a_model_larger_than_the_board_and_the_machine_is_told_by_the_board() -> None:
    large = larger(task_of("sine_int8.tflite"), 2 * MIB + 1)
    with pytest.raises(DoesNotFit, match=r"model \(in flash\) needs 2,097,153 bytes, 1,048,576"):
        check_room(large)


def test_a_model_larger_than_the_machine_alone_is_told_by_the_machine() -> None:
    large = with_memories(larger(task_of("sine_int8.tflite"), 2 * MIB + 1), 64 * MIB)
    with pytest.raises(DoesNotFit, match=r"\(in the emulated machine\) needs 2,097,153 bytes"):
        check_room(large)


def test_a_large_arena_is_a_result() -> None:
    result = run_task(task_of("arena_over_8MiB.tflite"), backend("qemu"))
    assert result.status == DOES_NOT_FIT
    assert result.reason == "the arena (in sram) needs 11,534,336 bytes, 131,072 are free"
    assert result.cycles is None


def test_more_inputs_than_the_machine_holds_are_a_mistake() -> None:
    task = task_of("sine_int8.tflite")
    given = replace(task.inputs[0], wire=bytes(3 * MIB))
    with pytest.raises(UsageError, match=r"3 inputs of 3,145,728 bytes .*: give --samples 2"):
        check_room(replace(task, inputs=(given,) * 3))


def test_as_many_seeded_inputs_are_left_as_the_machine_holds() -> None:
    task = task_of("sine_int8.tflite", samples=10)
    given = replace(task.inputs[0], wire=bytes(MIB))
    large = replace(task, inputs=(given,) * 12)
    fewer = as_fits(large)
    assert len(fewer.inputs) == 8
    assert fewer.notes == (
        "8 inputs of 1,048,576 bytes are compared, not 12: the emulated machine holds no more",
    )
    check_room(fewer)
    assert as_fits(task) == task
    asked = replace(large, real=10)
    assert len(as_fits(asked).inputs) == 10
    with pytest.raises(UsageError, match="give --samples 8"):
        check_room(as_fits(asked))


def test_an_input_that_the_machine_does_not_hold_is_a_result() -> None:
    task = task_of("sine_int8.tflite")
    given = replace(task.inputs[0], wire=bytes(8 * MIB + 1))
    alone = as_fits(replace(task, inputs=(given,) * 3))
    assert len(alone.inputs) == 1
    fits = replace(task.platform.memory_of(Segment.ARENA), size_bytes=64 * MIB)
    with pytest.raises(DoesNotFit, match=r"input \(in the emulated machine\) needs 8,388,609"):
        check_room(replace(alone, platform=replace(task.platform, memories={"sram": fits})))


def test_labelled_data_that_the_machine_does_not_hold_is_a_result() -> None:
    task = task_of("sine_int8.tflite")
    given = replace(task.inputs[0], wire=bytes(8 * MIB + 1))
    with pytest.raises(DoesNotFit, match="needs 8,388,609"):
        board_outputs(task, backend("qemu"), [given], None)


def test_the_default_number_of_inputs_is_what_a_large_model_leaves_room_for(
    tmp_path: Path,
) -> None:
    maker = Maker()
    shapes = ((1, 480, 640, 3), (1, 1, 1, 3))
    ends = [maker.tensor(shape, INT8, scales=(0.5,)) for shape in shapes]
    window = {"filterHeight": 480, "filterWidth": 640, "strideH": 1, "strideW": 1, "padding": 1}
    maker.layer(MAX_POOL_2D, ends[:1], ends[1:], "Pool2DOptions", **window)
    file, kept = tmp_path / "camera.tflite", tmp_path / "run.json"
    file.write_bytes(maker.packed(ends[:1], ends[1:]))
    ran = ("run", "--platform", "stm32h7", "--model", str(file), "--json", str(kept))
    assert _run(ran) == 0
    (result,) = json.loads(kept.read_text())["results"]
    assert result["status"] == "ok"
    assert (result["parity"]["samples"], result["parity"]["exact"]) == (9, 9)
    assert "9 inputs of 921,600 bytes are compared, not 10" in result["notes"][0]
    assert _run((*ran, "--samples", "10")) == 2


def test_inputs_of_a_model_that_fits_no_board_are_no_mistake() -> None:
    task = task_of("sine_int8.tflite")
    given, model = (
        replace(task.inputs[0], wire=bytes(3 * MIB)),
        replace(task.model, least_arena_bytes=3 * MIB),
    )
    with pytest.raises(DoesNotFit, match=r"arena \(in sram\) needs 3,145,728 bytes"):
        check_room(replace(task, inputs=(given,) * 3, model=model))


def test_an_arena_that_only_the_firmware_knows_to_be_too_large_is_a_result(tmp_path: Path) -> None:
    """No layer's own tensors take 8 MiB: those that live on beside them do."""
    maker = Maker()
    ends = [maker.tensor((1, 512, 512, 3)) for _ in range(5)]
    for layer, (read, made) in enumerate([([0], 1), ([0], 2), ([1, 2], 3), ([3, 0], 4)]):
        options = "AddOptions" if layer > 1 else None
        code = (LOGISTIC, TANH, ADD, ADD)[layer]
        maker.layer(code, [ends[i] for i in read], [ends[made]], options)
    file = tmp_path / "large.tflite"
    file.write_bytes(maker.packed(ends[:1], ends[4:]))
    task = task_of(str(file))
    assert task.model.least_arena_bytes < 8 * MIB
    result = run_task(task, backend("qemu"))
    assert result.status == DOES_NOT_FIT
    assert result.reason is not None
    assert re.fullmatch(r"the arena \(in sram\) needs 12,58\d,\d+ bytes, 131,072 .*", result.reason)
