"""The immutable profile: where the cycles of one section went."""

from __future__ import annotations

from dataclasses import dataclass, field

from simbench.firmware.lines import SourceLine
from simbench.result.estimate import Estimate


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
class Frame:
    """What a function costs in a layer, or in the interpreter."""

    layer: str
    function: str
    instructions: int
    cycles: float


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile of one section; hottest first, layers in order of execution.

    ``interpreter`` is what no layer executed; ``shared`` are cycles of the whole that are no one
    layer's, where a price depends on what several of them did together (mostly nothing).
    ``layers`` is empty where the model is not known.
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
