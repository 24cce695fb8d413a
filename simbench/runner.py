"""Tasks to results: measure on the emulator, compare with the host, price the counts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from threading import Lock

from simbench.backends import Backend, Board
from simbench.cost.core import load_core
from simbench.cost.fit import check_fit, memory_use
from simbench.cost.price import Price, estimate
from simbench.counts import Segment
from simbench.errors import DoesNotFit, InfrastructureError
from simbench.inputs import prediction
from simbench.measure import Observation, measure
from simbench.models.prepared import PreparedModel
from simbench.models.reference import reference_outputs
from simbench.platforms import Platform
from simbench.results import (
    DOES_NOT_FIT,
    ERROR,
    FAILED,
    OK,
    Layer,
    MeasuredInput,
    Memory,
    ModelUsed,
    Parity,
    Prediction,
    Result,
)
from simbench.tasks import Task

_NO_DATA_SET = "no data set was given"
_OWN_ELF = "the model inside a user's own ELF is not known"


def run_tasks(tasks: Sequence[Task], backend: Backend) -> Iterator[Result]:
    """The results of ``tasks`` as they come, on all cores; the longest are started first.

    What goes wrong with one task is its result, with status "error"; the others go on.
    """
    order = sorted(tasks, key=_size, reverse=True)
    boards = _Boards()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        pending = [pool.submit(run_task, task, backend, boards.add) for task in order]
        try:
            for done in as_completed(pending):
                yield done.result()
        finally:
            # whoever stops listening, by Ctrl-C say, shall not wait for what runs
            for waiting in pending:
                waiting.cancel()
            boards.abort()


class _Boards:
    """The boards that run, so that all can be stopped at once, those about to start included."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._boards: list[Board] = []
        self._is_stopped = False

    def add(self, board: Board) -> None:
        with self._lock:
            self._boards.append(board)
            if self._is_stopped:
                board.abort()

    def abort(self) -> None:
        with self._lock:
            self._is_stopped = True
            for board in self._boards:
                board.abort()


def run_task(
    task: Task, backend: Backend, launched: Callable[[Board], None] | None = None
) -> Result:
    """The result of one task; ``launched`` is given its board, so that it can be aborted."""
    try:
        return _measured(task, measure(task, backend, launched))
    except InfrastructureError as error:
        return replace(_bare(task), status=ERROR, reason=str(error))


def _size(task: Task) -> int:
    wire = len(task.inputs[0].wire)
    return wire * 100 + (task.model.macs if task.model else 0)


def _bare(task: Task) -> Result:
    scenario = task.scenario
    measured = task.inputs[0]
    return Result(
        id=scenario.id,
        benchmark=scenario.benchmark,
        platform=scenario.platform,
        kernels=scenario.kernels,
        status=OK,
        input=MeasuredInput(measured.name, hashlib.sha256(measured.wire).hexdigest()),
        firmware_sha256=task.image.sha256,
        model=None if task.model is None else _model_used(task, task.model),
        missing={"accuracy": _NO_DATA_SET} | _no_energy(task.platform),
    )


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


def _measured(task: Task, seen: Observation) -> Result:
    core = load_core(task.platform.core)
    whole = estimate(seen.counts, seen.counts.inference, task.platform, core)
    result = replace(
        _bare(task),
        instructions=seen.counts.instructions(seen.counts.inference),
        cycles=whole.cycles,
        time_s=whole.time_s,
        energy_j=whole.energy_j,
        coverage=whole.coverage,
        notes=whole.notes,
    )
    if task.model is None:
        missing = dict.fromkeys(("parity", "memory", "layers"), _OWN_ELF)
        return replace(result, missing={**(result.missing or {}), **missing})
    layers = [estimate(seen.counts, s, task.platform, core) for s in seen.counts.layers]
    result = replace(
        result,
        layers=_layers(task.model, seen, layers),
        predictions=_predictions(task, task.model, seen),
        output_sha256=hashlib.sha256(seen.outputs[0]).hexdigest(),
    )
    return _with_fit(_with_parity(result, task, task.model, seen), task, task.model, seen)


def _with_parity(result: Result, task: Task, model: PreparedModel, seen: Observation) -> Result:
    expected = reference_outputs(model, [entry.tensor for entry in task.inputs])
    wrong = [
        entry.name
        for entry, ours, theirs in zip(task.inputs, seen.outputs, expected, strict=True)
        if ours != theirs
    ]
    parity = Parity(len(expected), len(expected) - len(wrong))
    if not wrong:
        return replace(result, parity=parity)
    reason = f"outputs differ from the host's reference for {', '.join(wrong)}"
    return replace(result, parity=parity, status=FAILED, reason=reason)


def _with_fit(result: Result, task: Task, model: PreparedModel, seen: Observation) -> Result:
    assert seen.arena_bytes is not None  # simbench's own firmware always says
    needs = {
        Segment.CODE: task.image.code_bytes,
        Segment.WEIGHTS: len(model.data),
        Segment.STATIC: task.image.static_bytes,
        Segment.ARENA: seen.arena_bytes,
    }
    use = memory_use(task.platform, needs)
    memory = Memory(use.flash_bytes, use.ram_bytes, use.arena_bytes, use.memories)
    try:
        check_fit(task.platform, needs)
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
    platforms = {task.platform.id: task.platform for task in tasks}
    cores = {platform.core: load_core(platform.core) for platform in platforms.values()}
    return {
        "backend": backend,
        "samples": samples,
        "seeds": {task.benchmark.id: task.benchmark.seed for task in tasks},
        "platforms": {name: platform.version for name, platform in platforms.items()},
        "cores": {name: core.version for name, core in cores.items()},
    }
