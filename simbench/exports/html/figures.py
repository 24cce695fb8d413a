"""Figures of rectangles with words: what every plot of a page is made with.

Colours are Okabe and Ito's, which colour-blind people tell apart. Ink, lines and paper are those of
the page's light scheme; where the reader's is dark, the page's script puts in the dark ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    FixedTicker,
    Grid,
    HoverTool,
    LinearAxis,
    NumeralTickFormatter,
    Plot,
    Quad,
    Range1d,
    Segment,
    Text,
)
from numpy.typing import NDArray

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
REST = "#8c8f94"
INK, LINE, PAPER = "#202124", "#dadce0", "#fefefe"
ROW_PX = 19
_AXIS_PX = 48
_LABEL_PX = 166

Span = tuple[float, float]
Tooltips = Sequence[tuple[str, str]]


_FAMILIES = (
    ("CONV_2D", "CONV_3D", "TRANSPOSE_CONV"),
    ("ADD", "SUB", "MUL", "DIV", "MINIMUM", "MAXIMUM", "SQUARED_DIFFERENCE"),
    ("FULLY_CONNECTED", "BATCH_MATMUL"),
    ("AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN", "SUM", "REDUCE_MAX"),
    ("SOFTMAX", "LOGISTIC", "TANH", "RELU", "RELU6", "HARD_SWISH", "LEAKY_RELU", "ELU", "PRELU"),
    ("DEPTHWISE_CONV_2D",),
    ("UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF", "WHILE"),
)
_OPERATORS = {op: PALETTE[place] for place, ops in enumerate(_FAMILIES) for op in ops}


def operator_colours(ops: Iterable[str]) -> dict[str, str]:
    """The colour of each operator: its family's, the same on every page; grey for all others."""
    return {op: _OPERATORS.get(op, REST) for op in dict.fromkeys(ops)}


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each of ``names``, in their order; those beyond the palette are grey."""
    found = dict.fromkeys(names)
    return {name: PALETTE[i] if i < len(PALETTE) else REST for i, name in enumerate(found)}


def plot(height: int, x: Span, y: Span, x_label: str = "", y_label: str = "") -> Any:
    """An empty plot, ``height`` pixels high and as wide as there is room, of these spans."""
    made = Plot(
        height=height,
        sizing_mode="stretch_width",
        x_range=Range1d(start=x[0], end=x[1]),
        y_range=Range1d(start=y[0], end=y[1]),
        toolbar_location=None,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border_right=12,
    )
    below = _axis(x_label)
    below.formatter = NumeralTickFormatter(format="0,0.[00]")
    made.add_layout(below, "below")
    made.add_layout(_axis(y_label), "left")
    made.add_layout(Grid(axis=below, grid_line_color=LINE))
    return made


def around(values: NDArray[np.float64]) -> Span:
    """The span of ``values`` with a margin at both ends."""
    low, high = float(values.min()), float(values.max())
    margin = 0.08 * (high - low) or 0.08 * high or 1.0
    return low - margin, high + margin


def _axis(label: str) -> Any:
    return LinearAxis(
        axis_label=label,
        axis_label_text_color=INK,
        axis_label_text_font_size="12px",
        axis_label_text_font_style="normal",
        axis_line_color=LINE,
        major_label_text_color=INK,
        major_label_text_font_size="12px",
        major_tick_line_color=LINE,
        minor_tick_line_color=None,
    )


def row_plot(labels: Sequence[str], x_label: str, longest: float) -> Any:
    """A plot of horizontal bars: a row for each of ``labels`` from the top, from 0 to ``longest``.

    Row ``i`` is at y = ``i``.
    """
    rows = len(labels)
    spans = (0.0, longest * 1.02 or 1.0), (rows - 0.5, -0.5)
    made = plot(ROW_PX * rows + _AXIS_PX, *spans, x_label)
    made.min_border_left = _LABEL_PX  # the bars of a page begin at one line
    axis = made.left[0]
    axis.ticker = FixedTicker(ticks=list(range(rows)))
    axis.major_label_overrides = {i: plain(label) for i, label in enumerate(labels)}
    axis.axis_line_color = axis.major_tick_line_color = None
    return made


def rectangles(
    made: Any, columns: Mapping[str, Sequence[Any]], tooltips: Tooltips, *, alpha: float = 1.0
) -> None:
    """Draw rectangles: columns ``left``, ``right``, ``bottom``, ``top`` and ``colour``.

    ``tooltips`` are shown of the one under the mouse: names, and other columns as "@column".
    """
    look = Quad(
        left="left",
        right="right",
        bottom="bottom",
        top="top",
        fill_color="colour",
        fill_alpha=alpha,
        line_color=PAPER,
        line_width=0.5,
    )
    drawn = made.add_glyph(_source(columns), look)
    made.add_tools(
        HoverTool(renderers=[drawn], tooltips=list(tooltips), point_policy="follow_mouse")
    )


def lines(made: Any, columns: Mapping[str, Sequence[float]], dash: str = "solid") -> None:
    """Draw a straight line in ink for each row of the columns ``x0``, ``y0``, ``x1``, ``y1``."""
    look = Segment(x0="x0", y0="y0", x1="x1", y1="y1", line_color=INK, line_dash=dash)
    made.add_glyph(_source(columns), look)


def words(made: Any, x: Sequence[float], y: Sequence[float], text: Sequence[str]) -> None:
    """Write ``text`` to the right of the points ``x``, ``y``."""
    look = Text(
        x="x",
        y="y",
        text="text",
        text_color=INK,
        text_font_size="11px",
        text_baseline="middle",
        x_offset=4,
    )
    made.add_glyph(_source({"x": x, "y": y, "text": text}), look)


def _source(columns: Mapping[str, Sequence[Any]]) -> ColumnDataSource:
    return ColumnDataSource(data={name: _rounded(values) for name, values in columns.items()})


def _rounded(values: Sequence[Any]) -> list[Any]:
    """Far below a pixel: axes have SI prefixes, so that numbers are around 1 to 1000."""
    return [round(value, 6) if isinstance(value, float) else value for value in values]


def plain(label: str, longest: int = 24) -> str:
    """``label`` cropped; and never TeX, which Bokeh would fetch a library for."""
    short = label if len(label) <= longest else label[: longest - 1] + "…"
    return short.replace("$$", "$ $").replace("\\", "/")
