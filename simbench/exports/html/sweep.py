"""A sweep as one self-contained HTML page: its points as dots, its answers as bars and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.exports.html.blocks import Block, Details, Facts, Figure, Rows, Section, Text
from simbench.exports.html.figures import (
    PALETTE,
    Span,
    lines,
    rectangles,
    row_plot,
)
from simbench.exports.html.page import render_page
from simbench.exports.html.provenance import said
from simbench.exports.html.sweep_dots import figures
from simbench.exports.html.sweep_lines import line_axis, line_figures
from simbench.exports.html.what_if import ranged, sweep_sliders
from simbench.result.tree import OK
from simbench.result.units import format_kib
from simbench.sweeps.answers import Swing, objectives_in_words, pareto, reached, steps, swings
from simbench.sweeps.points import Points
from simbench.sweeps.sweep import SCENARIO, Sweep
from simbench.sweeps.words import metric_in_words, value_in_words

_MOST_ROWS = 60
_MOST_BARS = 24
_MOST_DOTS = 10_000
_PRICES = (("cycles", ""), ("time_s", "s"), ("energy_j", "J"))
_BEST = (
    "Marked points are the Pareto front: no other point is as good in {} and better in "
    "one of them. RAM is what lies in memories other than flash; what does not fit is left out."
)

Row = Mapping[str, Any]


def sweep_page(sweep: Sweep) -> str:
    """The page: one section a benchmark, then what each axis does, what it costs and takes."""
    title = f"What if: {', '.join(dict.fromkeys(sweep.points['benchmark'].tolist()))}"
    return render_page(title, list(_sections(sweep)))


def _sections(sweep: Sweep) -> Iterator[Section]:
    yield Section("Study", _study(sweep))
    for benchmark in dict.fromkeys(sweep.points["benchmark"].tolist()):
        points = sweep.points.where(sweep.points["benchmark"] == benchmark)
        yield Section(benchmark, list(_points(points, sweep)), benchmark)
    yield from _swings("One axis at a time", swings(sweep.changes, sweep.base))
    if sweep.study.sensitivity is not None:
        title = f"Every number {sweep.study.sensitivity:.0%} lower and higher"
        yield from _swings(title, swings(sweep.sensitivities, sweep.base))
    yield from _steps(sweep)
    yield from _goal(sweep)
    decided = [
        (f"{what}: {name}", said(value))
        for what, versions in sweep.settings.items()
        for name, value in versions.items()
    ]
    yield Section("Where the numbers come from", [Facts(decided, monospace=True)])


def _study(sweep: Sweep) -> list[Block]:
    facts = [
        ("points", f"{len(sweep):,}"),
        ("boards", ", ".join(dict.fromkeys(sweep.points["platform"].tolist()))),
        ("kernels", ", ".join(dict.fromkeys(sweep.points["kernels"].tolist()))),
        ("axes", ", ".join(sweep.axes) or "none"),
        ("simulations", f"{sweep.simulations:,}"),
    ]
    reasons = [Text(reason, warning=True) for reason in sweep.reasons]
    return [Facts(facts), *reasons, *(Text(note) for note in sweep.notes)]


def _points(points: Points, sweep: Sweep) -> Iterator[Block]:
    axes, objectives = sweep.axes, sweep.study.pareto
    priced = points.where(~np.isnan(points["time_s"]))
    if not len(priced):
        return
    best = pareto(priced, objectives)
    every = -(-len(priced) // _MOST_DOTS)
    drawn = best | (np.arange(len(priced)) % every == 0)
    along = line_axis(priced, sweep.study.groups)
    if along is None:
        yield from figures(priced.where(drawn), best[drawn], axes)
    else:
        yield from line_figures(priced.where(drawn), best[drawn], sweep.study.groups, along)
    if every > 1:
        yield Text(f"One in {every} of {len(priced):,} points is drawn, and all that are marked.")
    yield from sweep_sliders(points, sweep)
    yield Text(_BEST.format(objectives_in_words(objectives)))
    few = len(priced) <= _MOST_ROWS
    rows = np.arange(len(priced)) if few else np.flatnonzero(best)
    rows = rows[np.argsort(priced["time_s"][rows], kind="stable")][:_MOST_ROWS]
    what = "All points" if few else f"{len(rows):,} of the {int(best.sum()):,} marked points"
    yield Details(f"{what}, fastest first", _table(priced.where(rows), best[rows], axes))


def _table(rows: Points, best: NDArray[np.bool_], axes: Sequence[str]) -> Rows:
    names = [*SCENARIO[1:], *axes]
    cells = [
        [
            *(value_in_words(name, row[name]) for name in names),
            "*" if is_best else "" if row["status"] == OK else row["status"],
            *(_ranged(row, name, unit) for name, unit in _PRICES),
            format_kib(row["placed_ram_bytes"]),
        ]
        for row, is_best in zip(rows.rows(), best.tolist(), strict=True)
    ]
    return Rows([*names, "", "cycles", "time", "energy", "RAM"], cells, len(names) + 1)


def _ranged(row: Row, name: str, unit: str) -> str:
    if row[name] is None:
        return "–"
    return ranged((row[name], row[f"{name}_lower"], row[f"{name}_upper"]), unit)


def _swings(title: str, found: Sequence[Swing]) -> Iterator[Section]:
    if not found:
        return
    blocks: list[Block] = []
    scenarios = dict.fromkeys(swing.scenario for swing in found)
    for scenario in scenarios:
        own = [swing for swing in found if swing.scenario == scenario]
        blocks += [Figure(f"{scenario}: time", _tornado([(s, s.time_s) for s in own]))]
        joules = [(s, s.energy_j) for s in own if s.energy_j is not None]
        if joules:
            blocks += [Figure(f"{scenario}: energy", _tornado(joules))]
    blocks.append(Text("Each bar is the least and the most, relative to the board as it is."))
    yield Section(title, blocks)


def _tornado(found: Sequence[tuple[Swing, Span]]) -> Any:
    shown = sorted(found, key=lambda each: each[1][0] - each[1][1])[:_MOST_BARS]
    low = min(0.0, *(100 * span[0] for _, span in shown))
    high = max(0.0, *(100 * span[1] for _, span in shown))
    made = row_plot([_label(swing.axis) for swing, _ in shown], "% of the base", high)
    made.x_range.start, made.x_range.end = low - 1.0, high + 1.0
    columns: dict[str, Sequence[Any]] = {
        "left": [100 * span[0] for _, span in shown],
        "right": [100 * span[1] for _, span in shown],
        "bottom": [i + 0.4 for i in range(len(shown))],
        "top": [i - 0.4 for i in range(len(shown))],
        "colour": [PALETTE[0]] * len(shown),
        "axis": [swing.axis for swing, _ in shown],
        "values": [swing.values for swing, _ in shown],
        "change": [f"{span[0]:+.1%} to {span[1]:+.1%}" for _, span in shown],
    }
    rectangles(made, columns, (("", "@axis"), ("values", "@values"), ("change", "@change")))
    ends = {"x0": [0.0], "x1": [0.0], "y0": [-0.5], "y1": [len(shown) - 0.5]}
    lines(made, ends)
    return made


def _label(axis: str) -> str:
    """The last two words of a path: they tell its numbers apart."""
    return ".".join(axis.split(".")[-2:])


def _steps(sweep: Sweep) -> Iterator[Section]:
    found = steps(sweep)
    if not found:
        return
    cells = [
        [
            step.scenario,
            step.axis,
            f"{step.start} to {step.end}",
            f"{step.cycles:+,.0f}",
            f"{1e3 * step.time_s:+.3f}",
            "–" if step.energy_j is None else f"{1e6 * step.energy_j:+.2f}",
        ]
        for step in found[:_MOST_ROWS]
    ]
    headings = ["scenario", "axis", "step", "cycles", "time, ms", "energy, µJ"]
    title = f"Each step along an axis: {len(cells):,} of {len(found):,}"
    yield Section("What each step costs", [Details(title, Rows(headings, cells, 3))])


def _goal(sweep: Sweep) -> Iterator[Section]:
    goal = sweep.study.goal
    if goal is None:
        return
    cells = [
        [
            reach.scenario,
            reach.axis,
            reach.value or "not reached",
            "–" if reach.relative is None else f"{reach.relative:+.0%}",
            metric_in_words(goal.metric, reach.metric),
            metric_in_words(goal.metric, reach.upper),
        ]
        for reach in reached(sweep, goal)
    ]
    headings = ["scenario", "axis", "set to", "change", "then", "at most"]
    title = f"The smallest change along one axis to {goal.metric} <= "
    title += metric_in_words(goal.metric, goal.most)
    yield Section("Goal", [Text(title), Rows(headings, cells, 3)])
