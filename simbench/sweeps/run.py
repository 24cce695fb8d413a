"""Carry out a study: make its targets, simulate what must be, price everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.backends import Backend
from simbench.catalog.benchmarks import Benchmark
from simbench.catalog.scenario import Scenario
from simbench.cost.target import Target, price_settings
from simbench.errors import UsageError
from simbench.files.fetch import Progress, quiet
from simbench.store import Store
from simbench.sweeps.axes import Setting, check_size, crossed
from simbench.sweeps.changes import Change, group_changes, sensitivity_changes
from simbench.sweeps.points import Points, column_of, stacked
from simbench.sweeps.price import Case, Layout, Priced, layouts, needed, price
from simbench.sweeps.sheet import Sheet, WrongSetting, sheet
from simbench.sweeps.simulate import LOCAL, Advanced, Executor, Key, Simulated, Tasks, simulate
from simbench.sweeps.study import Study
from simbench.sweeps.sweep import SCENARIO, Sweep
from simbench.task.tasks import DEFAULT_TIME_LIMIT_S, ModelTask

_CLOCK_NOTE = (
    "a changed clock keeps the energy coefficients: no change of the core's voltage goes with it"
)


@dataclass(frozen=True, eq=False, slots=True)
class _Board:
    """A board with all that it is set to: the points, the board as it is, and changes of that."""

    points: tuple[Setting, ...]
    changes: tuple[Change, ...]
    sensitivities: tuple[Change, ...]
    targets: tuple[Target, ...]
    layouts: tuple[Layout, ...]


def run_study(
    study: Study,
    backend: Backend,
    store: Store | None = None,
    *,
    executor: Executor = LOCAL,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    progress: Progress = quiet,
    advanced: Advanced = lambda _, __: None,
) -> Sweep:
    """``study`` carried out; simulations come from the ``store`` where they are there.

    Raises UsageError for what is wrong with an axis before anything is simulated, and NothingRun
    where there is nothing to price.
    """
    sheets = {files.name: files for files in map(sheet, study.platforms)}
    scenarios = study.scenarios(tuple(sheets))
    check_size(len(scenarios) * len(crossed(study.groups)))
    with _placed(study):
        boards = {name: _board(files, study) for name, files in sheets.items()}
    benchmarks = {benchmark.id: benchmark for benchmark in study.benchmarks}
    cases = tuple(
        _case(scenario, benchmarks[scenario.benchmark], boards[scenario.platform])
        for scenario in scenarios
    )
    tasks = _tasks(cases, Tasks(backend, store, time_limit_s, progress))
    simulated = simulate(tasks, backend, store, executor, advanced)
    return _sweep(study, boards, {case: price(case, simulated) for case in cases}, simulated)


@contextmanager
def _placed(study: Study) -> Iterator[None]:
    """A setting that is wrong inside is said with the place of its axis in the study's file."""
    try:
        yield
    except WrongSetting as error:
        place = next((study.places[path] for path in error.paths if path in study.places), None)
        if place is None:
            raise
        raise UsageError(f"{place}: {error}") from None


def _board(files: Sheet, study: Study) -> _Board:
    points = crossed(study.groups)
    targets = [files.target(setting) for setting in points]  # a wrong value is found here
    changes = tuple(change for group in study.groups for change in group_changes(files, group))
    by = study.sensitivity
    sensitivities = () if by is None else tuple(sensitivity_changes(files, by))
    alone = (change.setting for change in (*changes, *sensitivities))
    targets += [files.target(setting) for setting in ({}, *alone)]
    return _Board(points, changes, sensitivities, tuple(targets), layouts(targets))


def _case(scenario: Scenario, benchmark: Benchmark, board: _Board) -> Case:
    return Case(scenario, benchmark, board.targets, board.layouts)


def _tasks(cases: Sequence[Case], made: Tasks) -> dict[Key, ModelTask]:
    tasks: dict[Key, ModelTask] = {}
    for case in cases:
        for key, platform in needed(case).items():
            if key not in tasks:
                tasks[key] = made.task(case.scenario, platform, case.benchmark)
    return tasks


def _sweep(
    study: Study,
    boards: Mapping[str, _Board],
    priced: Mapping[Case, Priced],
    simulated: Mapping[Key, Simulated],
) -> Sweep:
    axes = tuple(axis.path for group in study.groups for axis in group.axes)
    tables: tuple[list[Points], ...] = ([], [], [], [])
    for case, prices in priced.items():
        board = boards[case.scenario.platform]
        parts: tuple[tuple[Mapping[str, NDArray[np.generic]], int], ...] = (
            (_axis_columns(axes, board.points), len(board.points)),
            ({}, 1),
            (_change_columns(board.changes), len(board.changes)),
            (_change_columns(board.sensitivities), len(board.sensitivities)),
        )
        start = 0
        for made, (labels, length) in zip(tables, parts, strict=True):
            made.append(_table(case, labels, prices, slice(start, start + length)))
            start += length
    points, base, changes, sensitivities = (stacked(made) for made in tables)
    return Sweep(
        study=study,
        axes=axes,
        points=points,
        base=base,
        changes=changes,
        sensitivities=sensitivities,
        settings=_settings(boards, simulated),
        simulations=sum(each.counts is not None for each in simulated.values()),
        from_store=sum(each.is_cached for each in simulated.values()),
        reasons=_once(each.reason for each in simulated.values() if each.reason),
        notes=_once(_notes(axes, _base(boards), priced.values())),
        warnings=_once(warning for each in simulated.values() for warning in each.warnings),
    )


def _settings(
    boards: Mapping[str, _Board], simulated: Mapping[Key, Simulated]
) -> dict[str, Mapping[str, Any]]:
    """Everything that decides a number, by its hash, and versions for people."""
    base = _base(boards)
    return {
        **price_settings(base),
        "firmware": {f"{k.variant}/{k.core}": s.firmware_sha256 for k, s in simulated.items()},
        "models": {k.benchmark: s.model_sha256 for k, s in simulated.items()},
    }


def _base(boards: Mapping[str, _Board]) -> list[Target]:
    """The boards as they are."""
    return [board.targets[len(board.points)] for board in boards.values()]


def _table(
    case: Case, labels: Mapping[str, NDArray[np.generic]], priced: Priced, rows: slice
) -> Points:
    status = priced.status[rows]
    scenario = case.scenario
    names = (scenario.benchmark, scenario.platform, str(scenario.variant))
    said = {key: np.full(len(status), name) for key, name in zip(SCENARIO, names, strict=True)}
    numbers = {name: column[rows] for name, column in priced.columns.items()}
    why = {"reason": priced.reasons[rows]} if any(priced.reasons) else {}
    return Points({**said, **labels, "status": status, **why, **numbers})


def _axis_columns(axes: Sequence[str], points: Sequence[Setting]) -> dict[str, NDArray[np.generic]]:
    return {path: column_of([point[path] for point in points]) for path in axes}


def _change_columns(changes: Sequence[Change]) -> dict[str, NDArray[np.generic]]:
    return {
        "axis": np.array([change.axis for change in changes], dtype=np.str_),
        "value": np.array([change.value for change in changes], dtype=np.str_),
        "number": np.array([change.number for change in changes], dtype=np.float64),
        "was": np.array([change.was for change in changes], dtype=np.float64),
    }


def _notes(
    axes: Sequence[str],
    base: Iterable[Target],
    priced: Iterable[Priced],
) -> Iterator[str]:
    for platform in (target.platform for target in base):
        if platform.energy_reason is not None:
            yield f"{platform.id}: no energy: {platform.energy_reason}"
    if "clock" in axes:
        yield _CLOCK_NOTE
    for prices in priced:
        yield from prices.notes


def _once(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentences))
