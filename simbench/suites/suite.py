"""A suite: what to run, on which boards, with which kernels, and within which budgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from simbench.backends import Backend
from simbench.catalog.benchmarks import Benchmark
from simbench.catalog.platforms import Platform
from simbench.catalog.scenario import (
    DEFAULT_KERNELS,
    OWN_RUNTIME,
    PINNED_TOOLCHAIN,
    Scenario,
    cross,
    variants,
)
from simbench.errors import ModelError, UsageError
from simbench.files.fetch import Progress, quiet
from simbench.store import Store
from simbench.suites.budgets import Limit
from simbench.task.tasks import (
    DEFAULT_SAMPLES,
    ModelTask,
    Refused,
    suite_task,
    with_inputs,
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Suite:
    """Every benchmark on every platform with every kernel set under every runtime by every
    toolchain.

    ``inputs`` are a benchmark's own input files, by its id; ``samples`` is the number of seeded
    inputs that are compared after them. ``limits`` are the budgets.
    """

    platforms: tuple[Platform, ...]
    benchmarks: tuple[Benchmark, ...]
    kernels: tuple[str, ...] = (DEFAULT_KERNELS,)
    runtimes: tuple[str, ...] = (OWN_RUNTIME,)
    toolchains: tuple[str, ...] = (PINNED_TOOLCHAIN,)
    samples: int = DEFAULT_SAMPLES
    inputs: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Every combination once, platforms outermost."""
        names = ([p.id for p in self.platforms], [b.id for b in self.benchmarks])
        return cross(*names, variants(self.kernels, self.runtimes, self.toolchains))


def narrowed(
    suite: Suite,
    platforms: Sequence[str],
    benchmarks: Sequence[str],
    kernels: Sequence[str],
    samples: int | None,
) -> Suite:
    """``suite`` with only what is named, where something is; UsageError for what is not in it."""
    return replace(
        suite,
        platforms=_only(suite.platforms, platforms, "platform", lambda p: p.id),
        benchmarks=_only(suite.benchmarks, benchmarks, "benchmark", lambda b: b.id),
        kernels=_only(suite.kernels, kernels, "kernel set", str),
        samples=suite.samples if samples is None else samples,
    )


def _only(
    there: tuple[_T, ...], names: Sequence[str], what: str, name_of: Callable[[_T], str]
) -> tuple[_T, ...]:
    known = [name_of(entry) for entry in there]
    for name in names:
        if name not in known:
            raise UsageError(f"no {what} of the suite is called {name}: it has {', '.join(known)}")
    return tuple(entry for entry in there if not names or name_of(entry) in names)


def suite_tasks(
    suite: Suite, emulator: Backend, progress: Progress = quiet, store: Store | None = None
) -> tuple[ModelTask | Refused, ...]:
    """The tasks of ``suite``, with the images built and the models from the ``store`` where it has
    them; a model that is refused is told in place of its task.

    Raises what building raises, and ModelError where every model is refused.
    """
    boards = {board.id: board for board in suite.platforms}
    benchmarks = {benchmark.id: benchmark for benchmark in suite.benchmarks}

    def task(scenario: Scenario) -> ModelTask | Refused:
        board, benchmark = boards[scenario.platform], benchmarks[scenario.benchmark]
        machine = emulator.machine(board.core)
        try:
            made = suite_task(scenario, board, benchmark, machine, suite.samples, progress, store)
        except ModelError as error:
            return Refused(scenario, error)
        given = suite.inputs.get(benchmark.id)
        return with_inputs(made, given, seeded=True) if given else made

    tasks = tuple(map(task, suite.scenarios))
    refused = [entry for entry in tasks if isinstance(entry, Refused)]
    if refused and len(refused) == len(tasks):
        raise refused[0].error
    return tasks
