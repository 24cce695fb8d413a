"""What-if studies from Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from simbench.backends import pricing_backend
from simbench.catalog.benchmarks import benchmarks_called
from simbench.catalog.platforms import platform_names
from simbench.catalog.scenario import DEFAULT_KERNELS, PINNED_TOOLCHAIN
from simbench.errors import UsageError
from simbench.firmware.build import kernel_sets
from simbench.firmware.toolchain import toolchains_called
from simbench.store import default_store
from simbench.suites.request import workloads
from simbench.sweeps.axes import ALIASES, Axis, Group, check_groups, group, parse_values
from simbench.sweeps.run import run_study
from simbench.sweeps.study import (
    DEFAULT_OBJECTIVES,
    Study,
    parse_fraction,
    parse_goal,
    parse_objectives,
    read_study,
)
from simbench.sweeps.sweep import Sweep
from simbench.task.tasks import DEFAULT_TIME_LIMIT_S, check_time_limit

_Name = TypeVar("_Name", bound=str | Path)

Values = str | Iterable[object]
"""Values of an axis: as on the command line ("0..5", "40MHz,80MHz"), or one by one."""


def sweep(
    *,
    platform: str | Path | Sequence[str | Path],
    benchmark: str | Sequence[str] = (),
    model: str | Path | Sequence[str | Path] | None = None,
    kernels: str | Sequence[str] = DEFAULT_KERNELS,
    toolchain: str | Path | Sequence[str | Path] = PINNED_TOOLCHAIN,
    set: Mapping[str, Values] | None = None,
    zip: Sequence[Mapping[str, Values]] = (),
    goal: str | None = None,
    sensitivity: str | None = None,
    pareto: str = ",".join(DEFAULT_OBJECTIVES),
    backend: str = "qemu",
    time_limit: float = DEFAULT_TIME_LIMIT_S,
    no_cache: bool = False,
) -> Sweep:
    """Price every combination of what is ``set`` on every platform, benchmark, kernel set and
    toolchain.

    ``set`` gives each path in a board's file (or, below "core.", in its core's) its values; each
    mapping of ``zip`` does so for paths that go together. Simulations come from the user's store,
    but with ``no_cache``. Raises UsageError for a mistake, and NothingRun where there is nothing to
    price.
    """
    models = () if model is None else tuple(map(Path, _listed(model)))
    own = workloads(_listed(benchmark), models) if models else ()
    study = Study(
        platforms=platform_names(map(str, _listed(platform))),
        benchmarks=own or benchmarks_called(_listed(benchmark or "*")),
        kernels=kernel_sets(_listed(kernels)),
        toolchains=toolchains_called(map(str, _listed(toolchain))),
        groups=_groups(set or {}, zip),
        goal=None if goal is None else parse_goal(goal),
        sensitivity=None if sensitivity is None else parse_fraction(sensitivity),
        pareto=parse_objectives(pareto),
    )
    return _carried_out(study, backend, time_limit, no_cache)


def sweep_study(
    path: str | Path,
    *,
    backend: str = "qemu",
    time_limit: float = DEFAULT_TIME_LIMIT_S,
    no_cache: bool = False,
) -> Sweep:
    """Carry out the study in the file ``path``. Raises as :func:`sweep`, naming its lines."""
    return _carried_out(read_study(Path(path)), backend, time_limit, no_cache)


def _carried_out(study: Study, backend: str, time_limit_s: float, no_cache: bool) -> Sweep:
    check_time_limit(time_limit_s)
    store = None if no_cache else default_store()
    return run_study(study, pricing_backend(backend), store, time_limit_s=time_limit_s)


def _listed(names: _Name | Sequence[_Name]) -> Sequence[_Name]:
    return (names,) if isinstance(names, str | Path) else names


def _groups(
    axes: Mapping[str, Values], together: Sequence[Mapping[str, Values]]
) -> tuple[Group, ...]:
    crossed = (group([_axis(path, values)]) for path, values in axes.items())
    zipped = (group(_axis(path, values) for path, values in paths.items()) for paths in together)
    return check_groups((*crossed, *zipped))


def _axis(path: str, values: Values) -> Axis:
    path = ALIASES.get(path, path)
    if isinstance(values, str):
        return Axis(path, parse_values(path, values))
    texts = tuple(_text(value) for value in values)
    if not texts:
        raise UsageError(f"{path} has no values: give one at least")
    return Axis(path, texts)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
