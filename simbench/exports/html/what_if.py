"""Sliders over prices that were worked out before: those of a result, and the points of a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from simbench.exports.html.blocks import Block, Slider, Text, WhatIf
from simbench.result.estimate import Estimate
from simbench.result.tree import OK, Result
from simbench.result.units import format_range, format_si
from simbench.result.what_if import ABSENT, AS_IS, Choice, Span
from simbench.result.what_if import WhatIf as Known
from simbench.sweeps.axes import Group, plain
from simbench.sweeps.points import Points
from simbench.sweeps.sweep import SCENARIO, Sweep
from simbench.sweeps.words import value_in_words

_MOST_CELLS = 20_000
_UNITS = ("", "s", "J")
_OF_A_RESULT = (
    "Equal to what simbench sweep says: the counts stay, the prices change. A changed clock keeps "
    "wait states and energy coefficients."
)
_OF_A_SWEEP = "The points of the sweep."
_TOO_MANY = "Sliders are left out of more than {:,} points: give the axes fewer values."

Prices = Sequence[Span | None]
"""Cycles, time and energy; None where that is not known."""


def result_sliders(result: Result, anchor: str) -> Iterator[Block]:
    """The sliders of ``result``, which is at ``anchor``; nothing where it has no such prices."""
    known = result.what_if
    if known is None:
        return
    clock, *others = known.choices
    starts = [choice.as_is for choice in known.choices]
    cells = list(_cells(known))
    without = (f"No slider for {path}: {why}." for path, why in known.left_out.items())
    yield WhatIf(
        name=anchor,
        caption="What if",
        sliders=[
            _slider(clock, [value_in_words("clock", hertz) for hertz in known.clock_hz]),
            *(_slider(choice, _in_words(choice)) for choice in others),
        ],
        cells=shown_cells(cells, cells[_place(starts, known.choices)]),
        notes=[_OF_A_RESULT, *without],
    )


def _cells(known: Known) -> Iterator[Prices | str]:
    """The prices at every combination of the choices."""
    for number, (clock, cycles) in enumerate(product(known.clock_hz, known.cycles)):
        energy = known.energy_j[number] if known.energy_j else None
        if isinstance(cycles, str) or isinstance(energy, str):
            yield str(cycles)
        else:
            value, lower, upper = cycles
            yield cycles, (value / clock, lower / clock, upper / clock), energy


def _place(indices: Sequence[int], choices: Sequence[Choice]) -> int:
    """Where the combination with ``indices`` is; the last changes fastest."""
    place = 0
    for index, choice in zip(indices, choices, strict=True):
        place = place * len(choice.values) + index
    return place


def _in_words(choice: Choice) -> list[str]:
    if choice.values == (AS_IS, ABSENT):
        return ["on", "off"]
    words = list(choice.values)
    words[choice.as_is] = choice.says or words[choice.as_is]
    return words


def _slider(choice: Choice, words: Sequence[str]) -> Slider:
    settings = [[f"{path}={value}" for path in choice.paths] for value in choice.values]
    settings[choice.as_is] = []
    label = _label(choice.paths)
    return Slider(label, choice.paths[0], choice.values, words, settings, choice.as_is)


def sweep_sliders(points: Points, sweep: Sweep) -> Iterator[Block]:
    """The sliders of each scenario that has ``points``: one for each axis or group of axes."""
    groups = sweep.study.groups
    if not groups:
        return
    if len(points) > _MOST_CELLS:
        yield Text(_TOO_MANY.format(_MOST_CELLS))
        return
    scenarios = dict.fromkeys(zip(*(points[key].tolist() for key in SCENARIO), strict=True))
    for scenario in scenarios:
        of, base = (_of(table, scenario) for table in (points, sweep.base))
        (as_it_is,) = map(_prices, base.rows())
        benchmark, platform, kernels = scenario
        yield WhatIf(
            name=f"{benchmark}@{platform}/{kernels}",
            caption=f"{platform}, {kernels}: by hand",
            sliders=[_group_slider(group) for group in groups],
            cells=shown_cells(list(map(_prices, of.rows())), as_it_is),
            notes=[_OF_A_SWEEP],
        )


def _of(table: Points, scenario: Sequence[str]) -> Points:
    """The rows of ``scenario``, as they are in the table."""
    columns = zip(SCENARIO, scenario, strict=True)
    return table.where(np.all([table[key] == name for key, name in columns], axis=0))


def _prices(row: Mapping[str, Any]) -> Prices | str:
    if row["status"] != OK:
        return str(row["status"])
    names = ("cycles", "time_s", "energy_j")
    spans = (tuple(row[f"{name}{end}"] for end in ("", "_lower", "_upper")) for name in names)
    return [None if span[0] is None else span for span in spans]


def _group_slider(group: Group) -> Slider:
    words = [
        ", ".join(value_in_words(axis.path, plain(axis.values[index])) for axis in group.axes)
        for index in range(len(group.settings))
    ]
    settings = [
        [f"{path}={value}" for path, value in setting.items() if value != AS_IS]
        for setting in group.settings
    ]
    first = group.axes[0]
    label = _label([axis.path for axis in group.axes])
    return Slider(label, first.path, first.values, words, settings, 0)


def _label(paths: Sequence[str]) -> str:
    """What is set at ``paths``, in words."""
    if all(path.endswith("_cache") for path in paths):
        return "caches"
    if len(paths) > 1:
        return ", ".join(paths)
    table, _, key = paths[0].rpartition(".")
    if table == "placement":
        return f"{key} in"
    return f"{key.replace('_', ' ')} of {table.removeprefix('memories.')}" if table else key


def shown_cells(cells: Sequence[Prices | str], base: Prices | str) -> list[list[str] | str]:
    """Cycles, time and energy of each cell as a page shows them, with how far time and energy are
    from ``base``; a sentence where there is no price."""
    before = base if not isinstance(base, str) else (None, None, None)
    return [cell if isinstance(cell, str) else _shown(cell, before) for cell in cells]


def _shown(cell: Prices, base: Prices) -> list[str]:
    cycles, *others = (
        "not known" if span is None else ranged(span, unit)
        for span, unit in zip(cell, _UNITS, strict=True)
    )
    changes = (_change(span, was) for span, was in zip(cell[1:], base[1:], strict=True))
    return [cycles, *(f"{said}{change}" for said, change in zip(others, changes, strict=True))]


def ranged(span: Span, unit: str) -> str:
    """A span in words: "79.7 ms (76.3–87.1)"."""
    found = Estimate(*span, source="")
    return f"{format_si(found.value, unit)} ({format_range(found)})"


def _change(span: Span | None, was: Span | None) -> str:
    if span is None or was is None or not was[0] or span == was:
        return ""
    return f", {100 * (span[0] / was[0] - 1):+.1f} %"
