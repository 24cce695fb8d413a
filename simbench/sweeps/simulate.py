"""The simulations that a study needs: one for each image, model and set of caches."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from simbench.backends import Backend
from simbench.backends.boards import Launched, in_parallel
from simbench.catalog.benchmarks import Benchmark
from simbench.catalog.platforms import Platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.cost.fit import Needs
from simbench.counts import CacheGeometry, Counts
from simbench.errors import InfrastructureError
from simbench.files.fetch import Progress
from simbench.models.recall import expected_outputs
from simbench.runs.memory import memory_needs
from simbench.session.measure import measure
from simbench.session.observe import Measure, observe
from simbench.store import Store
from simbench.task.tasks import ModelTask, suite_task


class Key(NamedTuple):
    """What decides a simulation."""

    benchmark: str
    variant: Variant
    core: str
    caches: tuple[CacheGeometry, ...]


Advanced = Callable[[int, int], None]
"""Is told after each simulation how many are done, of how many."""


@dataclass(frozen=True, eq=False, slots=True)
class Simulated:
    """What pricing needs of a simulation, or why there is none.

    ``counts`` are without layers. ``reason`` says what failed, or which output was wrong,
    ``warnings`` what of the store was damaged.
    """

    firmware_sha256: str
    model_sha256: str
    counts: Counts | None
    needs: Needs
    reason: str | None = None
    is_cached: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Executor:
    """How tasks are run: by what they are measured, and how many at once."""

    measuring: Measure = measure
    at_once: int = os.cpu_count() or 1


LOCAL = Executor()
"""On this machine, on all its cores."""


class Tasks:
    """Makes the tasks of a study; kernels, models and inputs are made once for each core."""

    def __init__(
        self, emulator: Backend, store: Store | None, time_limit_s: float, progress: Progress
    ) -> None:
        self._emulator = emulator
        self._store = store
        self._time_limit_s = time_limit_s
        self._progress = progress
        self._known: dict[tuple[str, Variant, str], ModelTask] = {}

    def task(self, scenario: Scenario, platform: Platform, benchmark: Benchmark) -> ModelTask:
        """The task of the measured inference alone. Raises what building and preparing raise."""
        key = (benchmark.id, scenario.variant, platform.core)
        if key not in self._known:
            machine = self._emulator.machine(platform.core)
            made = suite_task(
                scenario, platform, benchmark, machine, 1, self._progress, self._store
            )
            self._known[key] = replace(made, inputs=made.inputs[:1], real=min(made.real, 1))
        return replace(
            self._known[key],
            scenario=scenario,
            platform=platform,
            time_limit_s=self._time_limit_s,
        )


def simulate(
    tasks: Mapping[Key, ModelTask],
    backend: Backend,
    store: Store | None,
    executor: Executor,
    advanced: Advanced,
) -> dict[Key, Simulated]:
    """Every task once, from the ``store`` where it is there; ``advanced`` is called after each.

    What goes wrong with one task is told in its :class:`Simulated`; the others go on.
    """

    def work(key: Key, launched: Launched) -> tuple[Key, Simulated]:
        return key, _simulated(tasks[key], backend, store, executor.measuring, launched)

    done = {}
    for key, simulated in in_parallel(tuple(tasks), work, executor.at_once):
        done[key] = simulated
        advanced(len(done), len(tasks))
    return done


def _simulated(
    task: ModelTask, backend: Backend, store: Store | None, measuring: Measure, launched: Launched
) -> Simulated:
    hashes = (task.image.sha256, task.model.sha256)
    try:
        observed = observe(task, backend, store, launched, measuring)
        tensors = [entry.tensor for entry in task.inputs]
        expected = expected_outputs(task.benchmark.id, task.model, tensors, store)
    except InfrastructureError as error:
        return Simulated(*hashes, None, {}, f"{task.scenario.id}: {error}")
    seen = observed.observation
    assert seen.footprint is not None  # simbench's own firmware always says
    wrong = None
    if seen.outputs != expected.outputs:
        wrong = f"{task.scenario.id}: the output differs from the host's reference"
    return Simulated(
        *hashes,
        counts=replace(seen.counts, layers=()),
        needs=memory_needs(task.image, task.model, seen.footprint),
        reason=wrong,
        is_cached=observed.is_cached,
        warnings=(*observed.notes, *expected.notes),
    )
