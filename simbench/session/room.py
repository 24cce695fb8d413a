"""Whether the emulated machine has room for a model: told before it starts, not by a fault."""

from __future__ import annotations

from simbench.counts import Segment
from simbench.errors import DoesNotFit, UsageError
from simbench.task.tasks import ModelTask

_CALLED = {Segment.WEIGHTS: "model", Segment.ARENA: "arena"}


def check_room(task: ModelTask) -> None:
    """Raise DoesNotFit where the model, or the least arena it can do with, is larger than the
    machine's region for it, and UsageError where its inputs are.

    Where the board's own memory is too small too, that is what is said.
    """
    needs = {
        Segment.WEIGHTS: len(task.model.data),
        Segment.ARENA: task.model.least_arena_bytes,
    }
    for segment, needed in needs.items():
        free = _region(task, segment.name.lower())
        if needed <= free:
            continue
        memory = task.platform.memory_of(segment)
        if needed > memory.size_bytes:
            raise DoesNotFit(f"{_CALLED[segment]} (in {memory.name})", needed, memory.size_bytes)
        raise DoesNotFit(f"{_CALLED[segment]} (in the emulated machine)", needed, free)
    _check_inputs(task)


def _check_inputs(task: ModelTask) -> None:
    """Further inputs lie in a bank of the machine's memory."""
    largest = max((len(entry.wire) for entry in task.inputs), default=0)
    bank = _region(task, "bank")
    if largest * len(task.inputs) > bank:
        raise UsageError(
            f"{len(task.inputs)} inputs of {largest:,} bytes are more than the emulated machine "
            f"holds ({bank:,} bytes): give --samples {max(bank // largest, 1)}"
        )


def _region(task: ModelTask, name: str) -> int:
    symbols = task.image.symbols
    return symbols[f"__{name}_end"] - symbols[f"__{name}_start"]
