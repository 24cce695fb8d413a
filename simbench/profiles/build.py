"""Builds the profile of an inference from its counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from simbench.cost.points import price_split
from simbench.cost.price import Price, effect_ranges, estimate, price_of
from simbench.cost.target import Target
from simbench.counts import Counts, SectionCounts
from simbench.errors import InfrastructureError
from simbench.firmware.image import Image
from simbench.firmware.lines import SourceLine
from simbench.models.prepared import PreparedModel
from simbench.profiles.attribution import SHARED, frames, outside
from simbench.profiles.code import addresses, calls, line_costs, mix
from simbench.profiles.functions import Functions, functions_of
from simbench.profiles.interrupts import interrupt_costs
from simbench.profiles.tasks import task_costs
from simbench.profiles.tree import Cost, Frame, FunctionCost, LayerCost, Profile
from simbench.profiles.words import words_moved
from simbench.result.estimate import Estimate

INTERPRETER = "interpreter"
_SECTION = "section"  # of a firmware whose layers are not known
_NO_SYMBOLS = "code without symbols is shown by address, in pages of 256 bytes"
_NO_LINES = "the image has no debug information: no source lines (compile with -g)"

Lines = Callable[[Image, Iterable[int]], Mapping[int, SourceLine]]


def build_profile(
    title: str,
    counts: Counts,
    image: Image,
    model: PreparedModel | None,
    target: Target,
    lines: Lines,
) -> Profile:
    """The profile of the measured inference of ``counts``. ``lines`` looks source lines up.

    Raises InfrastructureError where the layers executed are not those of ``model``.
    """
    if model is not None and len(model.layers) != len(counts.layers):
        raise InfrastructureError(
            f"the firmware ran {len(counts.layers)} layers of a model of {len(model.layers)}: "
            "build the firmware again"
        )
    functions = functions_of(image, counts.blocks)
    sources = lines(image, [*functions.functions, *addresses(counts)])
    run = _Run(counts, target, estimate(counts, counts.inference, target))
    sections = counts.layers if model is not None else ()
    layers = () if model is None else _layers(run, model)
    interpreter = run.cost(outside(counts.inference, sections))
    by_block = price_split(counts, counts.inference, target, range(len(counts.blocks)))
    together = words_moved(
        counts, counts.inference, target.platform, target.core, [0] * len(counts.blocks)
    )
    return Profile(
        title=title,
        clock_hz=target.platform.clock_hz,
        total=run.cost_of(counts.instructions(counts.inference), run.whole),
        layers=layers,
        interpreter=interpreter,
        shared=_remainder(run.whole, [*(layer.cost for layer in layers), interpreter]),
        functions=_function_costs(run, functions, sources),
        calls=calls(counts, functions, sources),
        lines=line_costs(counts, by_block, target.core, functions, sources),
        mix=mix(counts.blocks, counts.inference.executions),
        accesses=together.get(0, ()),
        frames=_frames(run, sections, layers, functions),
        notes=_notes(run, functions, sources),
        effects=effect_ranges(counts, counts.inference, target),
        interrupts=interrupt_costs(counts, target, functions, run.cost_of),
        tasks=task_costs(counts, target, image, run.cost_of),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Run:
    """A run with what it is priced on; ``whole`` is the price of its inference."""

    counts: Counts
    target: Target
    whole: Price

    def cost(self, section: SectionCounts) -> Cost:
        price = estimate(self.counts, section, self.target)
        return self.cost_of(self.counts.instructions(section), price)

    def cost_of(self, instructions: int, price: Price) -> Cost:
        share = _ratio(price.cycles.value, self.whole.cycles.value)
        return Cost(instructions, price.cycles, price.energy_j, share)


def _layers(run: _Run, model: PreparedModel) -> tuple[LayerCost, ...]:
    rows = []
    for layer, section in zip(model.layers, run.counts.layers, strict=True):
        cost = run.cost(section)
        rows.append(
            LayerCost(
                index=layer.index,
                op=layer.op,
                name=layer.name,
                output_shape=layer.output_shape,
                macs=layer.macs,
                cycles_per_mac=cost.cycles.value / layer.macs if layer.macs else None,
                cost=cost,
            )
        )
    return tuple(rows)


def _function_costs(
    run: _Run, functions: Functions, sources: Mapping[int, SourceLine]
) -> tuple[FunctionCost, ...]:
    target, section = run.target, run.counts.inference
    split = price_split(run.counts, section, target, functions.starts)
    words = words_moved(run.counts, section, target.platform, target.core, functions.starts)
    rows = (
        FunctionCost(
            address=start,
            symbol=functions.functions[start].name,
            name=functions.names[start],
            source=sources.get(start),
            cost=run.cost_of(executed, price_of(split.prices, row, target)),
            accesses=words[start],
        )
        for row, (start, executed) in enumerate(zip(split.groups, split.instructions, strict=True))
    )
    return tuple(sorted(rows, key=lambda row: -row.cost.cycles.value))


def _frames(
    run: _Run,
    sections: Sequence[SectionCounts],
    layers: Sequence[LayerCost],
    functions: Functions,
) -> tuple[Frame, ...]:
    found = frames(run.counts, sections, functions, run.target)
    labels: dict[int | None, str] = {n: f"{at.index} {at.op}" for n, at in enumerate(layers)}
    labels[None] = INTERPRETER if layers else _SECTION
    return tuple(
        Frame(
            SHARED if frame.function == SHARED else labels[frame.layer],
            frame.function,
            frame.instructions,
            frame.cycles,
        )
        for frame in found
    )


def _notes(run: _Run, functions: Functions, sources: Mapping[int, SourceLine]) -> tuple[str, ...]:
    notes = list(run.whole.notes)
    if run.target.platform.energy_reason is not None:
        notes.append(f"no energy: {run.target.platform.energy_reason}")
    if not all(function.name for function in functions.functions.values()):
        notes.append(_NO_SYMBOLS)
    if not sources:
        notes.append(_NO_LINES)
    return tuple(notes)


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
