"""Tasks to results, side by side: observed and priced, then judged where there is labelled data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simbench.backends import Backend, Capabilities
from simbench.backends.boards import Launched, in_parallel
from simbench.errors import DoesNotFit, InfrastructureError, ModelError
from simbench.result.tree import FAILED, Result
from simbench.runs.bare import failed_result
from simbench.runs.priced import Ran, priced
from simbench.store import Store
from simbench.task.labelled import HOST
from simbench.task.tasks import ModelTask, Task

if TYPE_CHECKING:
    from simbench.accuracy.judge import Judged

_PRICED = ("cycles", "time_s", "energy_j", "layers", "frames")
_HOST_CANNOT_SAY = (
    "the firmware's outputs are not the host's, which so cannot answer for it: judge it with "
    "--accuracy-on emulator"
)


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
        ran = priced(task, backend, store, launched)
        judged = _judged(ran.result, task, backend, store, launched)
        result = _withheld(_with_accuracy(ran.result, task, judged), backend.capabilities)
    # ModelError: the host's reference, or the firmware, refuses it
    except (DoesNotFit, ModelError, InfrastructureError) as error:
        return Ran(failed_result(task, error))
    return replace(ran, result=result, notes=(*ran.notes, *(judged.notes if judged else ())))


def _size(task: Task) -> int:
    wire = sum(len(given.wire) for given in task.inputs[:1])
    return wire * 100 + (task.model.macs if isinstance(task, ModelTask) else 0)


def _withheld(result: Result, can: Capabilities) -> Result:
    """``result`` without prices, and why, where the backend counts too little for them."""
    if can.unpriced is None:
        return result
    missing = {**(result.missing or {}), **dict.fromkeys(_PRICED, can.unpriced)}
    bare = replace(result, cycles=None, time_s=None, energy_j=None, layers=(), frames=())
    return replace(bare, missing=missing)


def _judged(
    result: Result, task: Task, backend: Backend, store: Store | None, launched: Launched | None
) -> Judged | None:
    """How good the model is, or None without data, or where the host cannot answer for it."""
    if not isinstance(task, ModelTask) or task.data is None or result.parity is None:
        return None
    if task.judge_on == HOST and result.parity.wrong:
        return None
    from simbench.accuracy.judge import judge  # only labelled data needs it

    return judge(task, task.data, result.parity.samples, backend, store, launched)


def _with_accuracy(result: Result, task: Task, judged: Judged | None) -> Result:
    missing = dict(result.missing or {})
    if judged is None:
        if isinstance(task, ModelTask) and task.data is not None:
            missing["accuracy"] = _HOST_CANNOT_SAY
        return replace(result, missing=missing)
    del missing["accuracy"]
    result = replace(result, accuracy=judged.accuracy, missing=missing)
    if not judged.wrong:
        return result
    outputs = judged.accuracy.parity_samples + judged.wrong
    reason = f"{judged.wrong:,} of {outputs:,} outputs for labelled data differ from the host's"
    return replace(result, status=FAILED, reason=result.reason or reason)
