"""The published results of a board beside what the model says of it, the nearest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.table import Table

from simbench.catalog.platforms import Platform
from simbench.result.estimate import Estimate
from simbench.result.units import format_range, format_si
from simbench.validation.silicon import LIKE
from simbench.validation.validate import Comparison

NOTICE = (
    "What others published was measured, by MLPerf Tiny's rules where a round is named. What "
    "simbench says is modelled, and is no MLPerf result."
)
_CHARACTERS = 14
_MOST = 6


def nearest_tables(platform: Platform, compared: Sequence[Comparison]) -> Iterator[str | Table]:
    """For each benchmark what the model says, and the rows of ``compared``, all of ``platform``:
    those with kernels and a runtime like simbench's first, and by how far their time is off."""
    by_benchmark = sorted(
        compared, key=lambda c: (c.row.benchmark, c.row.likeness != LIKE, abs(c.error))
    )
    for name, group in groupby(by_benchmark, lambda c: c.row.benchmark):
        rows = list(group)
        yield _heading(name, platform, next((c for c in rows if not c.row.weights_in_ram), rows[0]))
        yield _table(platform, rows[:_MOST])
        if len(rows) > _MOST:
            yield f"and {len(rows) - _MOST} more"
    yield NOTICE


def _heading(name: str, platform: Platform, c: Comparison) -> str:
    cycles = c.modelled_cycles
    hz = platform.clock_hz
    time = Estimate(cycles.value / hz, cycles.lower / hz, cycles.upper / hz, cycles.source)
    said = [f"{format_si(time.value, 's')} ({format_range(time)})"]
    if c.modelled_energy_j is not None:
        said.append(f"{format_si(c.modelled_energy_j.value, 'J')}")
    return f"{name} by simbench: {', '.join(said)}"


def _table(platform: Platform, rows: Sequence[Comparison]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 1))
    for heading in ("round", "submitter", "runtime", "kernels"):
        table.add_column(heading, no_wrap=True)
    for heading in ("time", "energy", "simbench"):
        table.add_column(heading, justify="right", no_wrap=True)
    for c in rows:
        row, energy = c.row, c.row.energy_j
        table.add_row(
            row.round or "–",
            row.submitter[:_CHARACTERS],
            _short(row.stack),
            _short(row.kernels),
            format_si(row.cycles / platform.clock_hz, "s"),
            "–" if energy is None else format_si(energy, "J"),
            f"{c.error:+.0%}",
            style=None if row.likeness == LIKE else "dim",
        )
    return table


def _short(name: str) -> str:
    """The name without what is said of its versions."""
    return name.partition(" (")[0].partition(" + ")[0][:_CHARACTERS]
