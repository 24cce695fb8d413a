"""Whether the emulated machine has room for a model: told before it starts, not by a fault."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

from simbench.counts import Segment
from simbench.errors import DoesNotFit, UsageError
from simbench.task.tasks import ElfTask, ModelTask

_ARENA_NEEDED = re.compile(r"The model needs an arena of (\d+) bytes, and there are (\d+)")
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
        if needed > free:
            raise _misfit(task, segment, needed, free)
    _check_inputs(task)


def as_fits(task: ModelTask) -> ModelTask:
    """``task`` with as many seeded inputs as the machine holds, and a note where they are fewer.

    Real ones, and one at least, are left: whether these fit is for :func:`check_room`.
    """
    largest = max((len(entry.wire) for entry in task.inputs), default=1)
    most = max(_region(task, "bank") // largest, task.real, 1)
    if len(task.inputs) <= most:
        return task
    note = (
        f"{most} inputs of {largest:,} bytes are compared, not {len(task.inputs)}: the emulated "
        "machine holds no more"
    )
    return replace(task, inputs=task.inputs[:most], notes=(*task.notes, note))


def check_segments(task: ElfTask) -> None:
    """Raise DoesNotFit where a segment of a user's own ELF is longer than the memory it is in.

    Segments of no memory of the platform, such as option bytes, take no room of it.
    """
    for segment, ranges in task.linked.items():
        for part in ranges:
            for memory in task.platform.memories.values():
                free = memory.free_from(part.start)
                if free is not None and part.size > free:
                    called = f"{segment.name.lower()} at {part.start:#010x} (in {memory.name})"
                    raise DoesNotFit(called, part.size, free)
    _check_aliases(task)


def _check_aliases(task: ElfTask) -> None:
    """Refuse parts of an ELF at two addresses of one place: a memory may be seen twice, as where it
    has a secure address beside the other."""
    parts = [part for ranges in task.linked.values() for part in ranges]
    for memory in task.platform.memories.values():
        for one, other in combinations(parts, 2):
            first, second = memory.offset_of(one.start), memory.offset_of(other.start)
            if first is None or second is None or one.start - first == other.start - second:
                continue
            if first < second + other.size and second < first + one.size:
                raise UsageError(
                    f"the image has {one.size:,} bytes at {one.start:#010x} and {other.size:,} at "
                    f"{other.start:#010x}, which on {task.platform.id} are the same place in "
                    f"{memory.name}, seen twice: link the two apart"
                )


def arena_misfit(task: ModelTask, boot_errors: Iterable[str]) -> DoesNotFit | None:
    """What the firmware said when it started, where it was that its arena is too small."""
    for said in boot_errors:
        found = _ARENA_NEEDED.fullmatch(said)
        if found is not None:
            return _misfit(task, Segment.ARENA, int(found[1]), int(found[2]))
    return None


def _misfit(task: ModelTask, segment: Segment, needed: int, free: int) -> DoesNotFit:
    memory = task.platform.memory_of(segment)
    if needed > memory.size_bytes:
        return DoesNotFit(f"{_CALLED[segment]} (in {memory.name})", needed, memory.size_bytes)
    return DoesNotFit(f"{_CALLED[segment]} (in the emulated machine)", needed, free)


def _check_inputs(task: ModelTask) -> None:
    """Inputs lie in a bank of the machine's memory."""
    largest = max((len(entry.wire) for entry in task.inputs), default=0)
    bank = _region(task, "bank")
    if largest * len(task.inputs) > bank:
        needed, memory = task.model.least_arena_bytes, task.platform.memory_of(Segment.ARENA)
        if needed > memory.size_bytes:  # fewer inputs would not help
            raise _misfit(task, Segment.ARENA, needed, memory.size_bytes)
        if largest > bank:
            raise DoesNotFit("input (in the emulated machine)", largest, bank)
        raise UsageError(
            f"{len(task.inputs)} inputs of {largest:,} bytes are more than the emulated machine "
            f"holds ({bank:,} bytes): give --samples {bank // largest}"
        )


def _region(task: ModelTask, name: str) -> int:
    symbols = task.image.symbols
    return symbols[f"__{name}_end"] - symbols[f"__{name}_start"]
