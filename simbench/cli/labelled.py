"""``--dataset`` and ``--accuracy-on``: what a model is judged by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import click

from simbench.errors import UsageError
from simbench.result.tree import Result
from simbench.result.units import accuracy_said
from simbench.task.labelled import EMULATOR, HOST, DataSet
from simbench.task.tasks import Task

dataset_option = click.option(
    "--dataset",
    metavar="DIR|smoke",
    help="Judge the accuracy too: labelled data in the MLPerf Tiny runner's folders, or the small "
    "smoke set made here (write ./smoke for a folder of that name).",
)

accuracy_on_option = click.option(
    "--accuracy-on",
    "judge_on",
    type=click.Choice((HOST, EMULATOR)),
    default=HOST,
    show_default=True,
    help="With --dataset: whose outputs are judged. The host's are the firmware's once the samples "
    "were equal; the emulator proves every one.",
)


def check_labelled(dataset: str | None, judge_on: str, *, is_emulated_model: bool) -> None:
    """Raise UsageError where these options do not go together, or with a user's ELF or board."""
    if dataset is None and judge_on != HOST:
        raise UsageError("--accuracy-on is of labelled data: name it with --dataset")
    if dataset is not None and not is_emulated_model:
        raise UsageError(
            "--dataset judges a model on an emulated board: leave out --elf and --port"
        )


def with_labelled(tasks: Sequence[Task], dataset: str | None, judge_on: str) -> tuple[Task, ...]:
    """``tasks`` with the data that each is judged by, if any; UsageError where that is amiss."""
    if dataset is None:
        return tuple(tasks)
    from simbench.accuracy.data import data_sets  # takes long to import

    sets = data_sets(tasks, dataset)
    return tuple(_judged_by(task, sets[task.benchmark.id], judge_on) for task in tasks)


def _judged_by(task: Task, data: DataSet, judge_on: str) -> Task:
    return replace(task, data=data, judge_on=judge_on, notes=(*task.notes, *data.notes))


def missed_target(result: Result) -> Iterator[str]:
    """A sentence where the accuracy of ``result`` is below its target."""
    accuracy = result.accuracy
    if accuracy is not None and accuracy.passed is False:
        yield f"{result.id}: {accuracy_said(accuracy)}"
