"""Stacks of cycles and joules as bars: small parts are merged, so that totals stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simbench.exports.html.figures import REST, colours, rectangles, row_plot
from simbench.result.units import format_kib, format_si, si_scale

OTHER = "other parts"
_SHOWN = 7
_SMALL = 0.01
_UNSEEN = 0.0005

Stack = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """A bar: its label on the axis, its name in full, and its stack."""

    label: str
    name: str
    stack: Stack


@dataclass(frozen=True, slots=True)
class Measure:
    """What bars show: its name, the axis' label, what to divide by for it, and values in words."""

    name: str
    axis: str
    scale: float
    said: Callable[[float], str]


BYTES = Measure("size", "KiB", 1024.0, lambda size: format_kib(round(size)))


def si_measure(name: str, unit: str, largest: float) -> Measure:
    """Values in ``unit`` (none for cycles) up to ``largest``, with the SI prefix that suits it."""
    scale, prefix = si_scale(largest or 1.0)
    axis = f"{prefix}{unit}" if unit else f"{prefix} {name}"
    return Measure(name, axis, scale, lambda value: format_si(value, unit))


def shown_parts(stacks: Iterable[Stack]) -> tuple[str, ...]:
    """The parts worth a colour: at most seven, with at least 1 % of some stack, in stack order."""
    largest: dict[str, float] = {}
    for stack in stacks:
        total = sum(stack.values())
        for part, value in stack.items():
            share = value / total if total > 0 else 0.0
            largest[part] = max(share, largest.get(part, 0.0))
    ranked = sorted(largest, key=lambda part: -largest[part])[:_SHOWN]
    return tuple(part for part in largest if part in ranked and largest[part] >= _SMALL)


def merged(stack: Stack, parts: Sequence[str]) -> dict[str, float]:
    """``stack`` with all but ``parts`` as one part, which is left out where it is nothing."""
    kept = {part: stack[part] for part in parts if stack.get(part)}
    other = sum(value for part, value in stack.items() if part not in parts)
    return {**kept, OTHER: other} if other else kept


def part_colours(parts: Sequence[str]) -> dict[str, str]:
    """The colour of each of ``parts`` and of what is merged."""
    return {**colours(parts), OTHER: REST}


def legend(parts: Sequence[str], stack: Stack) -> list[tuple[str, str]]:
    """Labels and colours of the parts of a bar, with each part's share of ``stack``."""
    total = sum(stack.values())
    shades = part_colours(parts)
    return [
        (f"{words_of(part)} {percent(value, total)}", shades[part])
        for part, value in merged(stack, parts).items()
        if total and value / total >= _UNSEEN
    ]


def stacked_bars(rows: Sequence[Row], parts: Sequence[str], measure: Measure) -> Any:
    """One bar for each of ``rows``, made of ``parts`` and what is merged."""
    stacks = [merged(row.stack, parts) for row in rows]
    longest = max((sum(stack.values()) for stack in stacks), default=0.0)
    made = row_plot([row.label for row in rows], measure.axis, longest / measure.scale)
    columns = _rectangles(rows, stacks, measure)
    tooltips = (
        ("", "@name"),
        ("part", "@part"),
        (measure.name, "@amount"),
        ("of this bar", "@share"),
    )
    rectangles(made, {**columns, "colour": _shades(columns["part"], parts)}, tooltips)
    return made


def _shades(names: Iterable[str], parts: Sequence[str]) -> list[str]:
    shades = {words_of(part): shade for part, shade in part_colours(parts).items()}
    return [shades[name] for name in names]


def _rectangles(
    rows: Sequence[Row], stacks: Sequence[Stack], measure: Measure
) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [] for name in ("left", "right", "bottom", "top", "name", "part", "amount", "share")
    }
    for position, (row, stack) in enumerate(zip(rows, stacks, strict=True)):
        total = sum(stack.values())
        edge = 0.0
        for part, value in stack.items():
            cells = (
                edge / measure.scale,
                (edge + value) / measure.scale,
                position + 0.4,
                position - 0.4,
                row.name,
                words_of(part),
                measure.said(value),
                percent(value, total),
            )
            edge += value
            for column, cell in zip(columns.values(), cells, strict=True):
                column.append(cell)
    return columns


def words_of(part: str) -> str:
    """The name of a part in words: "load_store" is "load store"."""
    return part.replace("_", " ")


def percent(value: float, total: float) -> str:
    """The share of ``value`` in ``total``: "12.3 %"."""
    return f"{value / total:.1%}".replace("%", " %") if total else "–"
