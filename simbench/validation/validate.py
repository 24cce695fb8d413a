"""Modelled against measured: simbench's firmware priced on every board with published results.

A benchmark is simulated once for each board, and once more where a row has its weights in RAM.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from statistics import fmean

from simbench.backends import Backend
from simbench.catalog.benchmarks import Benchmark
from simbench.catalog.platforms import Platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.cost.price import estimate
from simbench.cost.residuals import load_target
from simbench.counts import Counts, Segment
from simbench.errors import NothingRun
from simbench.files.fetch import Progress, quiet
from simbench.result.estimate import Estimate
from simbench.session.observe import observe
from simbench.store import Store
from simbench.task.tasks import suite_task
from simbench.validation.silicon import LIKE, SiliconRow

_LDO = "LDO"

OWN = Variant()
"""The firmware that the published figures are compared with by default."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published row with what the model says of it. Errors are fractions: (model - silicon) /
    silicon.

    ``energy_error`` compares energy a cycle, at the platform's supply; ``energy_reason`` says why
    there is none.
    """

    row: SiliconRow
    modelled_cycles: Estimate
    modelled_energy_j: Estimate | None
    error: float
    measured_energy_j: float | None
    energy_error: float | None
    energy_reason: str

    @property
    def covered(self) -> bool:
        """Whether the range of the cycles holds what was measured."""
        return self.modelled_cycles.lower <= self.row.cycles <= self.modelled_cycles.upper

    @property
    def calibrates(self) -> bool:
        """Whether the row helped to make a number of the model."""
        return bool(self.row.calibrates)


@dataclass(frozen=True, slots=True)
class Summary:
    """Errors over the rows that are like simbench's own firmware; fractions.

    ``covered`` is the share whose range holds what was measured. Energy rows that calibrated the
    model are left out. Without rows a figure is None.
    """

    rows: int
    mean_abs_error: float | None
    max_abs_error: float | None
    covered: float | None
    energy_rows: int
    energy_mean_abs_error: float | None


def validate(
    rows: Sequence[SiliconRow],
    platforms: Mapping[str, Platform],
    benchmarks: Mapping[str, Benchmark],
    backend: Backend,
    progress: Progress = quiet,
    store: Store | None = None,
    variant: Variant = OWN,
) -> tuple[Comparison, ...]:
    """Every row of ``rows`` whose platform is in ``platforms``, compared with the firmware's
    ``variant``.

    Counts come from the ``store`` where it has them. Raises NothingRun where there is no row, and
    what building and simulating raise.
    """
    known = [r for r in rows if r.platform in platforms and r.benchmark in benchmarks]
    if not known:
        raise NothingRun("no silicon results are published for these platforms: name others")
    # a run counts for one board as a row has it set up: its caches depend on what lies where
    tasks = {
        key: suite_task(
            Scenario(key[2], key[0], variant),
            _placed(platforms[key[0]], key[1]),
            benchmarks[key[2]],
            backend.machine(platforms[key[0]].core),
            1,
            progress,
            store,
        )
        for key in sorted({_key(row) for row in known})
    }
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        futures = {key: pool.submit(observe, task, backend, store) for key, task in tasks.items()}
        observed = {key: future.result() for key, future in futures.items()}
    for note in chain.from_iterable(seen.notes for seen in observed.values()):
        progress(note)
    counts = {key: seen.observation.counts for key, seen in observed.items()}
    return tuple(compare(row, platforms[row.platform], counts[_key(row)]) for row in known)


def _key(row: SiliconRow) -> tuple[str, bool, str]:
    return row.platform, row.weights_in_ram, row.benchmark


def compare(row: SiliconRow, platform: Platform, counts: Counts) -> Comparison:
    """One row against the price of ``counts`` on ``platform``, set up as the row says."""
    placed = _placed(platform, row.weights_in_ram)
    price = estimate(counts, counts.inference, load_target(placed))
    measured, reason = _measured_energy(row, platform)
    modelled = price.energy_j
    error = None
    if measured is not None and modelled is not None:
        error = (modelled.value / price.cycles.value) / (measured / row.cycles) - 1
    return Comparison(
        row=row,
        modelled_cycles=price.cycles,
        modelled_energy_j=modelled,
        error=price.cycles.value / row.cycles - 1,
        measured_energy_j=row.energy_j,
        energy_error=error,
        energy_reason=reason,
    )


def _placed(platform: Platform, weights_in_ram: bool) -> Platform:
    if not weights_in_ram:
        return platform
    placement = {**platform.placement, Segment.WEIGHTS: platform.placement[Segment.ARENA]}
    return replace(platform, placement=placement)


def _measured_energy(row: SiliconRow, platform: Platform) -> tuple[float | None, str]:
    """The row's energy at the platform's supply, and why there is none or how it was brought there.

    A linear regulator's current does not depend on its supply, so its energy goes with the voltage.
    """
    if row.energy_j is None:
        return None, "not measured"
    if row.supply_v is None:
        return row.energy_j, "supply not stated"
    if row.supply_v == platform.supply_v:
        return row.energy_j, ""
    if row.regulator == _LDO:
        note = f"measured at {row.supply_v:g} V, brought to {platform.supply_v:g} V"
        return row.energy_j * platform.supply_v / row.supply_v, note
    return None, f"measured at {row.supply_v:g} V, {row.regulator or 'regulator not stated'}"


def summary(comparisons: Iterable[Comparison]) -> Summary:
    """The figures over the "like" rows of ``comparisons``."""
    like = [c for c in comparisons if c.row.likeness == LIKE]
    errors = [abs(c.error) for c in like]
    energy = [abs(c.energy_error) for c in like if c.energy_error is not None and not c.calibrates]
    return Summary(
        rows=len(like),
        mean_abs_error=fmean(errors) if errors else None,
        max_abs_error=max(errors, default=None),
        covered=fmean(c.covered for c in like) if like else None,
        energy_rows=len(energy),
        energy_mean_abs_error=fmean(energy) if energy else None,
    )
