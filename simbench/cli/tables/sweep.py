"""The tables of ``simbench sweep``: the points that matter, in a terminal of 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from simbench.result.estimate import Estimate
from simbench.result.tree import OK
from simbench.result.units import format_count, format_range, format_si
from simbench.sweeps.answers import (
    Reach,
    Span,
    Step,
    Swing,
    objectives_in_words,
    pareto,
    reached,
    scenario,
    steps,
    swings,
)
from simbench.sweeps.axes import Group as AxisGroup
from simbench.sweeps.points import Points
from simbench.sweeps.sweep import SCENARIO, Sweep
from simbench.sweeps.words import metric_in_words, value_in_words

_MOST_POINTS = 24
_MOST_ROWS = 12
_MOST_SCENARIOS = 6
_PRICES = (("cycles", ""), ("time_s", "s"), ("energy_j", "J"))
_UNKNOWN = "–"

Row = Mapping[str, Any]


def sweep_tables(sweep: Sweep) -> RenderableType:
    """The points (of many, the Pareto front), and the answers of the study."""
    return Group(*_parts(sweep))


def _parts(sweep: Sweep) -> Iterator[RenderableType]:
    for benchmark in dict.fromkeys(sweep.points["benchmark"].tolist()):
        yield _points(sweep, benchmark)
    asked = [(title, shown, every) for title, shown, every in _answers(sweep) if every]
    scenarios = [scenario(row) for row in sweep.base.rows()] if asked else []
    for name in scenarios[:_MOST_SCENARIOS]:
        for title, shown, every in asked:
            found = [answer for answer in every if answer.scenario == name]
            if found:
                yield Text(f"\n{name}: {title}{_shown(found)}", style="bold")
                yield shown(found[:_MOST_ROWS])
    if len(scenarios) > _MOST_SCENARIOS:
        yield Text(f"answers of {len(scenarios) - _MOST_SCENARIOS} more are in --json and --html")
    for sentence in (*sweep.reasons, *sweep.notes):
        yield Text(sentence)


def _answers(sweep: Sweep) -> Iterator[tuple[str, Callable[[Any], RichTable], Sequence[Any]]]:
    """Every kind of answer: its title, how it is shown, and what was found."""
    yield "one axis at a time", _changed, swings(sweep.changes, sweep.base)
    yield "what each step costs", _stepped, _few(steps(sweep))
    goal, share = sweep.study.goal, sweep.study.sensitivity
    if goal is not None:
        title = f"the smallest change to {goal.metric} <= "
        title += metric_in_words(goal.metric, goal.most)
        yield title, partial(_reached, goal.metric), reached(sweep, goal)
    if share is not None:
        title = f"every number {share:.0%} lower and higher, one at a time"
        yield title, _changed, swings(sweep.sensitivities, sweep.base)


def _few(every: Sequence[Step]) -> list[Step]:
    """Axes of many steps are left to the page and the JSON."""
    along = Counter((step.scenario, step.axis) for step in every)
    return [step for step in every if along[step.scenario, step.axis] <= _MOST_ROWS]


def _points(sweep: Sweep, benchmark: str) -> RenderableType:
    chosen = sweep.points.where(sweep.points["benchmark"] == benchmark)
    is_best = pareto(chosen, sweep.study.pareto)
    shown = np.arange(len(chosen))
    if len(chosen) > _MOST_POINTS:
        shown = np.flatnonzero(is_best)
        shown = shown[np.argsort(chosen["time_s"][shown], kind="stable")][:_MOST_POINTS]
    best = int(is_best.sum())
    title = f"{benchmark}: {format_count(len(chosen), 'point')}"
    title += f", * {best:,} on the Pareto front of {objectives_in_words(sweep.study.pareto)}"
    if len(shown) < len(chosen):
        title += f" ({len(shown):,} shown)"
    scenario_columns = [name for name in SCENARIO[1:] if _differs(chosen, name)]
    groups = sweep.study.groups
    prices = [(name, unit) for name, unit in _PRICES if not np.isnan(chosen[name]).all()]
    table = _table(
        ["", *scenario_columns, *(_heading(group, sweep.axes) for group in groups)],
        [*(name.partition("_")[0] for name, _ in prices), "RAM\nKiB"],
    )
    for row, star in zip(chosen.where(shown).rows(), is_best[shown], strict=True):
        settings = [
            " ".join(value_in_words(axis.path, row[axis.path]) for axis in group.axes)
            for group in groups
        ]
        names = [row[name] for name in scenario_columns]
        table.add_row("*" if star else "", *names, *settings, *_cells(row, prices))
    return Group(Text(title, style="bold"), table)


def _differs(table: Points, name: str) -> bool:
    return len(np.unique(table[name])) > 1


def _heading(group: AxisGroup, axes: Sequence[str]) -> str:
    """The group's own name, or the last words of its paths, as many as tell them apart."""
    if group.name != group.axes[0].path:
        return group.name
    return "\n".join(_short(axis.path, axes).replace("_", " ") for axis in group.axes)


def _short(path: str, axes: Sequence[str]) -> str:
    words = path.split(".")
    endings = (words[-n:] for n in range(1, len(words) + 1))
    others = [other.split(".") for other in axes if other != path]
    alone = (e for e in endings if not any(other[-len(e) :] == e for other in others))
    return " ".join(next(alone, words))


def _cells(row: Row, prices: Sequence[tuple[str, str]]) -> Iterable[Text | str]:
    for name, unit in prices:
        if row[name] is None:
            yield _UNKNOWN
            continue
        found = Estimate(row[name], row[f"{name}_lower"], row[f"{name}_upper"], "")
        yield Text(format_si(found.value, unit)).append(f"\n{format_range(found)}", style="dim")
    ram = row.get("placed_ram_bytes")
    size = _UNKNOWN if ram is None else f"{ram / 1024:.1f}"
    yield size if row["status"] == OK else f"{size}\n{row['status']}"


def _changed(found: Sequence[Swing]) -> RichTable:
    table = _table(["axis", "values"], ["time", "energy"])
    for swing in found:
        joules = _UNKNOWN if swing.energy_j is None else _span(swing.energy_j)
        table.add_row(swing.axis, swing.values, _span(swing.time_s), joules)
    return table


def _stepped(found: Sequence[Step]) -> RichTable:
    table = _table(["axis", "step"], ["cycles", "time", "energy"])
    for step in found:
        table.add_row(
            step.axis,
            f"{step.start} to {step.end}",
            _change(step.cycles, ""),
            _change(step.time_s, "s"),
            _UNKNOWN if step.energy_j is None else _change(step.energy_j, "J"),
        )
    return table


def _reached(metric: str, found: Sequence[Reach]) -> RichTable:
    table = _table(["axis", "set to"], ["change", "then", "at most"])
    for reach in found:
        change = _UNKNOWN if reach.relative is None else f"{reach.relative:+.0%}"
        then = (metric_in_words(metric, value) for value in (reach.metric, reach.upper))
        table.add_row(reach.axis, reach.value or "not reached", change, *then)
    return table


def _shown(found: Sequence[object]) -> str:
    return f" ({_MOST_ROWS} of {len(found):,})" if len(found) > _MOST_ROWS else ""


def _table(texts: Sequence[str], numbers: Sequence[str]) -> RichTable:
    gap = 2 if len(texts) + len(numbers) <= 8 else 1
    table = RichTable(box=None, pad_edge=False, padding=(0, gap, 0, 0))
    for heading in texts:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _span(span: Span) -> str:
    return f"{span[0]:+.1%} to {span[1]:+.1%}"


def _change(value: float, unit: str) -> str:
    return f"{'+' if value >= 0 else '-'}{format_si(abs(value), unit)}"
