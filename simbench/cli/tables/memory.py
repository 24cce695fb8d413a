"""The memory section of a profile: sizes, and a picture of the arena, in 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simbench.result.tree import ArenaBuffer, ArenaUse, MemoryUse
from simbench.runs.memory import PERSISTENT, SCRATCH, TENSOR, live_bytes

_AXIS = 6  # columns of the KiB at the left, with a blank
_PICTURE = 80 - _AXIS
_WIDEST = 5
_ROWS = 12
_FREE = " "
_MARKS: Mapping[str, str] = {PERSISTENT: "░", TENSOR: "█", SCRATCH: "▓"}


def memory_tables(memory: MemoryUse) -> RenderableType:
    """What flash and RAM hold, and where in the arena what is, layer by layer."""
    parts: list[RenderableType] = [Text("\nMemory", style="bold")]
    parts.append(_sizes(memory))
    if memory.arena is not None and memory.arena_bytes is not None:
        parts.append(Text("\nArena by layer", style="bold"))
        parts += [Text(line) for line in arena_picture(memory.arena, memory.arena_bytes)]
    return Group(*parts)


def _sizes(memory: MemoryUse) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column("KiB", justify="right")
    table.add_column("of which", overflow="fold")
    for name, size, parts in _rows(memory):
        table.add_row(name, _kib(size), parts)
    return table


def _rows(memory: MemoryUse) -> Iterator[tuple[str, int, str]]:
    flash, ram, arena, arena_bytes = memory.flash, memory.ram, memory.arena, memory.arena_bytes
    if flash is not None:
        code = f"code {_kib(flash.code_bytes)}, tables {_kib(flash.tables_bytes)}"
        data = f"initial data {_kib(flash.data_bytes)}, weights {_kib(flash.weights_bytes)}"
        yield "flash", memory.flash_bytes, f"{code}, {data}"
        if flash.needed_bytes is not None:
            own = flash.needed_bytes + flash.weights_bytes
            yield "of it", own, "weights, and what the model's own operators need of the rest"
    if ram is not None and arena_bytes is not None:
        used = ram.stack_used_bytes
        reached = "" if used is None else f" ({_kib(used)} used)"
        stack = f"stack {_kib(ram.stack_bytes)}{reached}"
        static = f"static {_kib(ram.static_bytes)}"
        yield "RAM", memory.ram_bytes, f"{static}, {stack}, arena {_kib(arena_bytes)}"
    if arena is not None and arena_bytes is not None:
        shared = f"tensors and scratch {_kib(arena.head_bytes)}"
        yield "arena", arena_bytes, f"{shared}, persistent {_kib(arena.tail_bytes)}"


def _kib(size_bytes: int) -> str:
    return f"{size_bytes / 1024:.1f}"


def arena_picture(arena: ArenaUse, arena_bytes: int) -> list[str]:
    """A picture of the plan: layers across, the arena's addresses up, in lines of 80 columns."""
    layers = 1 + max(buffer.last_layer for buffer in arena.plan)
    live = [live_bytes(arena.plan, layer) for layer in range(layers)]
    width = min(max(_PICTURE // layers, 1), _WIDEST)
    each = _PICTURE // width
    lines: list[str] = []
    for start in range(0, layers, each):
        shown = range(start, min(start + each, layers))
        lines += _rows_of(arena.plan, arena_bytes, shown, width)
        lines += _feet(shown, live, width)
    marks = ", ".join(f"{_MARKS[kind]} {kind}" for kind in (TENSOR, SCRATCH, PERSISTENT))
    peak = live.index(max(live))
    return [*lines, f"{marks}; ^ peak: {_kib(max(live))} KiB alive in layer {peak}"]


def _rows_of(
    plan: Sequence[ArenaBuffer], arena_bytes: int, layers: range, width: int
) -> Iterator[str]:
    edges = [arena_bytes * row // _ROWS for row in range(_ROWS + 1)]
    for low, high in zip(edges[-2::-1], edges[:0:-1], strict=True):
        marks = (_mark(plan, layer, low, high) for layer in layers)
        cells = "".join((mark * max(width - 1, 1)).ljust(width) for mark in marks)
        yield f"{_kib(high):>{_AXIS - 1}} {cells}".rstrip()


def _mark(plan: Sequence[ArenaBuffer], layer: int, low: int, high: int) -> str:
    """What takes most of the addresses from ``low`` to ``high`` while ``layer`` runs."""
    taken = Counter({_FREE: high - low})
    for buffer in plan:
        end = buffer.offset_bytes + buffer.size_bytes
        inside = min(end, high) - max(buffer.offset_bytes, low)
        if inside > 0 and buffer.first_layer <= layer <= buffer.last_layer:
            taken[_MARKS[buffer.kind]] += inside
            taken[_FREE] -= inside
    return taken.most_common(1)[0][0]


def _feet(layers: range, live: Sequence[int], width: int) -> Iterator[str]:
    """The layers' numbers, as many as there is room for, and a mark under the peak."""
    step = -(-4 // width)  # room for three digits and a blank
    numbers = "".join(f"{layer:<{step * width}}" for layer in layers[::step]).rstrip()
    if len(numbers) > _PICTURE:  # the last one does not fit
        numbers = numbers.rpartition(" ")[0].rstrip()
    yield f"{'layer':<{_AXIS}}{numbers}"
    peak = live.index(max(live))
    if peak in layers:
        yield " " * (_AXIS + layers.index(peak) * width) + "^"
