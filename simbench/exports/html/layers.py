"""The layers of a model: a bar and a stack for each, and all of it as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simbench.exports.html.blocks import Block, Details, Figure, Rows
from simbench.exports.html.figures import lines, operator_colours, rectangles, row_plot
from simbench.exports.html.stacks import (
    Row,
    Stack,
    legend,
    part_colours,
    percent,
    si_measure,
    stacked_bars,
    words_of,
)
from simbench.result.estimate import Estimate
from simbench.result.tree import Layer, Result
from simbench.result.units import format_range, format_si, si_scale

OUTSIDE = "outside layers"
"""What an inference takes in its interpreter, and what no one layer takes by itself."""
UNKNOWN = "–"


def layer_label(layer: Layer) -> str:
    """A layer on an axis: "3 CONV_2D"."""
    return f"{layer.index} {layer.op}"


def layer_blocks(
    result: Result, cycle_parts: Sequence[str], energy_parts: Sequence[str]
) -> list[Block]:
    """Figures of the inference's stacks, and figures and table of its layers, where it has some."""
    if result.cycles is None:
        return []
    blocks: list[Block] = [_bars(result)] if result.layers else []
    blocks += _stacks(result, "cycles", "", cycle_parts)
    blocks += _stacks(result, "energy", "J", energy_parts)
    return [*blocks, Details("Layers as a table", _table(result))] if result.layers else blocks


def _bars(result: Result) -> Figure:
    assert result.cycles is not None
    layers, total = result.layers, result.cycles.value
    shades = operator_colours(layer.op for layer in layers)
    scale, prefix = si_scale(max(layer.cycles.value for layer in layers) or 1.0)
    longest = max(layer.cycles.upper for layer in layers) / scale
    made = row_plot([layer_label(layer) for layer in layers], f"{prefix} cycles", longest)
    at = list(range(len(layers)))
    columns: dict[str, list[Any]] = {
        "left": [0.0 for _ in layers],
        "right": [layer.cycles.value / scale for layer in layers],
        "bottom": [i + 0.4 for i in at],
        "top": [i - 0.4 for i in at],
        "colour": [shades[layer.op] for layer in layers],
        **_words(layers, total),
    }
    tooltips = (
        ("", "@layer"),
        ("name", "@name"),
        ("cycles", "@cycles (@range)"),
        ("of the inference", "@share"),
        ("instructions", "@instructions"),
        ("MACs", "@macs"),
        ("cycles a MAC", "@cycles_per_mac"),
        ("energy", "@energy"),
    )
    rectangles(made, columns, tooltips)
    _whiskers(made, layers, scale)
    return Figure("Cycles by layer, with their ranges", made, list(shades.items()))


def _words(layers: Sequence[Layer], total: float) -> dict[str, list[str]]:
    return {
        "layer": [layer_label(layer) for layer in layers],
        "name": [layer.name[:200] for layer in layers],
        "cycles": [format_si(layer.cycles.value, "") for layer in layers],
        "range": [format_range(layer.cycles) for layer in layers],
        "share": [percent(layer.cycles.value, total) for layer in layers],
        "instructions": [f"{layer.instructions:,}" for layer in layers],
        "macs": [f"{layer.macs:,}" for layer in layers],
        "cycles_per_mac": [_per_mac(layer) for layer in layers],
        "energy": [_si(layer.energy_j, "J") for layer in layers],
    }


def _whiskers(made: Any, layers: Sequence[Layer], scale: float) -> None:
    rows = [float(i) for i in range(len(layers))]
    lower = [layer.cycles.lower / scale for layer in layers]
    upper = [layer.cycles.upper / scale for layer in layers]
    lines(made, {"x0": lower, "x1": upper, "y0": rows, "y1": rows})


def _stacks(result: Result, quantity: str, unit: str, parts: Sequence[str]) -> list[Block]:
    """The stack of the inference as a bar, and that of each layer, where they are known."""
    whole = _stack(result, unit)
    stacks = [_stack(layer, unit) for layer in result.layers]
    total = sum(whole.values())
    if not total:
        return []
    title = quantity.capitalize()
    inference = Row("inference", "inference", whole)
    bar = stacked_bars([inference], parts, si_measure(quantity, unit, total))
    figures: list[Block] = [
        Figure(f"{title} of the inference by part", bar, legend(parts, whole)),
        Details(f"{title} by part as a table", _parts_table(whole, quantity, unit)),
    ]
    if not any(stacks):
        return figures
    labels = [layer_label(layer) for layer in result.layers]
    rows = [Row(label, label, stack) for label, stack in zip(labels, stacks, strict=True)]
    rows.append(Row(OUTSIDE, OUTSIDE, _rest(whole, stacks)))
    longest = max(sum(row.stack.values()) for row in rows)
    bars = stacked_bars(rows, parts, si_measure(quantity, unit, longest))
    key = [(words_of(part), shade) for part, shade in part_colours(parts).items()]
    return [*figures, Figure(f"{title} by layer and part", bars, key)]


def _parts_table(whole: Stack, quantity: str, unit: str) -> Rows:
    total = sum(whole.values())
    rows = [
        (words_of(part), format_si(value, unit), percent(value, total))
        for part, value in whole.items()
    ]
    return Rows(("part", quantity, "share"), rows)


def _stack(of: Result | Layer, unit: str) -> Stack:
    estimate = of.energy_j if unit else of.cycles
    return {} if estimate is None else estimate.stack


def _rest(whole: Stack, layers: Sequence[Stack]) -> Stack:
    """What of ``whole`` is in none of ``layers``; rounding can leave less than nothing of it."""
    return {
        part: max(0.0, value - sum(layer.get(part, 0.0) for layer in layers))
        for part, value in whole.items()
    }


def _table(result: Result) -> Rows:
    assert result.cycles is not None
    columns = _words(result.layers, result.cycles.value)
    headings = [name.replace("_per_mac", " a MAC").replace("macs", "MACs") for name in columns]
    return Rows(headings, list(zip(*columns.values(), strict=True)), text_columns=2)


def _per_mac(layer: Layer) -> str:
    return f"{layer.cycles.value / layer.macs:.2f}" if layer.macs else UNKNOWN


def _si(estimate: Estimate | None, unit: str) -> str:
    return UNKNOWN if estimate is None else format_si(estimate.value, unit)
