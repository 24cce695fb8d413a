"""What the sections of the bench run: the suite on one platform."""

from __future__ import annotations

from simbench.backends import backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import DEFAULT_KERNELS, Scenario, Variant
from simbench.task.tasks import ModelTask, suite_task

PLATFORM = "stm32f4"


def suite_tasks(kernels: str = DEFAULT_KERNELS, samples: int = 1) -> list[ModelTask]:
    """The suite's tasks on the platform."""
    board = load_platform(PLATFORM)
    machine = backend("qemu").machine(board.core)
    return [
        suite_task(Scenario(b.id, board.id, Variant(kernels)), board, b, machine, samples)
        for b in load_benchmarks().values()
    ]


def kws_task() -> ModelTask:
    """The task of keyword spotting."""
    return next(task for task in suite_tasks() if task.scenario.benchmark == "kws")
