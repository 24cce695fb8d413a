"""A sweep over one or two axes as lines with bands: a metric along an axis of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Line, Scatter, VArea
from numpy.typing import NDArray

from simbench.exports.html.blocks import Figure
from simbench.exports.html.figures import INK, PALETTE, around, colours, plot
from simbench.exports.html.stacks import si_measure
from simbench.exports.html.sweep_dots import said_of
from simbench.sweeps.axes import Group
from simbench.sweeps.points import Points
from simbench.sweeps.sweep import SCENARIO
from simbench.sweeps.words import value_in_words

_HEIGHT_PX = 380
_FEWEST = 3  # values that make a line
_MOST_TICKS = 12
_METRICS = (("Time", "time_s", "s"), ("Energy", "energy_j", "J"))


def line_axis(points: Points, groups: Sequence[Group]) -> str | None:
    """The axis that lines go along: of one or two groups the axis of numbers with most values.

    None where there is no such axis, or there would be more lines than colours.
    """
    if not 1 <= len(groups) <= 2:
        return None
    sizes = {
        axis.path: len(np.unique(points[axis.path]))
        for group in groups
        for axis in group.axes[:1]
        if points[axis.path].dtype.kind == "f"
    }
    along = max(sizes, key=lambda path: sizes[path], default=None)
    if along is None or sizes[along] < _FEWEST:
        return None
    return along if len(set(_series(points, groups, along))) <= len(PALETTE) else None


def line_figures(
    points: Points, best: NDArray[np.bool_], groups: Sequence[Group], along: str
) -> Iterator[Figure]:
    """Time, and energy where it is known, along the axis ``along``; the ``best`` are marked."""
    for title, name, unit in _METRICS:
        known = ~np.isnan(points[name])
        if known.any():
            shown = points.where(known)
            yield _figure(title, name, unit, shown, best[known], groups, along)


def _figure(
    title: str,
    name: str,
    unit: str,
    points: Points,
    best: NDArray[np.bool_],
    groups: Sequence[Group],
    along: str,
) -> Figure:
    measure = si_measure(title.lower(), unit, float(points[name].max()))
    x = points[along]
    y, lower, upper = (points[f"{name}{end}"] / measure.scale for end in ("", "_lower", "_upper"))
    spans = around(x), around(np.concatenate([lower, upper]))
    made = plot(_HEIGHT_PX, *spans, along, f"{title.lower()}, {measure.axis}")
    _ticks(made, along, x)
    series = np.array(_series(points, groups, along))
    shades = colours(series.tolist())
    for label, shade in shades.items():
        rows = np.flatnonzero(series == label)
        rows = rows[np.argsort(x[rows], kind="stable")]
        source = ColumnDataSource(
            data={"x": x[rows], "y": y[rows], "lower": lower[rows], "upper": upper[rows]}
        )
        band = VArea(x="x", y1="lower", y2="upper", fill_color=shade, fill_alpha=0.18)
        made.add_glyph(source, band)
        made.add_glyph(source, Line(x="x", y="y", line_color=shade, line_width=2))
    dots = {
        "x": x.tolist(),
        "y": y.tolist(),
        "colour": [shades[label] for label in series.tolist()],
        "size": np.where(best, 11, 6).tolist(),
        "edge": np.where(best, INK, "transparent").tolist(),
    }
    axes = tuple(axis.path for group in groups for axis in group.axes)
    said = said_of(points, axes)
    look = Scatter(x="x", y="y", size="size", fill_color="colour", line_color="edge")
    drawn = made.add_glyph(ColumnDataSource(data=dots | said), look)
    tooltips = [(heading, f"@{{{heading}}}") for heading in said]
    made.add_tools(HoverTool(renderers=[drawn], tooltips=tooltips))
    caption = f"{title} along {along}, with its range"
    return Figure(caption, made, [(str(label), shade) for label, shade in shades.items() if label])


def _series(points: Points, groups: Sequence[Group], along: str) -> list[str]:
    """Which line each point is on: what differs besides the axis, and what goes with that."""
    own = {axis.path for group in groups for axis in group.axes if _has(group, along)}
    others = [axis.path for group in groups for axis in group.axes if axis.path not in own]
    names = [n for n in (*SCENARIO[1:], *others) if len(np.unique(points[n])) > 1]
    return [", ".join(_label(name, row[name]) for name in names) for row in points.rows()]


def _has(group: Group, path: str) -> bool:
    return any(axis.path == path for axis in group.axes)


def _label(name: str, value: object) -> str:
    of = "" if name in SCENARIO else f"{name.rpartition('.')[2].replace('_', ' ')} "
    return f"{of}{value_in_words(name, value)}"


def _ticks(made: object, along: str, x: NDArray[np.float64]) -> None:
    """Ticks where the values are, in words; of many, some of them."""
    values = np.unique(x)
    values = values[:: -(-len(values) // _MOST_TICKS)]
    axis = made.below[0]  # type: ignore[attr-defined]
    axis.ticker = FixedTicker(ticks=values.tolist())
    axis.major_label_overrides = {value: value_in_words(along, value) for value in values.tolist()}
