"""What a model takes of memory: what its firmware said, put together with the model and the image.

Pure. Flash and static RAM are read from the image; the arena's plan comes from the firmware, which
knows offsets, and from the model's graph, which knows how long a tensor is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simbench.catalog.platforms import PLACED, Platform
from simbench.cost.fit import Needs, check_fit, memory_use
from simbench.counts import Segment
from simbench.errors import DoesNotFit, InfrastructureError
from simbench.firmware.image import Image
from simbench.models.parse import used_codes
from simbench.models.prepared import Lifetime, PreparedModel
from simbench.result.tree import ArenaBuffer, ArenaUse, FlashUse, MemoryUse, RamUse
from simbench.session.conversation import Footprint
from simbench.session.measure import Observation
from simbench.session.protocol import PlanBuffer
from simbench.task.tasks import ElfTask, ModelTask

TENSOR, SCRATCH, PERSISTENT = "tensor", "scratch", "persistent"
"""Kinds of a buffer in the arena."""

_ALIGNMENT = 16  # kBufferAlignment in the firmware's runtime/arena.h


def memory_of(task: ModelTask, seen: Observation) -> MemoryUse:
    """The memory section of the result of ``task``. Raises as :func:`memory_section` does."""
    assert seen.footprint is not None  # simbench's own firmware always says
    use = memory_section(task.platform, task.image, task.model, seen.footprint)
    assert use.arena is not None
    return replace(use, arena=replace(use.arena, runtime=task.scenario.variant.runtime))


def misfit_of(task: ModelTask, seen: Observation) -> str | None:
    """What does not fit the platform of ``task``, in words; None where all does."""
    try:
        check_fit(task.platform, needs_of(task, seen))
    except DoesNotFit as error:
        return str(error)
    return None


def needs_of(task: ModelTask, seen: Observation) -> Needs:
    """Bytes that each placed segment of ``task`` needs."""
    assert seen.footprint is not None  # simbench's own firmware always says
    return memory_needs(task.image, task.model, seen.footprint)


def memory_needs(image: Image, model: PreparedModel, footprint: Footprint) -> Needs:
    """Bytes that each placed segment needs."""
    return {
        Segment.CODE: image.code_bytes,
        Segment.WEIGHTS: len(model.data),
        Segment.STATIC: image.static_bytes,
        Segment.ARENA: footprint.arena.bytes,
    }


def elf_memory(task: ElfTask) -> MemoryUse:
    """The memory that the sections of a user's own ELF take. What of RAM no section reserves, such
    as a stack that only the linker script's last symbol is, is not in it."""
    image = task.image
    needs = {**dict.fromkeys(PLACED, 0), Segment.CODE: image.code_bytes}
    use = memory_use(task.platform, {**needs, Segment.STATIC: image.static_bytes})
    return MemoryUse(use.flash_bytes, use.ram_bytes, None, use.memories, kinds=use.kinds)


def memory_section(
    platform: Platform, image: Image, model: PreparedModel, footprint: Footprint
) -> MemoryUse:
    """The memory section of a result, whether it all fits ``platform`` or not.

    Raises InfrastructureError where the firmware speaks of tensors that ``model`` has not.
    """
    from simbench.firmware.needed import needed_bytes  # a kept result reads no ELF

    use = memory_use(platform, memory_needs(image, model, footprint))
    return MemoryUse(
        flash_bytes=use.flash_bytes,
        ram_bytes=use.ram_bytes,
        arena_bytes=use.arena_bytes,
        memories=use.memories,
        flash=FlashUse(
            code_bytes=image.text_bytes,
            tables_bytes=image.tables_bytes,
            data_bytes=image.data_bytes,
            weights_bytes=len(model.data),
            needed_bytes=needed_bytes(image, used_codes(model.data)),
        ),
        ram=RamUse(
            static_bytes=image.static_bytes - image.stack_bytes,
            stack_bytes=image.stack_bytes,
            stack_used_bytes=footprint.stack_used_bytes,
        ),
        arena=arena_use(model, footprint),
        kinds=use.kinds,
    )


def arena_use(model: PreparedModel, footprint: Footprint) -> ArenaUse:
    """The arena's parts and its plan, by offset. Raises as :func:`memory_section` does."""
    plan = footprint.plan
    buffers = sorted(_buffers(model, footprint), key=lambda b: (b.offset_bytes, b.first_layer))
    return ArenaUse(
        head_bytes=plan.head_bytes,
        tail_bytes=plan.tail_bytes,
        high_water_bytes=footprint.arena.used_bytes,
        plan=tuple(buffers),
    )


def live_bytes(plan: tuple[ArenaBuffer, ...], layer: int) -> int:
    """Bytes of the arena that are needed while ``layer`` runs."""
    return sum(b.size_bytes for b in plan if b.first_layer <= layer <= b.last_layer)


def _buffers(model: PreparedModel, footprint: Footprint) -> Iterator[ArenaBuffer]:
    for buffer in footprint.plan.buffers:
        yield _buffer(buffer, _lifetime(buffer, model))
    tail = footprint.plan.tail_bytes
    last = len(model.layers) - 1
    yield ArenaBuffer(PERSISTENT, PERSISTENT, footprint.arena.bytes - tail, tail, 0, last)


def _buffer(buffer: PlanBuffer, alive: Lifetime) -> ArenaBuffer:
    size = -(-buffer.size // _ALIGNMENT) * _ALIGNMENT
    return ArenaBuffer(alive.name, buffer.kind, buffer.offset, size, alive.first, alive.last)


def _lifetime(buffer: PlanBuffer, model: PreparedModel) -> Lifetime:
    if buffer.kind == SCRATCH and buffer.number < len(model.layers):
        return Lifetime(model.layers[buffer.number].name, buffer.number, buffer.number)
    if buffer.kind == TENSOR and buffer.number in model.lifetimes:
        return model.lifetimes[buffer.number]
    raise InfrastructureError(
        f"the firmware has {buffer.kind} {buffer.number} in its arena, which the model has not: "
        "build the firmware again"
    )
