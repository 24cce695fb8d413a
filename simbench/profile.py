"""Where the cycles go: a section's price by layer, function, source line, instruction and memory.

A pure function of counts. Nothing is sampled, and everything adds up to the section: instructions
exactly, cycles to rounding.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simbench.attribution import outside, price_groups, restricted
from simbench.cost.core import Core
from simbench.cost.pipelines import pipeline
from simbench.cost.price import Price, estimate
from simbench.counts import Counts, SectionCounts, Segment
from simbench.errors import InfrastructureError
from simbench.estimate import Estimate
from simbench.firmware.image import Function, Image
from simbench.firmware.lines import SourceLine
from simbench.firmware.read import demangle, function_at
from simbench.isa.decode import decode_block
from simbench.isa.instruction import Instruction, InstructionClass
from simbench.models.prepared import PreparedModel
from simbench.platforms import Platform

INTERPRETER = "interpreter"
SHARED = "shared by layers"
_PAGE = 256
_NO_SYMBOLS = "code without symbols is shown by address, in pages of 256 bytes"
_NO_LINES = "the image has no debug information: no source lines (compile with -g)"
_ROUNDING = 1e-9

Lines = Callable[[Image, Iterable[int]], Mapping[int, SourceLine]]


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


def build_profile(
    title: str,
    counts: Counts,
    image: Image,
    model: PreparedModel | None,
    platform: Platform,
    core: Core,
    lines: Lines,
) -> Profile:
    """The profile of the measured inference of ``counts``. ``lines`` looks source lines up.

    Raises InfrastructureError where the layers executed are not those of ``model``.
    """
    return _Builder(title, counts, image, model, platform, core, lines).profile()


class _Builder:
    def __init__(
        self,
        title: str,
        counts: Counts,
        image: Image,
        model: PreparedModel | None,
        platform: Platform,
        core: Core,
        lines: Lines,
    ) -> None:
        if model is not None and len(model.layers) != len(counts.layers):
            raise InfrastructureError(
                f"the firmware ran {len(counts.layers)} layers of a model of {len(model.layers)}: "
                "build the firmware again"
            )
        self._title, self._counts, self._model = title, counts, model
        self._platform, self._core = platform, core
        self._section = counts.inference
        self._functions = [_function_of(image, block.address) for block in counts.blocks]
        self._groups = [function.start for function in self._functions]
        self._named = {function.start: function for function in self._functions}
        self._unsymbolised = any(not function.name for function in self._functions)
        self._whole = estimate(counts, self._section, platform, core)
        self._names = _readable(self._named.values())
        self._lines = lines(image, self._instruction_addresses())

    def profile(self) -> Profile:
        sections = self._counts.layers if self._model is not None else ()
        rest = outside(self._section, sections)
        layers = self._layers()
        interpreter = self._cost(rest, estimate(self._counts, rest, self._platform, self._core))
        costs = [*(layer.cost for layer in layers), interpreter]
        shared = _remainder(self._whole, costs)
        return Profile(
            title=self._title,
            clock_hz=self._platform.clock_hz,
            total=self._cost(self._section, self._whole),
            layers=layers,
            interpreter=interpreter,
            shared=shared,
            functions=self._function_costs(),
            calls=self._calls(),
            lines=self._line_costs(),
            mix=self._mix(),
            accesses=self._accesses(self._section),
            frames=self._frames(layers, sections, rest, shared),
            notes=self._notes(),
        )

    def _notes(self) -> tuple[str, ...]:
        notes = list(self._whole.notes)
        if self._platform.energy_reason is not None:
            notes.append(f"no energy: {self._platform.energy_reason}")
        if self._unsymbolised:
            notes.append(_NO_SYMBOLS)
        if not self._lines:
            notes.append(_NO_LINES)
        return tuple(notes)

    def _cost(self, section: SectionCounts, price: Price) -> Cost:
        return Cost(
            instructions=self._counts.instructions(section),
            cycles=price.cycles,
            energy_j=price.energy_j,
            share=_ratio(price.cycles.value, self._whole.cycles.value),
        )

    def _layers(self) -> tuple[LayerCost, ...]:
        if self._model is None:
            return ()
        rows = []
        for layer, section in zip(self._model.layers, self._counts.layers, strict=True):
            price = estimate(self._counts, section, self._platform, self._core)
            rows.append(
                LayerCost(
                    index=layer.index,
                    op=layer.op,
                    name=layer.name,
                    output_shape=layer.output_shape,
                    macs=layer.macs,
                    cycles_per_mac=price.cycles.value / layer.macs if layer.macs else None,
                    cost=self._cost(section, price),
                )
            )
        return tuple(rows)

    def _prices(self, section: SectionCounts, groups: Sequence[int]) -> dict[int, Price]:
        return price_groups(self._counts, section, self._platform, self._core, groups)

    def _function_costs(self) -> tuple[FunctionCost, ...]:
        number = np.asarray(self._groups)
        rows = []
        for start, price in self._prices(self._section, self._groups).items():
            own = restricted(self._section, number == start)
            rows.append(
                FunctionCost(
                    address=start,
                    symbol=self._named[start].name,
                    name=self._names[start],
                    source=self._lines.get(start),
                    cost=self._cost(own, price),
                    accesses=self._accesses(own),
                )
            )
        return tuple(sorted(rows, key=lambda row: -row.cost.cycles.value))

    def _calls(self) -> tuple[Call, ...]:
        blocks = self._counts.blocks
        calls = []
        # the jump that ends the section leads to what is no longer in it
        inside = self._section.executions > 0
        for source, target, count in self._section.edges[inside[self._section.edges["target"]]]:
            caller, callee = self._groups[source], self._groups[target]
            last, at = self._last(source)
            is_call = last.kind is InstructionClass.CALL or last.mnemonic == "blx"
            enters = blocks[target].address == callee and bool(self._named[callee].name)
            if enters and (is_call or caller != callee):
                where = self._lines.get(at)
                calls.append(Call(caller, callee, blocks[source].address, where, int(count)))
        return tuple(calls)

    def _last(self, block: int) -> tuple[Instruction, int]:
        """The last instruction of a block, and its address."""
        found = self._counts.blocks[block]
        instructions = decode_block(found.code)
        return instructions[-1], found.address + len(found.code) - instructions[-1].width

    def _line_costs(self) -> tuple[LineCost, ...]:
        cycles: defaultdict[tuple[int, SourceLine | None], float] = defaultdict(float)
        executed: Counter[tuple[int, SourceLine | None]] = Counter()
        blocks = range(len(self._counts.blocks))
        for index, price in self._prices(self._section, blocks).items():
            times = int(self._section.executions[index])
            shares = self._shares(index)
            for address, share in zip(self._offsets(index), shares, strict=True):
                key = (self._groups[index], self._lines.get(address))
                cycles[key] += price.cycles.value * share
                executed[key] += times
        rows = (LineCost(f, s, executed[f, s], spent) for (f, s), spent in cycles.items())
        return tuple(sorted(rows, key=lambda row: -row.cycles))

    def _offsets(self, index: int) -> list[int]:
        block = self._counts.blocks[index]
        widths = [instruction.width for instruction in decode_block(block.code)]
        return [block.address + sum(widths[:place]) for place in range(len(widths))]

    def _shares(self, index: int) -> NDArray[np.float64]:
        """A block's price goes to its instructions as their own cycles do, stalls with them."""
        block = self._counts.blocks[index]
        priced = pipeline(self._core).cycles(decode_block(block.code), block.address % 4)
        own: NDArray[np.float64] = priced.sum(axis=1)[:, 0]
        total = own.sum()
        return own / total if total > 0 else np.full(len(own), 1.0 / len(own))

    def _instruction_addresses(self) -> list[int]:
        used = np.flatnonzero(self._section.executions)
        return [*self._named, *(a for index in used for a in self._offsets(int(index)))]

    def _mix(self) -> tuple[MixEntry, ...]:
        counted: Counter[tuple[str, str]] = Counter()
        for block, times in zip(self._counts.blocks, self._section.executions, strict=True):
            for instruction in decode_block(block.code):
                counted[instruction.kind.value, instruction.mnemonic] += int(times)
        entries = (MixEntry(*key, n) for key, n in counted.items() if n)
        return tuple(sorted(entries, key=lambda entry: (-entry.count, entry.mnemonic)))

    def _accesses(self, section: SectionCounts) -> tuple[AccessCount, ...]:
        loaded: Counter[Segment] = Counter()
        stored: Counter[Segment] = Counter()
        for block, offset, segment, count in section.accesses.tolist():
            into = loaded if self._is_load(block, offset) else stored
            into[Segment(segment)] += count
        return tuple(
            AccessCount(s.name.lower(), self._platform.memory_of(s).name, loaded[s], stored[s])
            for s in Segment
            if loaded[s] or stored[s]
        )

    def _is_load(self, block: int, offset: int) -> bool:
        found = self._counts.blocks[block]
        first = decode_block(found.code[offset : offset + 4])[0]
        return first.memory is not None and first.memory.is_load

    def _frames(
        self,
        layers: Sequence[LayerCost],
        sections: Sequence[SectionCounts],
        rest: SectionCounts,
        shared: Cost,
    ) -> tuple[Frame, ...]:
        number = np.asarray(self._groups)
        frames = []
        labels = [f"{layer.index} {layer.op}" for layer in layers]
        for label, section in zip([*labels, INTERPRETER], [*sections, rest], strict=True):
            for start, price in self._prices(section, self._groups).items():
                own = restricted(section, number == start)
                instructions = self._counts.instructions(own)
                frames.append(Frame(label, self._names[start], instructions, price.cycles.value))
        if abs(shared.share) > _ROUNDING:
            frames.append(Frame(SHARED, SHARED, 0, shared.cycles.value))
        return tuple(frames)


def _function_of(image: Image, address: int) -> Function:
    """The function that holds ``address``; a page of addresses, without a name, where none does.

    One whose size the assembler was not told reaches to the next.
    """
    found = function_at(image, address)
    if found is not None:
        return found
    place = bisect.bisect_right(image.functions, address, key=lambda f: f.start) - 1
    if place >= 0 and image.functions[place].size == 0:
        start = image.functions[place].start
        return next(f for f in image.functions if f.start == start)
    return Function(address - address % _PAGE, _PAGE, "")


def _readable(functions: Iterable[Function]) -> dict[int, str]:
    """A name for each function by its address; the address is added where names are not unique."""
    plain = {f.start: demangle(f.name) if f.name else f"{f.start:#010x}" for f in functions}
    times = Counter(plain.values())
    return {
        start: name if times[name] == 1 else f"{name}@{start:x}" for start, name in plain.items()
    }


def _remainder(whole: Price, costs: Sequence[Cost]) -> Cost:
    """What of the whole's price is in none of ``costs``."""
    cycles = _less(whole.cycles, [cost.cycles for cost in costs])
    energy = None
    if whole.energy_j is not None:
        energy = _less(whole.energy_j, [c.energy_j for c in costs if c.energy_j is not None])
    return Cost(0, cycles, energy, _ratio(cycles.value, whole.cycles.value))


def _less(whole: Estimate, parts: Sequence[Estimate]) -> Estimate:
    value = whole.value - sum(part.value for part in parts)
    stack = {name: v - sum(p.stack[name] for p in parts) for name, v in whole.stack.items()}
    return Estimate(value, value, value, whole.source, stack)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
