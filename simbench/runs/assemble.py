"""What a board did becomes a result: outputs compared, counts priced, memory added up."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from simbench.cost.fit import check_fit
from simbench.cost.price import Price, estimate
from simbench.cost.residuals import load_target
from simbench.errors import DoesNotFit, InfrastructureError
from simbench.models.parity import agrees, parity_of
from simbench.models.prepared import PreparedModel
from simbench.profiles.attribution import frames
from simbench.profiles.functions import functions_of
from simbench.result.tree import (
    DOES_NOT_FIT,
    FAILED,
    Layer,
    Prediction,
    Result,
)
from simbench.runs.bare import bare_result
from simbench.runs.memory import memory_needs, memory_section
from simbench.session.measure import Observation
from simbench.task.inputs import prediction
from simbench.task.tasks import Task

_OWN_ELF = "what a user's own ELF holds is not known"


def assembled(task: Task, seen: Observation, expected: Sequence[bytes]) -> Result:
    """The result of ``task``, which did what was ``seen`` and should answer as ``expected``.

    Raises InfrastructureError where the firmware is not of the task's model.
    """
    target = load_target(task.platform)
    whole = estimate(seen.counts, seen.counts.inference, target)
    functions = functions_of(task.image, seen.counts.blocks)
    sections = () if task.model is None else seen.counts.layers
    result = replace(
        bare_result(task),
        instructions=seen.counts.instructions(seen.counts.inference),
        cycles=whole.cycles,
        time_s=whole.time_s,
        energy_j=whole.energy_j,
        coverage=whole.coverage,
        frames=frames(seen.counts, sections, functions, target),
        notes=(*task.notes, *whole.notes),
    )
    if task.model is None:
        missing = dict.fromkeys(("parity", "memory", "layers"), _OWN_ELF)
        return replace(result, missing={**(result.missing or {}), **missing})
    layers = [estimate(seen.counts, s, target) for s in sections]
    result = replace(
        result,
        layers=_layers(task.model, seen, layers),
        predictions=_predictions(task, task.model, seen),
        output_sha256=hashlib.sha256(seen.outputs[0]).hexdigest(),
    )
    return _with_fit(_with_parity(result, task, task.model, seen, expected), task, task.model, seen)


def _with_parity(
    result: Result, task: Task, model: PreparedModel, seen: Observation, expected: Sequence[bytes]
) -> Result:
    pairs = list(zip(seen.outputs, expected, strict=True))
    parity = parity_of(model, pairs)
    names = (entry.name for entry in task.inputs)
    wrong = [name for name, pair in zip(names, pairs, strict=True) if not agrees(model, *pair)]
    if not wrong:
        return replace(result, parity=parity)
    reason = f"outputs differ from the host's reference for {', '.join(wrong)}"
    return replace(result, parity=parity, status=FAILED, reason=reason)


def _with_fit(result: Result, task: Task, model: PreparedModel, seen: Observation) -> Result:
    assert seen.footprint is not None  # simbench's own firmware always says
    memory = memory_section(task.platform, task.image, model, seen.footprint)
    try:
        check_fit(task.platform, memory_needs(task.image, model, seen.footprint))
    except DoesNotFit as error:
        return replace(result, memory=memory, status=DOES_NOT_FIT, reason=str(error))
    return replace(result, memory=memory)


def _layers(model: PreparedModel, seen: Observation, prices: Sequence[Price]) -> tuple[Layer, ...]:
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


def _predictions(task: Task, model: PreparedModel, seen: Observation) -> tuple[Prediction, ...]:
    pairs = zip(task.inputs[: task.real], seen.outputs[: task.real], strict=True)
    named = ((e.name, prediction(task.benchmark.labels, model, output)) for e, output in pairs)
    return tuple(Prediction(name, said.label, said.score) for name, said in named)
