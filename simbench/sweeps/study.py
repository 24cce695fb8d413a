"""What a study asks: which boards, workloads and kernels, along which axes, to which goal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from simbench.catalog.benchmarks import Benchmark, benchmarks_called
from simbench.catalog.platforms import platform_names
from simbench.catalog.scenario import (
    DEFAULT_KERNELS,
    OWN_RUNTIME,
    PINNED_TOOLCHAIN,
    Scenario,
    cross,
    variants,
)
from simbench.errors import NothingRun, UsageError
from simbench.files.datafile import Table, parse_number, read
from simbench.firmware.build import kernel_sets
from simbench.firmware.toolchain import toolchains_called
from simbench.sweeps.axes import ALIASES, Axis, Group, check_groups, group, parse_values

_T = TypeVar("_T")

GOALS: Mapping[str, str] = MappingProxyType(
    {"cycles": "", "time_s": "s", "energy_j": "J", "ram_bytes": "bytes", "flash_bytes": "bytes"}
)
"""What a goal can be set for, with its unit."""
OBJECTIVES: Mapping[str, str] = MappingProxyType(
    {"time": "time_s", "energy": "energy_j", "ram": "placed_ram_bytes"}
)
"""What a board is chosen by, with the column of the points that has it."""
DEFAULT_OBJECTIVES = ("time", "energy")
FORMATS = ("csv", "parquet", "json", "html")

_GOAL = re.compile(r"\s*(?P<metric>\w+)\s*<=\s*(?P<most>.+?)\s*")


@dataclass(frozen=True, slots=True)
class Goal:
    """A metric of :data:`GOALS` and the most it may be, in the unit of its name."""

    metric: str
    most: float


@dataclass(frozen=True, slots=True)
class Study:
    """Every scenario at every combination of the groups' settings.

    ``platforms`` are names or files. ``sensitivity`` is the fraction by which every number that
    prices are made of is changed, one at a time. ``pareto`` are the :data:`OBJECTIVES` that points
    are ranked by. ``places`` is where a file names each path of an
    axis ("study.yaml:4: cross.clock").
    """

    platforms: tuple[str, ...]
    benchmarks: tuple[Benchmark, ...]
    kernels: tuple[str, ...] = (DEFAULT_KERNELS,)
    toolchains: tuple[str, ...] = (PINNED_TOOLCHAIN,)
    groups: tuple[Group, ...] = ()
    goal: Goal | None = None
    sensitivity: float | None = None
    pareto: tuple[str, ...] = DEFAULT_OBJECTIVES
    outputs: Mapping[str, Path] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    def scenarios(self, platforms: Sequence[str]) -> tuple[Scenario, ...]:
        """Every benchmark on each of ``platforms``, by id, in each variant of the firmware."""
        made = variants(self.kernels, (OWN_RUNTIME,), self.toolchains)
        found = cross(platforms, [b.id for b in self.benchmarks], made)
        if not found:
            raise NothingRun("nothing to price: name at least one platform, benchmark and kernels")
        return found


def parse_goal(text: str) -> Goal:
    """A goal written ``time_s<=20ms``. Raises UsageError."""
    match = _GOAL.fullmatch(text)
    if match is None or match["metric"] not in GOALS:
        raise UsageError(
            f"the goal {text!r} is not METRIC<=NUMBER with one of {', '.join(GOALS)}, as in "
            "time_s<=20ms"
        )
    try:
        most = parse_number(match["most"], GOALS[match["metric"]])
    except ValueError as error:
        raise UsageError(f"the goal {text!r}: {error}") from None
    return Goal(match["metric"], most)


def parse_fraction(text: str) -> float:
    """A share written ``20%``, as a fraction. Raises UsageError."""
    number, percent, rest = text.strip().partition("%")
    try:
        fraction = float(number) / 100.0
    except ValueError:
        fraction = -1.0
    if not percent or rest or not 0.0 < fraction < 1.0:
        raise UsageError(f"the sensitivity {text!r} is not a share such as 20%")
    return fraction


def parse_objectives(text: str) -> tuple[str, ...]:
    """Objectives written ``time,energy,ram``, one at least, each once. Raises UsageError."""
    names = tuple(name.strip().lower() for name in text.split(","))
    if len(set(names)) < len(names) or not set(names) <= OBJECTIVES.keys():
        raise UsageError(f"the objectives {text!r} are not some of {', '.join(OBJECTIVES)}")
    return tuple(name for name in OBJECTIVES if name in names)


def read_study(path: Path) -> Study:
    """The study in the file ``path``; files it names are relative to it.

    Raises UsageError naming the file, the line and the key at fault.
    """
    top = read(path)
    boards = [str(path.parent / n) if n.endswith(".yaml") else n for n in top.texts("platforms")]
    with _blamed_on(top, "platforms"):
        platforms = platform_names(boards)
    compilers = partial(toolchains_called, folder=path.parent)
    study = Study(
        platforms=platforms,
        benchmarks=_names(top, "benchmarks", benchmarks_called, "*"),
        kernels=_names(top, "kernels", kernel_sets, DEFAULT_KERNELS),
        toolchains=_names(top, "toolchains", compilers, PINNED_TOOLCHAIN),
        groups=_groups(top),
        goal=_text(top, "goal", parse_goal),
        sensitivity=_text(top, "sensitivity", parse_fraction),
        pareto=_text(top, "pareto", parse_objectives) or DEFAULT_OBJECTIVES,
        outputs=_outputs(top.table("outputs"), path.parent) if "outputs" in top else {},
        places=dict(_places(top)),
    )
    top.finish()
    return study


@contextmanager
def _blamed_on(table: Table, key: str) -> Iterator[None]:
    """What is wrong inside is said with the file and the line of ``key``."""
    try:
        yield
    except UsageError as error:
        raise table.fail(key, str(error)) from None


def _names(top: Table, key: str, named: Callable[[Iterable[str]], _T], default: str) -> _T:
    texts = top.texts(key) if key in top else (default,)
    with _blamed_on(top, key):
        return named(texts)


def _text(top: Table, key: str, parse: Callable[[str], _T]) -> _T | None:
    if key not in top:
        return None
    text = top.text(key)
    with _blamed_on(top, key):
        return parse(text)


def _groups(top: Table) -> tuple[Group, ...]:
    groups = []
    if "cross" in top:
        table = top.table("cross")
        groups += [group([_axis(table, path)]) for path in table]
    if "zip" in top:
        table = top.table("zip")
        groups += [_together(table, name) for name in table]
    with _blamed_on(top, "cross" if "cross" in top else "zip"):
        return check_groups(groups)


def _places(top: Table) -> Iterator[tuple[str, str]]:
    """Where the file names the path of each axis."""
    zipped = top.table("zip") if "zip" in top else None
    tables = [top.table("cross")] if "cross" in top else []
    tables += [zipped.table(name) for name in zipped] if zipped is not None else []
    for table in tables:
        for path in table:
            yield ALIASES.get(path, path), table.place(path)


def _together(table: Table, name: str) -> Group:
    axes = table.table(name)
    found = [_axis(axes, path) for path in axes]
    with _blamed_on(table, name):
        return group(found, name)


def _axis(table: Table, path: str) -> Axis:
    text = table.text(path)
    with _blamed_on(table, path):
        return Axis(ALIASES.get(path, path), parse_values(path, text))


def _outputs(table: Table, folder: Path) -> dict[str, Path]:
    """The files to write. A study may be a stranger's: it writes below its own folder alone."""
    outputs = {form: folder / table.text(form) for form in FORMATS if form in table}
    table.finish()
    for form, path in outputs.items():
        if not path.resolve().is_relative_to(folder.resolve()):
            raise table.fail(
                form, f"{path} is not below the study's folder: give a --{form} for it"
            )
    return outputs
