"""Where the bytes are: the memories of the board, what fills them, and the plan of the arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simbench.exports.html.blocks import Block, Details, Figure, Rows, Text
from simbench.exports.html.figures import colours, lines, plot, rectangles
from simbench.exports.html.layers import UNKNOWN
from simbench.exports.html.stacks import BYTES, OTHER, Row, part_colours, percent, stacked_bars
from simbench.result.tree import ArenaBuffer, ArenaUse, FlashUse, RamUse, Result
from simbench.result.units import format_kib

_PLAN_PX = 360
_KIB = 1024


def memory_blocks(result: Result) -> list[Block]:
    """Tables and figures of what ``result`` takes of the board's memories."""
    if result.memory is None:
        return []
    memory = result.memory
    blocks: list[Block] = [_memories(memory.memories)]
    arena_bytes = memory.arena_bytes
    if memory.flash is not None and memory.ram is not None and arena_bytes is not None:
        blocks += _parts(memory.flash, memory.ram, arena_bytes)
    if memory.arena is not None and memory.arena.plan and arena_bytes is not None:
        return [*blocks, *_arena(memory.arena, arena_bytes, len(result.layers))]
    reason = (result.missing or {}).get("arena", "the result was stored without one")
    return [*blocks, Text(f"No plan of the arena: {reason}.")]


def _memories(memories: Mapping[str, Mapping[str, int]]) -> Rows:
    rows = []
    for name, sizes in memories.items():
        used, size = sizes.get("used_bytes"), sizes.get("size_bytes")
        share = UNKNOWN if used is None or size is None else percent(used, size)
        rows.append((name, _kib(used), _kib(size), share))
    return Rows(("memory", "used", "there is", "share"), rows, caption="Memories of the board")


def _parts(flash: FlashUse, ram: RamUse, arena_bytes: int) -> list[Block]:
    flash_stack = {
        "code": flash.code_bytes,
        "tables": flash.tables_bytes,
        "initial data": flash.data_bytes,
        "weights": flash.weights_bytes,
    }
    ram_stack = {"static data": ram.static_bytes, "stack": ram.stack_bytes, "arena": arena_bytes}
    parts = (*flash_stack, *ram_stack)
    rows = [Row(name, name, stack) for name, stack in (("flash", flash_stack), ("RAM", ram_stack))]
    key = [(part, shade) for part, shade in part_colours(parts).items() if part != OTHER]
    sizes = {**flash_stack, **ram_stack}
    return [
        Figure(
            "What flash and RAM are taken by",
            stacked_bars(rows, parts, BYTES),
            [(f"{part} {format_kib(sizes[part])}", shade) for part, shade in key],
        ),
        Text(f"Of the stack, {_kib(ram.stack_used_bytes)} were used.")
        if ram.stack_used_bytes is not None
        else Text("How much of the stack was used is not known."),
    ]


def _arena(arena: ArenaUse, size_bytes: int, layers: int) -> list[Block]:
    shades = colours(buffer.kind for buffer in arena.plan)
    said = (
        f"The arena has {format_kib(size_bytes)}, of which "
        f"{format_kib(arena.high_water_bytes)} are in use once all is set up: "
        f"{format_kib(arena.head_bytes)} for tensors and scratch buffers, "
        f"which share memory over time, and {format_kib(arena.tail_bytes)} for what stays."
    )
    caption = "Plan of the arena: what is where while each layer runs"
    return [
        Figure(caption, _plan(arena.plan, size_bytes, layers, shades), list(shades.items())),
        Text(said),
        Details("Plan of the arena as a table", _plan_table(arena.plan)),
    ]


def _plan(
    plan: Sequence[ArenaBuffer], size_bytes: int, layers: int, shades: Mapping[str, str]
) -> Any:
    last = max(layers - 1, *(buffer.last_layer for buffer in plan))
    highest = max(size_bytes, *(b.offset_bytes + b.size_bytes for b in plan)) / _KIB
    made = plot(
        _PLAN_PX, (-0.5, last + 0.5), (0.0, highest * 1.02), "layer", "offset in the arena, KiB"
    )
    columns: dict[str, list[Any]] = {
        "left": [buffer.first_layer - 0.5 for buffer in plan],
        "right": [buffer.last_layer + 0.5 for buffer in plan],
        "bottom": [buffer.offset_bytes / _KIB for buffer in plan],
        "top": [(buffer.offset_bytes + buffer.size_bytes) / _KIB for buffer in plan],
        "colour": [shades[buffer.kind] for buffer in plan],
        "name": [buffer.name for buffer in plan],
        "kind": [buffer.kind for buffer in plan],
        "size": [f"{buffer.size_bytes:,} bytes" for buffer in plan],
        "offset": [f"{buffer.offset_bytes:,}" for buffer in plan],
        "alive": [_alive(buffer) for buffer in plan],
    }
    tooltips = tuple((name, f"@{name}") for name in ("name", "kind", "size", "offset", "alive"))
    rectangles(made, columns, tooltips)
    size = size_bytes / _KIB
    lines(made, {"x0": [-0.5], "x1": [last + 0.5], "y0": [size], "y1": [size]}, "dashed")
    return made


def _plan_table(plan: Sequence[ArenaBuffer]) -> Rows:
    rows = [(b.name, b.kind, f"{b.offset_bytes:,}", f"{b.size_bytes:,}", _alive(b)) for b in plan]
    return Rows(("buffer", "kind", "offset, bytes", "size, bytes", "alive"), rows, text_columns=2)


def _alive(buffer: ArenaBuffer) -> str:
    if buffer.first_layer == buffer.last_layer:
        return f"layer {buffer.first_layer}"
    return f"layers {buffer.first_layer} to {buffer.last_layer}"


def _kib(size_bytes: int | None) -> str:
    return UNKNOWN if size_bytes is None else format_kib(size_bytes)
