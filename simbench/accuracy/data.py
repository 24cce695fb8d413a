"""The labelled data that ``--dataset`` names, for each task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simbench.accuracy.layout import check_folders, read_data_set
from simbench.accuracy.smoke import SMOKE, smoke_set
from simbench.task.ends import check_output
from simbench.task.labelled import DataSet
from simbench.task.tasks import ModelTask


def data_sets(tasks: Sequence[ModelTask], dataset: str) -> dict[str, DataSet]:
    """What judges the models of ``tasks``, by benchmark: the smoke set, or what a folder holds.

    Raises UsageError saying what is amiss.
    """
    if dataset != SMOKE:
        check_folders(Path(dataset), [task.benchmark for task in tasks])
    return {
        id_: _data_set(task, dataset)
        for id_, task in {task.benchmark.id: task for task in tasks}.items()
    }


def _data_set(task: ModelTask, dataset: str) -> DataSet:
    check_output(task.benchmark, task.model)
    if dataset == SMOKE:
        return smoke_set(task.benchmark, task.model)
    return read_data_set(Path(dataset), task.benchmark, task.model)
