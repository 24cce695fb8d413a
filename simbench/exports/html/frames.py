"""Frames as a flame graph hanging down from the left: inference, layers, functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from simbench.exports.html.blocks import Block, Details, Figure, Rows, Text
from simbench.exports.html.figures import REST, operator_colours, plain, plot, rectangles, words
from simbench.exports.html.layers import OUTSIDE, layer_label
from simbench.exports.html.stacks import percent
from simbench.result.tree import Frame, Result
from simbench.result.units import format_si, si_scale

_HEIGHT = 640
_LEGIBLE = 0.022
_EDGES = (0.0, 0.17, 0.55, 1.0)
"""Where the columns of inference, layers and functions begin and end."""
_LETTERS = (9, 19, 90)
"""What of a name fits into each column on a phone; the last column's are cut off at the edge."""
_FUNCTIONS = 30
_MERGED = 0.0005
"""Functions of a layer below this share of the inference are shown as one."""


@dataclass(frozen=True, slots=True)
class _Box:
    level: int
    top: float
    bottom: float
    name: str
    where: str
    instructions: int
    colour: str

    @property
    def cycles(self) -> float:
        return self.bottom - self.top


def frame_blocks(result: Result) -> list[Block]:
    """The flame graph of ``result`` and its dearest functions; why not, where there are none."""
    if not result.frames:
        if result.cycles is None:
            return []
        reason = (result.missing or {}).get("frames", "the result was stored without functions")
        return [Text(f"No flame graph: {reason}.")]
    boxes = _boxes(result)
    return [
        Figure("Cycles of the inference, its layers and their functions", _plot(boxes)),
        Details("The dearest functions as a table", _table(result.frames)),
    ]


def _boxes(result: Result) -> list[_Box]:
    """All boxes of the graph, in the order of execution; tops and bottoms in cycles."""
    labels: dict[int | None, str] = {layer.index: layer_label(layer) for layer in result.layers}
    shades = operator_colours(layer.op for layer in result.layers)
    colour = {layer.index: shades[layer.op] for layer in result.layers}
    total = sum(frame.cycles for frame in result.frames)
    boxes: list[_Box] = []
    edge = 0.0
    for layer, frames in _by_layer(result.frames):
        name = labels.get(layer, OUTSIDE)
        shade = colour.get(layer, REST) if layer is not None else REST
        whole = _merged(frames)
        boxes.append(_box(1, edge, whole, name, "inference", shade))
        for frame in _large(frames, _MERGED * total):
            boxes.append(_box(2, edge, frame, frame.function, name, shade))
            edge += frame.cycles
    inference = _merged(result.frames)
    return [_box(0, 0.0, inference, "inference", result.id, REST), *boxes]


def _box(level: int, top: float, frame: Frame, name: str, where: str, colour: str) -> _Box:
    return _Box(level, top, top + frame.cycles, name, where, frame.instructions, colour)


def _large(frames: Sequence[Frame], least: float) -> list[Frame]:
    """``frames`` of one layer, of which those below ``least`` cycles are one, at the end."""
    large = [frame for frame in frames if frame.cycles >= least]
    small = [frame for frame in frames if frame.cycles < least]
    return [*large, _merged(small)] if len(small) > 1 else [*large, *small]


def _merged(frames: Sequence[Frame]) -> Frame:
    instructions = sum(frame.instructions for frame in frames)
    cycles = sum(frame.cycles for frame in frames)
    return Frame(None, f"{len(frames)} small functions", instructions, cycles)


def _by_layer(frames: Sequence[Frame]) -> Iterator[tuple[int | None, list[Frame]]]:
    """Layers in order and what is outside them at the end; the dearest function first."""
    layers = {frame.layer for frame in frames}
    for layer in sorted(layers, key=lambda index: (index is None, index or 0)):
        yield layer, sorted((f for f in frames if f.layer == layer), key=lambda f: -f.cycles)


def _plot(boxes: Sequence[_Box]) -> Any:
    total = boxes[0].cycles
    scale, prefix = si_scale(total or 1.0)
    made = plot(_HEIGHT, (0.0, 1.0), (total / scale or 1.0, 0.0), y_label=f"{prefix} cycles")
    made.below[0].visible = False
    made.center[0].visible = False
    columns: dict[str, list[Any]] = {
        "left": [_EDGES[box.level] for box in boxes],
        "right": [_EDGES[box.level + 1] for box in boxes],
        "top": [box.top / scale for box in boxes],
        "bottom": [box.bottom / scale for box in boxes],
        "colour": [box.colour for box in boxes],
        "name": [box.name for box in boxes],
        "where": [box.where for box in boxes],
        "cycles": [format_si(box.cycles, "") for box in boxes],
        "share": [percent(box.cycles, total) for box in boxes],
        "instructions": [f"{box.instructions:,}" for box in boxes],
    }
    tooltips = (
        ("", "@name"),
        ("in", "@where"),
        ("cycles", "@cycles"),
        ("of the inference", "@share"),
        ("instructions", "@instructions"),
    )
    rectangles(made, columns, tooltips, alpha=0.4)
    legible = [box for box in boxes if total and box.cycles / total >= _LEGIBLE]
    words(
        made,
        [_EDGES[box.level] for box in legible],
        [(box.top + box.bottom) / 2 / scale for box in legible],
        [plain(box.name, _LETTERS[box.level]) for box in legible],
    )
    return made


def _table(frames: Sequence[Frame]) -> Rows:
    """The dearest functions, over all layers."""
    spent: dict[str, tuple[float, int]] = {}
    for frame in frames:
        cycles, instructions = spent.get(frame.function, (0.0, 0))
        spent[frame.function] = (cycles + frame.cycles, instructions + frame.instructions)
    total = sum(frame.cycles for frame in frames)
    dearest = sorted(spent.items(), key=lambda entry: -entry[1][0])
    rows = [
        (function, format_si(cycles, ""), percent(cycles, total), f"{instructions:,}")
        for function, (cycles, instructions) in dearest[:_FUNCTIONS]
    ]
    return Rows(("function", "cycles", "share", "instructions"), rows)
