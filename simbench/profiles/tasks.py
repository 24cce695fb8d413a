"""What each task of an RTOS costs, with all that it calls, and all exceptions together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from simbench.cost.points import price_split
from simbench.cost.price import Price, price_of
from simbench.cost.target import Target
from simbench.counts import NO_TASK, Block, Counts, Passage, TaskId
from simbench.firmware.image import Image
from simbench.profiles.tree import Cost, TaskCost

INTERRUPTS = "interrupts"
UNKNOWN = "no task"


def task_costs(
    counts: Counts, target: Target, image: Image, cost_of: Callable[[int, Price], Cost]
) -> tuple[TaskCost, ...]:
    """The tasks of the inference of ``counts``, hottest first; then what none of them executed.

    Together they are the whole. Empty where no task is known.
    """
    owners = [_owner(block) for block in counts.blocks]
    if not any(owner != NO_TASK for owner in owners if owner is not None):
        return ()
    labels = (*sorted({owner for owner in owners if owner is not None}), None)
    groups = [labels.index(owner) for owner in owners]
    split = price_split(counts, counts.inference, target, groups)
    resumed = _resumed(counts, owners)
    rows = (
        _row(labels[group], image, resumed, cost_of(executed, price_of(split.prices, n, target)))
        for n, (group, executed) in enumerate(zip(split.groups, split.instructions, strict=True))
    )
    return tuple(sorted(rows, key=lambda row: (row.address is None, -row.cost.cycles.value)))


def _owner(block: Block) -> TaskId | None:
    """The task that executed ``block``; None in an exception."""
    return None if block.context else block.task


def _resumed(counts: Counts, owners: Sequence[TaskId | None]) -> Mapping[TaskId | None, int]:
    rows = counts.inference.passages
    times = Counter[TaskId | None]()
    for row in rows[rows["kind"] == Passage.RETURNED]:
        times[owners[row["target"]]] += int(row["count"])
    return times


def _row(
    task: TaskId | None, image: Image, resumed: Mapping[TaskId | None, int], cost: Cost
) -> TaskCost:
    if task is None:
        return TaskCost(INTERRUPTS, None, 0, cost)
    times = resumed.get(task, 0)
    if task == NO_TASK:
        return TaskCost(UNKNOWN, None, times, cost)
    return TaskCost(_name(task, image), task.address, times, cost)


def _name(task: TaskId, image: Image) -> str:
    if task.name:
        return task.name
    of_it = sorted(name for name, at in image.symbols.items() if at == task.address)
    return of_it[0] if of_it else f"{task.address:#010x}"
