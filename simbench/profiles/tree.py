"""The immutable profile: where the cycles of one section went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simbench.cost.price import EffectRange
from simbench.firmware.lines import SourceLine
from simbench.result.estimate import Estimate
from simbench.result.frames import Row, ranged, rows_frame
from simbench.result.notebook import UNKNOWN, Cell, estimate_cell, table_html
from simbench.result.tree import OK, MemoryUse
from simbench.result.units import format_range, format_si

if TYPE_CHECKING:
    import pandas

_FUNCTIONS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """What a part of the section costs; ``share`` is its fraction of the section's cycles."""

    instructions: int
    cycles: Estimate
    energy_j: Estimate | None
    share: float


@dataclass(frozen=True, slots=True)
class LayerCost:
    """A layer; ``cycles_per_mac`` is None where it multiplies nothing."""

    index: int
    op: str
    name: str
    output_shape: tuple[int, ...]
    macs: int
    cycles_per_mac: float | None
    cost: Cost


@dataclass(frozen=True, slots=True)
class AccessCount:
    """Words moved between the core and a segment, and the platform's memory that it is in."""

    segment: str
    memory: str
    loaded: int
    stored: int


@dataclass(frozen=True, slots=True)
class FunctionCost:
    """What a function costs by itself, without those it calls.

    ``symbol`` is the linker's name, ``name`` the readable one; ``source`` where its code begins.
    """

    address: int
    symbol: str
    name: str
    source: SourceLine | None
    cost: Cost
    accesses: tuple[AccessCount, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """``count`` calls of the function at ``callee`` from the function at ``caller``.

    ``address`` is the calling block's, ``source`` the line of its last instruction. Jumps from one
    function to another's beginning count, as tail calls.
    """

    caller: int
    callee: int
    address: int
    source: SourceLine | None
    count: int


@dataclass(frozen=True, slots=True)
class LineCost:
    """What a source line costs in the function at ``function``; None where it is not known."""

    function: int
    source: SourceLine | None
    instructions: int
    cycles: float


@dataclass(frozen=True, slots=True)
class MixEntry:
    """Executions of an instruction, and its class."""

    kind: str
    mnemonic: str
    count: int


@dataclass(frozen=True, slots=True)
class InterruptCost:
    """What one exception costs: its handler with all that it calls, and taking and leaving it.

    ``number`` is the core's, as in IPSR; ``handler`` the function that it enters, None where it was
    not entered in the section. It was ``taken`` so often with the state saved of whom it
    interrupted, ``chained`` in place of the return from another, ``returned`` from, and
    ``saved_floats`` the FPU's registers. 0 is what no exception executed.
    """

    number: int
    name: str
    handler: str | None
    taken: int
    chained: int
    returned: int
    saved_floats: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class TaskCost:
    """What a task of an RTOS executed outside exceptions.

    ``address`` is that of what the RTOS knows of it, ``name`` what it is called there, or else the
    linker's name of that place, or the address. An exception ``resumed`` it so often. Without an
    address: "interrupts" are all exceptions, "no task" what no known task executed outside them.
    """

    name: str
    address: int | None
    resumed: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class Frame:
    """What a function costs in a layer, or in the interpreter."""

    layer: str
    function: str
    instructions: int
    cycles: float


@dataclass(frozen=True, slots=True, repr=False)
class Profile:
    """The profile of one section; hottest first, layers in order of execution.

    ``interpreter`` is what no layer executed; ``shared`` are cycles of the whole that are no one
    layer's, where a price depends on what several of them did together (mostly nothing).
    ``effects`` are those whose range is open, widest first. ``layers`` is empty where the model is
    not known. ``interrupts`` are the exceptions by number, with what none of them executed as the
    first; empty where none occurred. ``tasks`` are those of an RTOS, hottest first, with what was
    executed in none of them; empty where none is known. ``status``, ``reason`` and ``memory`` are
    as in a result.
    """

    title: str
    clock_hz: float
    total: Cost
    layers: tuple[LayerCost, ...]
    interpreter: Cost
    shared: Cost
    functions: tuple[FunctionCost, ...]
    calls: tuple[Call, ...]
    lines: tuple[LineCost, ...]
    mix: tuple[MixEntry, ...]
    accesses: tuple[AccessCount, ...]
    frames: tuple[Frame, ...]
    notes: tuple[str, ...] = field(default=())
    status: str = OK
    reason: str | None = None
    memory: MemoryUse | None = None
    effects: tuple[EffectRange, ...] = ()
    interrupts: tuple[InterruptCost, ...] = ()
    tasks: tuple[TaskCost, ...] = ()

    def __repr__(self) -> str:
        """The profile in a line: "profile of kws@stm32f4/cmsis-nn ok: cycles 10.8 M (9.6–12.3)"."""
        cycles = self.total.cycles
        said = self.reason or f"cycles {format_si(cycles.value, '')} ({format_range(cycles)})"
        return f"<profile of {self.title} {self.status}: {said}>"

    def rows(self) -> Iterator[Row]:
        """The layers as dictionaries; what is not known is None. With ``interpreter`` and
        ``shared``, they add up to ``total``."""
        return (
            {
                "index": layer.index,
                "op": layer.op,
                "name": layer.name,
                "macs": layer.macs,
                "instructions": layer.cost.instructions,
                **ranged("cycles", layer.cost.cycles),
                **ranged("energy_j", layer.cost.energy_j),
                "share": layer.cost.share,
                "cycles_per_mac": layer.cycles_per_mac,
            }
            for layer in self.layers
        )

    def to_pandas(self) -> pandas.DataFrame:
        """The layers as a pandas DataFrame. Raises UsageError where pandas is not installed."""
        return rows_frame(tuple(self.rows()))

    def _repr_html_(self) -> str:
        """The layers as a table, or of an unknown model the functions that cost most."""
        parts = self._layer_cells() if self.layers else self._function_cells()
        rows = [*parts, _cells("all", "", self.total)]
        wrong = () if self.reason is None else (f"{self.status}: {self.reason}",)
        headings = ("layer", "name") if self.layers else ("function", "source")
        return table_html(
            self.title,
            (*headings, "instructions", "cycles", "energy", "share"),
            rows,
            (*wrong, *self.notes),
            text_columns=2,
        )

    def _layer_cells(self) -> Iterator[tuple[Cell, ...]]:
        for layer in self.layers:
            yield _cells(f"{layer.index} {layer.op}", layer.name.partition(";")[0], layer.cost)
        yield _cells("interpreter", "", self.interpreter)

    def _function_cells(self) -> Iterator[tuple[Cell, ...]]:
        for function in self.functions[:_FUNCTIONS_SHOWN]:
            source = function.source
            place = UNKNOWN if source is None else f"{source.file}:{source.line}"
            yield _cells(function.name, place, function.cost)


def _cells(what: str, name: str, cost: Cost) -> tuple[Cell, ...]:
    return (
        what,
        name,
        f"{cost.instructions:,}",
        estimate_cell(cost.cycles, ""),
        estimate_cell(cost.energy_j, "J"),
        f"{100 * cost.share:.1f} %",
    )
