"""The suite file, ``simbench.yaml``: what a repository runs, where, and within which budgets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from simbench.catalog.benchmarks import Benchmark, benchmarks_called, load_benchmarks
from simbench.catalog.platforms import Platform, load_platform
from simbench.catalog.scenario import DEFAULT_KERNELS, PINNED_TOOLCHAIN
from simbench.errors import UsageError
from simbench.files.datafile import Table, read
from simbench.firmware.build import kernel_set
from simbench.firmware.toolchain import toolchains_called
from simbench.result.metrics import selects
from simbench.suites.budgets import Limit, metric_limit
from simbench.suites.suite import Suite
from simbench.task.tasks import DEFAULT_SAMPLES, MOST_SAMPLES, own_benchmark

_T = TypeVar("_T")

SUITE_FILE = "simbench.yaml"
NAME = r"[a-z0-9][a-z0-9_-]{0,31}"
"""What a model may be called: a part of its results' ids."""


def read_suite(path: Path) -> Suite:
    """The suite in the file ``path``; files that it names are relative to it.

    Raises UsageError naming the file, the line and the key at fault.
    """
    if not path.is_file():
        raise UsageError(
            f"there is no suite file {path}: write one ('simbench init' does), or name a board "
            "with --platform"
        )
    table = read(path)
    own = _models(path.parent, table.table("models")) if "models" in table else ()
    suite = Suite(
        platforms=_each(table, "platforms", lambda name: _platform(path.parent, name)),
        benchmarks=_benchmarks(table, [benchmark for benchmark, _ in own]),
        kernels=_each(table, "kernels", kernel_set) if "kernels" in table else (DEFAULT_KERNELS,),
        toolchains=_toolchains(table, path.parent),
        samples=_samples(table),
        inputs={benchmark.id: inputs for benchmark, inputs in own if inputs},
    )
    limits = tuple(_limits(table.table("budgets"), suite)) if "budgets" in table else ()
    table.finish()
    return replace(suite, limits=limits)


def _each(table: Table, key: str, check: Callable[[str], _T]) -> tuple[_T, ...]:
    """What ``check`` makes of the texts under ``key``, once each; its refusal with the line."""
    names = dict.fromkeys(table.texts(key))
    if not names:
        raise table.fail(key, "is empty: name at least one")
    try:
        return tuple(check(name) for name in names)
    except UsageError as error:
        raise table.fail(key, str(error)) from None


def _toolchains(table: Table, folder: Path) -> tuple[str, ...]:
    if "toolchains" not in table:
        return (PINNED_TOOLCHAIN,)
    return _each(table, "toolchains", lambda name: toolchains_called([name], folder)[0])


def _platform(folder: Path, name: str) -> Platform:
    return load_platform(str(folder / name) if name.endswith(".yaml") else name)


def _benchmarks(table: Table, own: Sequence[Benchmark]) -> tuple[Benchmark, ...]:
    """The built-in benchmarks that the file names, all where it names no model, and its models."""
    named = () if own else tuple(load_benchmarks().values())
    if "benchmarks" in table:
        named = _each(table, "benchmarks", lambda name: benchmarks_called([name])[0])
    taken = {benchmark.id for benchmark in named}
    for benchmark in own:
        if benchmark.id in taken:
            raise table.fail("models", f"{benchmark.id} is a benchmark's name: choose another")
    return (*named, *own)


_Model = tuple[Benchmark, tuple[Path, ...]]


def _models(folder: Path, models: Table) -> tuple[_Model, ...]:
    """Each model as a benchmark, with its input files."""
    return tuple(_model(folder, models, name) for name in models)


def _model(folder: Path, models: Table, name: str) -> _Model:
    if not re.fullmatch(NAME, name):
        raise models.fail(name, f"is no name: it must match {NAME}")
    table = models.table(name)
    file = _file(table, "file", folder / table.text("file"))
    texts = table.texts("inputs") if "inputs" in table else ()
    inputs = tuple(_file(table, "inputs", folder / text) for text in texts)
    table.finish()
    return replace(own_benchmark(file), id=name, model_id=name[:15]), inputs


def _file(table: Table, key: str, path: Path) -> Path:
    if not path.is_file():
        raise table.fail(key, f"there is no file {path}")
    return path


def _samples(table: Table) -> int:
    if "samples" not in table:
        return DEFAULT_SAMPLES
    return table.integer("samples", minimum=1, maximum=MOST_SAMPLES)


def _limits(table: Table, suite: Suite) -> Iterator[Limit]:
    ids = [scenario.id for scenario in suite.scenarios]
    for results in table:
        if not any(selects(results, id_) for id_ in ids):
            near = get_close_matches(results, ids, 1) or ids
            raise table.fail(results, f"is no result of this suite (one is {near[0]})")
        budget = table.table(results)
        for metric in budget:
            try:
                yield Limit(results, metric, metric_limit(metric, budget.text(metric)))
            except ValueError as error:
                raise budget.fail(metric, str(error)) from None
