"""What the points of a sweep say: the best of them, what matters, and what it takes to a goal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.result.tree import DOES_NOT_FIT, OK
from simbench.result.what_if import AS_IS
from simbench.sweeps.points import Points
from simbench.sweeps.study import DEFAULT_OBJECTIVES, OBJECTIVES, Goal
from simbench.sweeps.sweep import Sweep

Row = Mapping[str, Any]
Span = tuple[float, float]

_RAM = "placed_ram_bytes"
_RAM_STEP = 1024.0  # nobody chooses a board for less


@dataclass(frozen=True, slots=True)
class Swing:
    """What moving ``axis`` over ``values`` does to a scenario, all else as the board is.

    ``time_s`` and ``energy_j`` are the least and the most relative to the base, as fractions:
    -0.1 is a tenth less. None is an energy that is not known.
    """

    scenario: str
    axis: str
    values: str
    time_s: Span
    energy_j: Span | None

    @property
    def width(self) -> float:
        """The larger of the two swings."""
        return max(high - low for low, high in (self.time_s, self.energy_j or (0.0, 0.0)))


@dataclass(frozen=True, slots=True)
class Step:
    """What one step along ``axis`` costs, all else as the board is; energy None if not known."""

    scenario: str
    axis: str
    start: str
    end: str
    cycles: float
    time_s: float
    energy_j: float | None


@dataclass(frozen=True, slots=True)
class Reach:
    """The smallest change along ``axis`` alone that reaches a goal, or that none does.

    ``value`` is what is set, "as-is" where nothing must be, "" where nothing on the axis is enough;
    ``relative`` how far that is from the board as it is, as a fraction of it (None for what is no
    number). ``metric`` is what the goal's metric becomes, at best where nothing is enough, and
    ``upper`` the end of its range.
    """

    scenario: str
    axis: str
    value: str
    relative: float | None
    metric: float
    upper: float


def pareto(table: Points, objectives: Sequence[str] = DEFAULT_OBJECTIVES) -> NDArray[np.bool_]:
    """Which rows no other row of the same benchmark beats: none is as good in all ``objectives``
    (of :data:`simbench.sweeps.study.OBJECTIVES`) and better in one of them. RAM is in whole KiB.

    What does not fit, or failed, is left out. Rows whose energy is not known are compared with one
    another only, in the others.
    """
    front = np.zeros(len(table), np.bool_)
    known = ~np.isnan(table["energy_j"])
    apart = (True, False) if "energy" in objectives else (None,)
    for benchmark in np.unique(table["benchmark"]):
        for has_energy in apart:
            chosen = (table["benchmark"] == benchmark) & (table["status"] == OK)
            rows = np.flatnonzero(chosen if has_energy is None else chosen & (known == has_energy))
            front[rows[_front(_costs(table, rows, objectives))]] = True
    return front


def objectives_in_words(objectives: Sequence[str]) -> str:
    """The objectives as a reader says them: "time, energy and RAM"."""
    *first, last = ("RAM" if name == "ram" else name for name in objectives)
    return f"{', '.join(first)} and {last}" if first else last


def _costs(table: Points, rows: NDArray[np.intp], objectives: Sequence[str]) -> NDArray[np.float64]:
    """Three columns, of which those that are no objective, or not known, are zeros."""
    costs = np.zeros((len(rows), 3))
    for place, (name, column) in enumerate(OBJECTIVES.items()):
        if name in objectives:
            costs[:, place] = np.nan_to_num(table[column][rows])
            if column == _RAM:
                costs[:, place] = np.ceil(costs[:, place] / _RAM_STEP)
    return costs


def swings(table: Points, base: Points) -> tuple[Swing, ...]:
    """What each axis of ``table``, changes of ``base``, does by itself; the largest first."""
    found = [_swing(rows, start) for rows, start in _by_axis(table, base)]
    return tuple(sorted((s for s in found if s.width > 0), key=lambda s: -s.width))


def steps(sweep: Sweep) -> tuple[Step, ...]:
    """What each step along each axis of numbers costs."""
    return tuple(step for rows, _ in _by_axis(sweep.changes, sweep.base) for step in _steps(rows))


def reached(sweep: Sweep, goal: Goal) -> tuple[Reach, ...]:
    """For each scenario and axis the smallest change that reaches ``goal``; the smallest first.

    Nothing is said of a scenario whose metric is not known.
    """
    known = sweep.changes.where(~np.isnan(sweep.changes[goal.metric]))
    found = [_reach(rows, base, goal) for rows, base in _by_axis(known, sweep.base)]
    return tuple(sorted(found, key=lambda r: (r.scenario, not r.value, r.relative or 0.0)))


def scenario(row: Row) -> str:
    """A row's scenario as a result's id."""
    return f"{row['benchmark']}@{row['platform']}/{row['kernels']}"


def _front(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows of ``costs`` (n, 3) no other row beats; less is better."""
    unique, places = np.unique(costs, axis=0, return_inverse=True)
    kept = np.zeros(len(unique), np.bool_)
    ranks = np.unique(unique[:, 2], return_inverse=True)[1]
    least = np.full(len(unique), np.inf)  # second cost of the rows so far, by rank of the third
    for i, (second, rank) in enumerate(zip(unique[:, 1], ranks, strict=True)):
        kept[i] = second < least[: rank + 1].min()
        least[rank] = min(least[rank], second)
    front: NDArray[np.bool_] = kept[places.ravel()]
    return front


def _by_axis(table: Points, base: Points) -> Iterator[tuple[list[Row], Row]]:
    """The rows of each scenario and axis that were priced, with the scenario's base."""
    bases = {scenario(row): row for row in base.rows()}
    priced = (row for row in table.rows() if row["status"] in (OK, DOES_NOT_FIT))
    for (name, _), rows in groupby(priced, lambda row: (scenario(row), row["axis"])):
        yield list(rows), bases[name]


def _swing(rows: Sequence[Row], base: Row) -> Swing:
    values = [row["value"] for row in rows]
    return Swing(
        scenario=scenario(base),
        axis=rows[0]["axis"],
        values=f"{values[0]}..{values[-1]}" if _are_numbers(rows) else ", ".join(values),
        time_s=_span(rows, base, "time_s"),
        energy_j=None if base["energy_j"] is None else _span(rows, base, "energy_j"),
    )


def _span(rows: Sequence[Row], base: Row, metric: str) -> Span:
    changes = [row[metric] / base[metric] - 1 for row in rows]
    return min(changes), max(changes)


def _steps(rows: Sequence[Row]) -> Iterator[Step]:
    if not _are_numbers(rows):
        return
    for a, b in pairwise(sorted(rows, key=lambda row: row["number"])):
        energy = None if a["energy_j"] is None else b["energy_j"] - a["energy_j"]
        yield Step(
            scenario=scenario(a),
            axis=a["axis"],
            start=a["value"],
            end=b["value"],
            cycles=b["cycles"] - a["cycles"],
            time_s=b["time_s"] - a["time_s"],
            energy_j=energy,
        )


def _reach(rows: Sequence[Row], base: Row, goal: Goal) -> Reach:
    unchanged = {**base, "axis": rows[0]["axis"], "value": AS_IS, "number": 1.0, "was": 1.0}
    every = (unchanged, *rows)
    enough = [row for row in every if row[goal.metric] <= goal.most and row["status"] == OK]
    if enough:
        best = min(enough, key=lambda row: abs(_relative(row) or 0.0))  # the first of equals
    else:
        best = min(rows, key=lambda row: row[goal.metric])
    value = best[goal.metric]
    return Reach(
        scenario=scenario(best),
        axis=best["axis"],
        value=best["value"] if enough else "",
        relative=_relative(best) if enough else None,
        metric=value,
        upper=best.get(f"{goal.metric}_upper") or value,
    )


def _are_numbers(rows: Sequence[Row]) -> bool:
    return all(row["number"] is not None for row in rows)


def _relative(row: Row) -> float | None:
    if row["number"] is None or not row["was"]:
        return None
    return float(row["number"] / row["was"] - 1)
