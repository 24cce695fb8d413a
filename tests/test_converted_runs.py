"""Models as converters write them, on an emulated board: every output is a reference's."""

from __future__ import annotations

from pathlib import Path

import pytest
from references import NOT_IN_MICRO, ONLY_MICRO

from simbench.backends import backend
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.errors import ModelError
from simbench.firmware.build import KERNELS
from simbench.result.tree import DOES_NOT_FIT, OK
from simbench.runs.runner import run_tasks
from simbench.task.tasks import ModelTask, own_benchmark, suite_task

pytestmark = [pytest.mark.emulator, pytest.mark.image]

MODELS = Path(__file__).parent / "data/models"
REFUSED = {"dynamic_length.tflite", "mnist_cnn_dynamic.tflite"}
TOO_LARGE = {"arena-over-8mib"}


def task_of(path: Path, kernels: str) -> ModelTask:
    board, own = load_platform("stm32l4r5"), own_benchmark(path)
    machine = backend("qemu").machine(board.core)
    scenario = Scenario(own.id, board.id, Variant(kernels))
    return suite_task(scenario, board, own, machine, 2)


@pytest.mark.parametrize("kernels", sorted(KERNELS))
def test_every_kind_of_model_answers_as_a_reference_does(kernels: str) -> None:
    paths = [path for path in sorted(MODELS.glob("*.tflite")) if path.name not in REFUSED]
    assert len(paths) >= 39
    results = [
        ran.result for ran in run_tasks([task_of(p, kernels) for p in paths], backend("qemu"))
    ]
    by_id = {result.benchmark: result for result in results}
    assert len(by_id) == len(paths)
    large = {name for name, result in by_id.items() if result.status == DOES_NOT_FIT}
    assert large == TOO_LARGE
    wrong = {name: r.reason for name, r in by_id.items() if r.status != OK and name not in large}
    lacking = {Path(name).stem.replace("_", "-") for name in NOT_IN_MICRO if ONLY_MICRO}
    assert wrong.keys() == lacking, wrong


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_model_of_a_kind_that_does_not_run_has_no_task(name: str) -> None:
    with pytest.raises(ModelError):
        task_of(MODELS / name, "reference")
