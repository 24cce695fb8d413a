"""Points to columns: every target of a study priced from the simulation that it needs."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.benchmarks import Benchmark
from simbench.catalog.platforms import Platform, platform_caches
from simbench.catalog.scenario import Scenario
from simbench.cost.fit import check_fit, memory_use
from simbench.cost.points import Prices, price_points
from simbench.cost.target import Target
from simbench.counts import CacheGeometry, Counts
from simbench.errors import DoesNotFit
from simbench.result.tree import DOES_NOT_FIT, ERROR, FAILED, OK
from simbench.sweeps.simulate import Key, Simulated

Columns = dict[str, NDArray[np.float64]]

_AT_ONCE = 4096
_PRICES = ("cycles", "time_s", "energy_j")
_BYTES = ("flash_bytes", "ram_bytes", "arena_bytes", "placed_ram_bytes")
_NUMBERS = (
    "instructions",
    *(f"{name}{end}" for name in _PRICES for end in ("", "_lower", "_upper")),
    "coverage",
    *_BYTES,
)
"""The columns that there always are; the parts of the stacks come after them."""


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """Targets with the same sizes and caches of memories, placement and kind of core: one of them,
    the caches that must be watched for them, and which they are."""

    platform: Platform
    caches: tuple[CacheGeometry, ...]
    targets: NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Case:
    """A scenario with the targets that it is priced on, one for each setting."""

    scenario: Scenario
    benchmark: Benchmark
    targets: Sequence[Target]
    layouts: Sequence[Layout]

    def key(self, layout: Layout) -> Key:
        """The simulation that the targets of ``layout`` need."""
        scenario = self.scenario
        core = layout.platform.core
        return Key(scenario.benchmark, scenario.variant, core, layout.caches)


@dataclass(frozen=True, eq=False, slots=True)
class Priced:
    """The numbers of a case's targets by name, NaN where there is none; their statuses, what went
    wrong with those that were not simulated, or None, and sentences on what was not known."""

    columns: Columns
    status: NDArray[np.str_]
    reasons: NDArray[np.object_]
    notes: tuple[str, ...]


def layouts(targets: Sequence[Target]) -> tuple[Layout, ...]:
    """The layouts of ``targets``."""
    found: dict[Hashable, list[int]] = {}
    for index, target in enumerate(targets):
        found.setdefault(_laid_out(target.platform), []).append(index)
    boards = ((targets[indices[0]].platform, np.array(indices)) for indices in found.values())
    return tuple(Layout(board, platform_caches(board), indices) for board, indices in boards)


def _laid_out(platform: Platform) -> Hashable:
    """Equal for boards of one layout."""
    memories = tuple(
        (m.name, m.kind, m.size_bytes, m.instruction_cache, m.data_cache)
        for m in platform.memories.values()
    )
    return platform.core, memories, tuple(platform.placement.items())


def needed(case: Case) -> dict[Key, Platform]:
    """The simulations that ``case`` needs, each with a platform that needs it."""
    return {case.key(layout): layout.platform for layout in case.layouts}


def price(case: Case, simulated: Mapping[Key, Simulated]) -> Priced:
    """Every target of ``case`` priced."""
    length = len(case.targets)
    columns: Columns = {name: np.full(length, np.nan) for name in _NUMBERS}
    status = np.full(length, OK, dtype="<U16")
    reasons = np.full(length, None, dtype=np.object_)  # one sentence is the same for many
    alike: dict[Key, list[NDArray[np.int64]]] = {}
    for layout in case.layouts:
        key = case.key(layout)
        alike.setdefault(key, []).append(layout.targets)
        facts, fits = _memory(layout.platform, simulated[key])
        _put(columns, facts, layout.targets, length)
        status[layout.targets] = _status(simulated[key], fits)
        reasons[layout.targets] = simulated[key].reason
    notes: dict[str, None] = {}
    for key, found in alike.items():
        for indices in _chunks(np.concatenate(found)):
            numbers, said = _prices(simulated[key].counts, [case.targets[i] for i in indices])
            _put(columns, numbers, indices, length)
            notes |= dict.fromkeys(said)
    return Priced(columns, status, reasons, tuple(notes))


def _prices(
    counts: Counts | None, targets: Sequence[Target]
) -> tuple[Mapping[str, float | NDArray[np.float64]], Iterator[str]]:
    """The numbers of ``targets`` and what was not known; nothing without counts."""
    if counts is None:
        return {}, iter(())
    prices = price_points(counts, counts.inference, targets)
    instructions = counts.instructions(counts.inference)
    notes = (note for said in prices.notes for note in said)
    return {"instructions": instructions, **_numbers(prices)}, notes


def _chunks(indices: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(indices), _AT_ONCE):
        yield indices[start : start + _AT_ONCE]


def _status(simulated: Simulated, fits: bool) -> str:
    if simulated.counts is None:
        return ERROR
    if simulated.reason is not None:
        return FAILED
    return OK if fits else DOES_NOT_FIT


def _memory(platform: Platform, simulated: Simulated) -> tuple[Mapping[str, float], bool]:
    if simulated.counts is None:
        return {}, False
    use = memory_use(platform, simulated.needs)
    placed = use.kinds["ram"]["used_bytes"]
    sizes = (use.flash_bytes, use.ram_bytes, use.arena_bytes, placed)
    facts = dict(zip(_BYTES, sizes, strict=True))
    try:
        check_fit(platform, simulated.needs)
    except DoesNotFit:
        return facts, False
    return facts, True


def _numbers(prices: Prices) -> dict[str, NDArray[np.float64]]:
    columns = {}
    for name, values in zip(_PRICES, (prices.cycles, prices.time_s, prices.energy_j), strict=True):
        columns[name] = values[:, 0]
        columns[f"{name}_lower"] = values[:, 1]
        columns[f"{name}_upper"] = values[:, 2]
    columns["coverage"] = prices.coverage
    columns |= {f"cycles.{part}": values for part, values in prices.cycle_stack.items()}
    columns |= {f"energy_j.{part}": values for part, values in prices.energy_stack.items()}
    return columns


def _put(
    columns: Columns,
    values: Mapping[str, float | NDArray[np.float64]],
    indices: NDArray[np.int64],
    length: int,
) -> None:
    for name, value in values.items():
        if name not in columns:
            columns[name] = np.full(length, np.nan)
        columns[name][indices] = value
