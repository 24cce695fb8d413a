"""What a board did becomes a result: outputs compared, counts priced, memory added up."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from simbench.cost.price import estimate
from simbench.cost.residuals import load_target
from simbench.cost.target import Target
from simbench.counts import SectionCounts
from simbench.errors import InfrastructureError
from simbench.models.parity import agrees, parity_of
from simbench.models.prepared import PreparedModel
from simbench.profiles.attribution import frames
from simbench.profiles.functions import functions_of
from simbench.result.tree import (
    DOES_NOT_FIT,
    FAILED,
    Frame,
    Layer,
    Prediction,
    Result,
)
from simbench.runs.bare import bare_result
from simbench.runs.memory import elf_memory, memory_of, misfit_of, needs_of
from simbench.runs.what_if import what_if
from simbench.session.measure import Observation
from simbench.task.inputs import prediction
from simbench.task.printed import compared, printed
from simbench.task.tasks import ElfTask, ModelTask, Task

_OWN_ELF = "what a user's own ELF holds is not known"


def assembled(
    task: Task,
    seen: Observation,
    expected: Sequence[bytes] | None,
    *,
    in_detail: bool = True,
) -> Result:
    """The result of ``task``, which did what was ``seen`` and should answer as ``expected``, where
    that is asked for. Only ``in_detail`` it has layers, frames and predictions.

    Raises InfrastructureError where the firmware is not of the task's model.
    """
    target = load_target(task.platform)
    match task:
        case ModelTask():
            whole = _priced(task, seen, target)
            if expected is not None:
                whole = _with_outputs(whole, task, seen, expected)
            whole = _with_fit(whole, task, seen)
            return _with_detail(whole, task, seen, target) if in_detail else whole
        case ElfTask():
            whole = _priced(task, seen, target)
            whole = replace(whole, frames=_frames(task, seen, (), target))
            missing = dict.fromkeys(("parity", "arena_bytes", "layers"), _OWN_ELF)
            missing = {**(whole.missing or {}), **missing}
            whole = replace(whole, memory=elf_memory(task), missing=missing)
            return whole if expected is None else _with_results(whole, task, seen, expected)


def _priced(task: Task, seen: Observation, target: Target) -> Result:
    counts = seen.counts
    price = estimate(counts, counts.inference, target)
    return replace(
        bare_result(task),
        instructions=counts.instructions(counts.inference),
        cycles=price.cycles,
        time_s=price.time_s,
        energy_j=price.energy_j,
        coverage=price.coverage,
        notes=(*task.notes, *seen.notes, *price.notes),
    )


def _with_outputs(
    result: Result, task: ModelTask, seen: Observation, expected: Sequence[bytes]
) -> Result:
    pairs = list(zip(seen.outputs, expected, strict=True))
    result = replace(
        result,
        parity=parity_of(task.model, pairs),
        output_sha256=hashlib.sha256(seen.outputs[0]).hexdigest(),
    )
    right = [agrees(task.model, *pair) for pair in pairs]
    return _failed(result, [entry.name for entry in task.inputs], right)


def _with_results(
    result: Result, task: ElfTask, seen: Observation, expected: Sequence[bytes]
) -> Result:
    """``result`` with what the firmware printed held against the model that is said to be in it."""
    if task.model is None or not seen.results:
        return result
    host = [
        printed(task.benchmark, task.model, given, output)
        for given, output in zip(task.inputs, expected, strict=True)
    ]
    right, parity = compared(host, seen.results)
    missing = {name: why for name, why in (result.missing or {}).items() if name != "parity"}
    result = replace(result, parity=parity, missing=missing)
    return _failed(result, [given.name for given in task.inputs], right)


def _failed(result: Result, names: Sequence[str], right: Sequence[bool]) -> Result:
    """``result``, failed where not every output is ``right``."""
    wrong = [name for name, is_right in zip(names, right, strict=True) if not is_right]
    if not wrong:
        return result
    reason = f"outputs differ from the host's reference for {', '.join(wrong)}"
    return replace(result, status=FAILED, reason=reason)


def _with_detail(result: Result, task: ModelTask, seen: Observation, target: Target) -> Result:
    return replace(
        result,
        layers=_layers(task.model, seen, target),
        frames=_frames(task, seen, seen.counts.layers, target),
        predictions=_predictions(task, seen),
        what_if=what_if(seen.counts, needs_of(task, seen), target),
    )


def _frames(
    task: Task, seen: Observation, layers: Sequence[SectionCounts], target: Target
) -> tuple[Frame, ...]:
    functions = functions_of(task.image, seen.counts.blocks)
    return frames(seen.counts, layers, functions, target)


def _with_fit(result: Result, task: ModelTask, seen: Observation) -> Result:
    result = replace(result, memory=memory_of(task, seen))
    misfit = misfit_of(task, seen)
    return result if misfit is None else replace(result, status=DOES_NOT_FIT, reason=misfit)


def _layers(model: PreparedModel, seen: Observation, target: Target) -> tuple[Layer, ...]:
    prices = [estimate(seen.counts, section, target) for section in seen.counts.layers]
    if len(model.layers) != len(prices):
        raise InfrastructureError(
            f"the firmware ran {len(prices)} layers of a model of {len(model.layers)}: build the "
            "firmware again"
        )
    return tuple(
        Layer(
            index=layer.index,
            op=layer.op,
            name=layer.name,
            instructions=seen.counts.instructions(section),
            cycles=price.cycles,
            energy_j=price.energy_j,
            macs=layer.macs,
        )
        for layer, section, price in zip(model.layers, seen.counts.layers, prices, strict=True)
    )


def _predictions(task: ModelTask, seen: Observation) -> tuple[Prediction, ...]:
    pairs = zip(task.inputs[: task.real], seen.outputs[: task.real], strict=True)
    named = ((e.name, prediction(task.benchmark.labels, task.model, output)) for e, output in pairs)
    return tuple(Prediction(name, said.label, said.score) for name, said in named)
