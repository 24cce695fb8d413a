"""Tasks to results: measure on the emulator, compare with the host, price the counts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from simbench.accuracy.judge import HOST, Judged, judge
from simbench.backends import Backend, Capabilities
from simbench.backends.boards import Launched, in_parallel
from simbench.catalog.platforms import Platform
from simbench.cost.fit import check_fit
from simbench.cost.price import Price, estimate
from simbench.cost.residuals import load_target
from simbench.cost.targets import price_settings
from simbench.errors import DoesNotFit, InfrastructureError
from simbench.models.parity import agrees, parity_of
from simbench.models.prepared import PreparedModel
from simbench.models.recall import expected_outputs
from simbench.profiles.attribution import frames
from simbench.profiles.functions import functions_of
from simbench.result.tree import (
    DOES_NOT_FIT,
    ERROR,
    FAILED,
    OK,
    Layer,
    MeasuredInput,
    ModelUsed,
    Prediction,
    Result,
)
from simbench.runs.decoded import recall_decoded
from simbench.runs.memory import memory_needs, memory_section
from simbench.session.measure import Observation
from simbench.session.observe import observe
from simbench.store import Store
from simbench.task.inputs import Input, prediction
from simbench.task.labelled import NO_DATA_SET
from simbench.task.tasks import Task

_PRICING = Lock()  # Python prices one at a time: two at once take longer than one after the other
_NOTHING_SENT = "the section is passed without any"
_PRICED = ("cycles", "time_s", "energy_j", "layers", "frames")
_HOST_CANNOT_SAY = (
    "the firmware's outputs are not the host's, which so cannot answer for it: judge it with "
    "--accuracy-on emulator"
)
_OWN_ELF = "what a user's own ELF holds is not known"


@dataclass(frozen=True, slots=True)
class Ran:
    """A result, and how it came about: ``is_cached`` says that its counts are from the store,
    ``notes`` what was wrong with the store."""

    result: Result
    is_cached: bool = False
    notes: tuple[str, ...] = ()


def run_tasks(tasks: Sequence[Task], backend: Backend, store: Store | None = None) -> Iterator[Ran]:
    """The results of ``tasks`` as they come, on all cores; the longest are started first.

    Counts come from the ``store`` where it has them. What goes wrong with one task is its result,
    with status "error"; the others go on.
    """
    order = sorted(tasks, key=_size, reverse=True)
    yield from in_parallel(
        order,
        lambda task, launched: _run(task, backend, store, launched),
        os.cpu_count() or 1,
    )


def run_task(task: Task, backend: Backend, store: Store | None = None) -> Result:
    """The result of one task, with counts from the ``store`` where it has them."""
    return _run(task, backend, store).result


def _run(
    task: Task,
    backend: Backend,
    store: Store | None,
    launched: Launched | None = None,
) -> Ran:
    """``launched`` is given the board, so that it can be aborted."""
    try:
        observed = observe(task, backend, store, launched)
        tensors = [entry.tensor for entry in task.inputs]
        expected = expected_outputs(task.benchmark.id, task.model, tensors, store)
        with _PRICING:
            decoding = recall_decoded(task.benchmark.id, observed.observation.counts.blocks, store)
            result = _measured(task, observed.observation, expected.outputs)
        judged = _judged(result, task, backend, store, launched)
        result = _with_accuracy(result, task, judged)
        result = _withheld(result, backend.capabilities)
    except InfrastructureError as error:
        return Ran(replace(_bare(task), status=ERROR, reason=str(error)))
    notes = (*observed.notes, *expected.notes, *decoding, *(judged.notes if judged else ()))
    return Ran(result, observed.is_cached, notes)


def _size(task: Task) -> int:
    wire = 0 if task.measured is None else len(task.measured.wire)
    return wire * 100 + (task.model.macs if task.model else 0)


def _bare(task: Task) -> Result:
    scenario = task.scenario
    return Result(
        id=scenario.id,
        benchmark=scenario.benchmark,
        platform=scenario.platform,
        kernels=scenario.kernels,
        status=OK,
        input=None if task.measured is None else measured_input(task.measured),
        firmware_sha256=task.image.sha256,
        model=None if task.model is None else _model_used(task, task.model),
        notes=task.notes,
        missing={"accuracy": NO_DATA_SET} | _no_input(task) | _no_energy(task.platform),
    )


def measured_input(given: Input) -> MeasuredInput:
    """The input of a measured inference as a result names it."""
    return MeasuredInput(given.name, hashlib.sha256(given.wire).hexdigest())


def _no_input(task: Task) -> dict[str, str]:
    return {} if task.measured is not None else {"input": _NOTHING_SENT}


def _no_energy(platform: Platform) -> dict[str, str]:
    return {} if platform.energy_reason is None else {"energy_j": platform.energy_reason}


def _model_used(task: Task, model: PreparedModel) -> ModelUsed:
    return ModelUsed(
        name=task.benchmark.title,
        source_sha256=model.source_sha256,
        sha256=model.sha256,
        bytes=len(model.data),
        macs=model.macs,
        changes=model.changes,
    )


def _measured(task: Task, seen: Observation, expected: Sequence[bytes]) -> Result:
    target = load_target(task.platform)
    whole = estimate(seen.counts, seen.counts.inference, target)
    functions = functions_of(task.image, seen.counts.blocks)
    sections = () if task.model is None else seen.counts.layers
    result = replace(
        _bare(task),
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


def _withheld(result: Result, can: Capabilities) -> Result:
    """``result`` without prices, and why, where the backend counts too little for them."""
    if can.unpriced is None:
        return result
    missing = {**(result.missing or {}), **dict.fromkeys(_PRICED, can.unpriced)}
    bare = replace(result, cycles=None, time_s=None, energy_j=None, layers=(), frames=())
    return replace(bare, missing=missing)


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


def _judged(
    result: Result, task: Task, backend: Backend, store: Store | None, launched: Launched | None
) -> Judged | None:
    """How good the model is, or None without data, or where the host cannot answer for it."""
    if task.data is None or result.parity is None:
        return None
    if task.judge_on == HOST and result.parity.wrong:
        return None
    return judge(task, task.data, result.parity.samples, backend, store, launched)


def _with_accuracy(result: Result, task: Task, judged: Judged | None) -> Result:
    missing = dict(result.missing or {})
    if judged is None:
        if task.data is not None:
            missing["accuracy"] = _HOST_CANNOT_SAY
        return replace(result, missing=missing)
    del missing["accuracy"]
    result = replace(result, accuracy=judged.accuracy, missing=missing)
    if not judged.wrong:
        return result
    outputs = judged.accuracy.parity_samples + judged.wrong
    reason = f"{judged.wrong:,} of {outputs:,} outputs for labelled data differ from the host's"
    return replace(result, status=FAILED, reason=result.reason or reason)


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


def settings(tasks: Sequence[Task], backend: str, samples: int) -> Mapping[str, object]:
    """Everything that changes a number and is not in a result itself."""
    targets = {task.platform.id: load_target(task.platform) for task in tasks}
    return {
        "backend": backend,
        "samples": samples,
        "seeds": {task.benchmark.id: task.benchmark.seed for task in tasks},
        **price_settings(targets.values()),
    }
