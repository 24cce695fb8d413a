"""The plot of modelled over measured cycles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from simbench.validation.silicon import LIKE
from simbench.validation.validate import Comparison

_SIZE, _MARGIN = 520.0, 60.0
_BAND = 0.10


def scatter_plot(comparisons: Sequence[Comparison]) -> str:
    """Modelled over measured cycles, both axes logarithmic, with a band of 10 %, as HTML."""
    values = [c.row.cycles for c in comparisons] + [c.modelled_cycles.value for c in comparisons]
    axis = _Axis(min(values) * 0.7, max(values) * 1.4)
    band = " ".join(
        f"{axis.x(x):.1f},{axis.y(x * factor):.1f}"
        for x, factor in (
            (axis.low, 1 - _BAND),
            (axis.high, 1 - _BAND),
            (axis.high, 1 + _BAND),
            (axis.low, 1 + _BAND),
        )
    )
    size = _SIZE + 2 * _MARGIN
    lines = [
        "<figure>",
        f'<svg viewBox="0 0 {size:g} {size:g}" role="img" style="max-width: 40rem" '
        'aria-label="modelled over measured cycles" xmlns="http://www.w3.org/2000/svg">',
        f'<polygon points="{band}" fill="currentColor" opacity="0.12"/>',
        f'<path d="M{axis.x(axis.low):.1f},{axis.y(axis.low):.1f} '
        f'L{axis.x(axis.high):.1f},{axis.y(axis.high):.1f}" stroke="currentColor" opacity="0.5"/>',
        *axis.lines(),
        *(_dot(c, axis) for c in sorted(comparisons, key=lambda c: c.row.likeness == LIKE)),
        "</svg>",
        "<figcaption>Modelled over measured cycles. Filled: like ours; hollow: other stacks. The "
        f"band is {100 * _BAND:g} % either way.</figcaption>",
        "</figure>\n",
    ]
    return "\n".join(lines)


def _dot(c: Comparison, axis: _Axis) -> str:
    x, y = axis.x(c.row.cycles), axis.y(c.modelled_cycles.value)
    like = c.row.likeness == LIKE
    fill = "#00796b" if like else "none"
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="#00796b" '
        f'opacity="{0.9 if like else 0.5}"><title>{c.row.platform} {c.row.benchmark}, '
        f"{escape(c.row.submitter)}: {c.error:+.1%}</title></circle>"
    )


class _Axis:
    """Both axes: cycles from ``low`` to ``high``, logarithmic."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def _at(self, value: float) -> float:
        return _SIZE * math.log(value / self.low) / math.log(self.high / self.low)

    def x(self, value: float) -> float:
        """Where ``value`` is from the left."""
        return _MARGIN + self._at(value)

    def y(self, value: float) -> float:
        """Where ``value`` is from the top."""
        return _MARGIN + _SIZE - self._at(value)

    def lines(self) -> Iterator[str]:
        """The frame, the powers of ten and what the axes are."""
        left, bottom = _MARGIN, _MARGIN + _SIZE
        text = 'fill="currentColor" font-size="13"'
        middle = _MARGIN + _SIZE / 2
        yield (
            f'<rect x="{left:g}" y="{_MARGIN:g}" width="{_SIZE:g}" height="{_SIZE:g}" fill="none" '
            'stroke="currentColor" opacity="0.4"/>'
        )
        for exponent in range(math.ceil(math.log10(self.low)), int(math.log10(self.high)) + 1):
            value, label = 10.0**exponent, f"{10 ** (exponent - 6):g} M"
            x, y = self.x(value), self.y(value)
            yield f'<path d="M{x:.1f},{bottom:g} v-6" stroke="currentColor"/>'
            yield (
                f'<text x="{x:.1f}" y="{bottom + 18:g}" text-anchor="middle" {text}>{label}</text>'
            )
            yield f'<path d="M{left:g},{y:.1f} h6" stroke="currentColor"/>'
            yield f'<text x="{left - 6:g}" y="{y + 4:.1f}" text-anchor="end" {text}>{label}</text>'
        yield (
            f'<text x="{middle:g}" y="{bottom + 40:g}" text-anchor="middle" {text}>measured</text>'
        )
        yield f'<text x="{left:g}" y="{_MARGIN - 12:g}" {text}>modelled</text>'
