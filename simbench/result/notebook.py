"""Tables for a notebook: HTML that needs nothing else, with every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from simbench.result.estimate import Estimate
from simbench.result.units import format_range, format_si

UNKNOWN = "–"

Cell = str | tuple[str, str]
"""A text, or one with a smaller one beneath it: a value and its range."""

_ALIGNED = ' style="text-align:{}"'
_SMALL = '<br><small style="opacity:.65">{}</small>'


def table_html(
    caption: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    remarks: Iterable[str] = (),
    *,
    text_columns: int = 1,
) -> str:
    """A table under its ``caption``, with the sentences ``remarks`` below.

    Columns after the first ``text_columns`` are numbers, to the right.
    """
    sides = ["left" if n < text_columns else "right" for n in range(len(headings))]
    head = _row("th", headings, sides)
    body = "\n".join(_row("td", row, sides) for row in rows)
    title = f'<caption style="text-align:left"><b>{escape(caption)}</b></caption>'
    below = "".join(f"\n<p>{escape(remark)}</p>" for remark in remarks)
    return (
        f"<div>\n<table>\n{title}\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
        f"{below}\n</div>"
    )


def estimate_cell(estimate: Estimate | None, unit: str) -> Cell:
    """The value of ``estimate`` with its range beneath."""
    return (
        UNKNOWN if estimate is None else (format_si(estimate.value, unit), format_range(estimate))
    )


def kib_cell(size_bytes: int | None) -> str:
    """Bytes in KiB without the unit, which is the heading's."""
    return UNKNOWN if size_bytes is None else f"{size_bytes / 1024:.1f}"


def _row(tag: str, cells: Sequence[Cell], sides: Sequence[str]) -> str:
    pairs = zip(cells, sides, strict=True)
    said = (f"<{tag}{_ALIGNED.format(side)}>{_content(cell)}</{tag}>" for cell, side in pairs)
    return f"<tr>{''.join(said)}</tr>"


def _content(cell: Cell) -> str:
    if isinstance(cell, str):
        return escape(cell)
    value, beneath = cell
    return escape(value) + _SMALL.format(escape(beneath))
