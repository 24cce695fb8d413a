"""Measures models in this process, each on all the platforms that are asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from pathlib import Path

from simbench.backends import Backend, pricing_backend
from simbench.catalog.benchmarks import Benchmark
from simbench.catalog.platforms import Platform, load_platform, platform_names
from simbench.catalog.scenario import Scenario
from simbench.errors import DoesNotFit, InfrastructureError, ModelError
from simbench.files.fetch import Progress, quiet
from simbench.firmware.recall import Firmware, recalled_firmware
from simbench.models.prepare import prepare
from simbench.models.prepared import PreparedModel
from simbench.models.reference import reference_outputs
from simbench.models.verify import read_model
from simbench.result.tree import Result
from simbench.runs.assemble import assembled
from simbench.runs.bare import failed_result, refused_result
from simbench.search.asked import PARITY, Asked
from simbench.search.model import Model
from simbench.search.row import ModelRow, row_of
from simbench.session.joint import Watched, watched_together
from simbench.session.warm import WarmBoards
from simbench.store import Store
from simbench.task.inputs import benchmark_inputs
from simbench.task.tasks import ModelTask, Refused, naming, own_benchmark

Ops = tuple[tuple[int, int], ...]
"""The operators of a firmware: code and highest version."""

Prepared = Callable[[Ops], PreparedModel]


@dataclass(frozen=True, slots=True)
class Board:
    """A platform with the firmware of its core, and the emulator's machine."""

    platform: Platform
    firmware: Firmware
    machine: str


def boards_of(
    asked: Asked, backend: Backend, store: Store | None, progress: Progress = quiet
) -> tuple[Board, ...]:
    """The boards of ``asked``, those of one core side by side; their firmware is built.

    Raises UsageError for a platform that there is not, and what building raises.
    """
    platforms = map(load_platform, platform_names(asked.platforms))
    return tuple(
        Board(
            platform,
            recalled_firmware(platform.core, asked.variant, store, progress),
            backend.machine(platform.core),
        )
        for platform in sorted(platforms, key=lambda platform: platform.core)
    )


def _core_of(board: Board) -> str:
    return board.platform.core


class Meter(contextlib.AbstractContextManager["Meter"]):
    """What is asked of every model, with ``boards`` that stay up until it is closed."""

    def __init__(self, asked: Asked, boards: Sequence[Board]) -> None:
        self.asked, self.boards = asked, boards
        self._backend = pricing_backend(asked.backend)
        self._warm = WarmBoards()

    def __exit__(self, *_: object) -> None:
        """Close the boards."""
        self._warm.__exit__()

    def rows(self, model: Model, platforms: Sequence[str] | None = None) -> list[ModelRow]:
        """The rows of ``model`` on ``platforms``, by id, or on all."""
        chosen = [b for b in self.boards if platforms is None or b.platform.id in platforms]
        benchmark = own_benchmark(Path(model.name))
        prepared = cache(partial(_prepared, model, benchmark))  # cores mostly know the same
        rows = []
        for _, boards in groupby(chosen, key=_core_of):
            found = self._results(list(boards), benchmark, prepared)
            rows += [row_of(model.name, result, layers=self.asked.layers) for result in found]
        return rows

    def _results(
        self, boards: Sequence[Board], benchmark: Benchmark, prepared: Prepared
    ) -> Iterator[Result]:
        """Of ``boards``, which have one core."""
        variant = self.asked.variant
        scenarios = [Scenario(benchmark.id, board.platform.id, variant) for board in boards]
        try:
            model = prepared(tuple(boards[0].firmware.ops.items()))
        except ModelError as error:
            yield from (refused_result(Refused(scenario, error)) for scenario in scenarios)
            return
        inputs = benchmark_inputs(benchmark, model, max(PARITY[self.asked.parity], 1))
        tasks = [
            ModelTask(
                scenario=scenario,
                platform=board.platform,
                benchmark=benchmark,
                image=board.firmware.image,
                machine=board.machine,
                model=model,
                inputs=inputs,
                real=0,
                time_limit_s=self.asked.time_limit_s,
            )
            for scenario, board in zip(scenarios, boards, strict=True)
        ]
        for watched, some in watched_together(tasks, self._backend.capabilities):
            yield from self._measured(watched, some)

    def _measured(self, watched: Watched, tasks: Sequence[ModelTask]) -> Iterator[Result]:
        """Of ``tasks``, which one inference serves."""
        first = tasks[0]
        try:
            seen = self._warm.measure(first, self._backend, caches=watched.caches)
            expected = self._expected(first)
            for task in tasks:
                own = watched.of(task, seen)
                yield assembled(task, own, expected, in_detail=self.asked.layers)
        except DoesNotFit as error:  # of which memory of the board, each says for itself
            yield failed_result(first, error)
            for task in tasks[1:]:
                yield from self._measured(watched, [task])
        except (ModelError, InfrastructureError) as error:
            yield from (failed_result(task, error) for task in tasks)

    def _expected(self, task: ModelTask) -> tuple[bytes, ...] | None:
        """What the host answers, or None where nobody asks."""
        if not PARITY[self.asked.parity]:
            return None
        return reference_outputs(task.model, [given.tensor for given in task.inputs])


def _prepared(model: Model, benchmark: Benchmark, known: Ops) -> PreparedModel:
    """Raises ModelError, which names the file."""
    with naming(benchmark):
        data = read_model(Path(model.name)) if model.data is None else model.data
        return prepare(data, dict(known))
