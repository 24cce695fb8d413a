"""What a model is worth on labelled data, by the host's reference or by every emulated output."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice

from simbench.accuracy.score import metric_of, score
from simbench.backends import Backend
from simbench.backends.boards import Launched
from simbench.errors import DoesNotFit
from simbench.models.parity import agrees
from simbench.models.recall import data_outputs
from simbench.result.tree import Accuracy
from simbench.session.measure import answers, bank_bytes
from simbench.store import Store
from simbench.task.inputs import Input, tensor_bytes
from simbench.task.labelled import EMULATOR, DataSet
from simbench.task.tasks import ModelTask


@dataclass(frozen=True, slots=True)
class Judged:
    """An accuracy, how many outputs of the emulated firmware were not the host's, and what was
    wrong with the store, in sentences."""

    accuracy: Accuracy
    wrong: int
    notes: tuple[str, ...]


def judge(
    task: ModelTask,
    data: DataSet,
    parity_samples: int,
    backend: Backend,
    store: Store | None,
    launched: Launched | None,
) -> Judged:
    """The accuracy of ``task`` on ``data``.

    By default the host answers, for which ``parity_samples`` outputs of the firmware vouch; where
    the task wants the emulator, every output is its own and is compared with the host's.
    """
    model = task.model
    inputs = [_inputs(task, sample.windows()) for sample in data.samples]
    every = list(chain.from_iterable(inputs))
    tensors = [given.tensor for given in every]
    expected = data_outputs(task.benchmark.id, model, data.sha256, tensors, store)
    outputs, wrong = expected.outputs, 0
    if task.judge_on == EMULATOR:
        ours = board_outputs(task, backend, every, launched)
        wrong = sum(not agrees(model, *pair) for pair in zip(ours, outputs, strict=True))
        outputs, parity_samples = ours, len(every) - wrong
    each = zip(every, outputs, strict=True)
    answered = [list(islice(each, len(group))) for group in inputs]
    value = score(task.benchmark, model, data.samples, answered)
    return Judged(_accuracy(task, data, value, parity_samples), wrong, expected.notes)


def board_outputs(
    task: ModelTask, backend: Backend, inputs: Sequence[Input], launched: Launched | None
) -> tuple[bytes, ...]:
    """The firmware's outputs, as many inputs to a start of the emulator as its memory holds, and
    an emulator to a core. Raises as :func:`simbench.session.measure.answers`."""
    cores = os.cpu_count() or 1
    size, bank = max(len(given.wire) for given in inputs), bank_bytes(task)
    if size > bank:
        raise DoesNotFit("input (in the emulated machine)", size, bank)
    share = min(bank // size, -(-len(inputs) // cores))
    parts = [inputs[start : start + share] for start in range(0, len(inputs), share)]
    with ThreadPoolExecutor(cores) as pool:
        found = pool.map(lambda part: answers(task, backend, part, launched), parts)
        return tuple(chain.from_iterable(found))


def _inputs(task: ModelTask, wires: Iterator[bytes]) -> list[Input]:
    tensor, encoding = task.model.input, task.benchmark.encoding
    return [Input("", wire, tensor_bytes(wire, tensor, encoding)) for wire in wires]


def _accuracy(task: ModelTask, data: DataSet, value: float, parity_samples: int) -> Accuracy:
    metric = metric_of(task.benchmark)
    target = None if task.benchmark.quality is None else task.benchmark.quality.target
    if data.is_smoke:
        metric, target = f"smoke-{metric}", None
    return Accuracy(
        metric=metric,
        value=value,
        samples=len(data.samples),
        target=target,
        passed=None if target is None else value >= target,
        on=task.judge_on,
        parity_samples=parity_samples,
        data_sha256=data.sha256,
    )
