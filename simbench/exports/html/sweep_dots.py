"""The points of a sweep as dots in a figure: time against energy, and against RAM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Scatter
from numpy.typing import NDArray

from simbench.exports.html.blocks import Figure
from simbench.exports.html.figures import INK, PALETTE, REST, around, colours, plot, words
from simbench.exports.html.stacks import BYTES, si_measure
from simbench.result.units import format_kib, format_si
from simbench.sweeps.points import Points
from simbench.sweeps.sweep import SCENARIO
from simbench.sweeps.words import value_in_words

_HEIGHT_PX = 420
_MOST_NAMED = 16


def figures(points: Points, best: NDArray[np.bool_], axes: Sequence[str]) -> Iterator[Figure]:
    """Time against energy where that is known, and against RAM where some is not.

    The ``best`` are marked.
    """
    known = ~np.isnan(points["energy_j"])
    if known.any():
        others = "" if known.all() else f"; of {(~known).sum():,} points no energy is known"
        yield _dots(
            f"Time against energy{others}", "energy_j", points.where(known), best[known], axes
        )
    if not known.all():
        yield _dots("Time against RAM", "placed_ram_bytes", points, best, axes)


def _dots(
    caption: str, name: str, points: Points, best: NDArray[np.bool_], axes: Sequence[str]
) -> Figure:
    is_ram = name == "placed_ram_bytes"
    across = si_measure("time", "s", float(points["time_s"].max()))
    up = BYTES if is_ram else si_measure("energy", "J", float(points[name].max()))
    x, y = points["time_s"] / across.scale, points[name] / up.scale
    label = "RAM" if is_ram else "energy"
    made = plot(_HEIGHT_PX, around(x), around(y), f"time, {across.axis}", f"{label}, {up.axis}")
    shades, key = _shades(points, axes)
    columns = {
        "x": x.tolist(),
        "y": y.tolist(),
        "colour": [shades[value] for value in key.tolist()],
        "size": np.where(best, 11, 6).tolist(),
        "edge": np.where(best, INK, "transparent").tolist(),
    }
    said = said_of(points, axes)
    look = Scatter(
        x="x", y="y", size="size", fill_color="colour", fill_alpha=0.7, line_color="edge"
    )
    drawn = made.add_glyph(ColumnDataSource(data=columns | said), look)
    tooltips = [(heading, f"@{{{heading}}}") for heading in said]
    made.add_tools(HoverTool(renderers=[drawn], tooltips=tooltips))
    if len(points) <= _MOST_NAMED and not axes and not is_ram:  # of RAM many take the same
        words(made, x.tolist(), y.tolist(), points["platform"].tolist())
    return Figure(caption, made, [(str(value), shade) for value, shade in shades.items() if value])


def _shades(points: Points, axes: Sequence[str]) -> tuple[dict[str, str], NDArray[np.str_]]:
    """A colour by board, kernels or axis: the first that has several values, and not too many."""
    for name in (*SCENARIO[1:], *axes):
        values = np.unique(points[name])
        if 1 < len(values) <= len(PALETTE):
            of = "" if name in SCENARIO else f"{name.rpartition('.')[2]} "
            labels = np.array([f"{of}{value_in_words(name, v)}" for v in values.tolist()])
            return colours(labels.tolist()), labels[np.searchsorted(values, points[name])]
    return {"": REST}, np.full(len(points), "")


def said_of(points: Points, axes: Sequence[str]) -> dict[str, list[str]]:
    """What is said of the point under the mouse: by heading, of every point."""
    rows = list(points.rows())
    said = {name: [row[name] for row in rows] for name in SCENARIO[1:]}
    said |= {path: [value_in_words(path, row[path]) for row in rows] for path in axes}
    said["time"] = [_ranged(row, "time_s", "s") for row in rows]
    said["energy"] = [_ranged(row, "energy_j", "J") for row in rows]
    said["RAM"] = [format_kib(row["placed_ram_bytes"]) for row in rows]
    return said | {"status": [row["status"] for row in rows]}


def _ranged(row: Mapping[str, Any], name: str, unit: str) -> str:
    if row[name] is None:
        return "not known"
    value, lower, upper = (format_si(row[f"{name}{end}"], unit) for end in ("", "_lower", "_upper"))
    return f"{value} ({lower} to {upper})"
