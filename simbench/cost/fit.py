"""Whether an image, a model and its arena fit a platform's memories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simbench.counts import Segment
from simbench.errors import DoesNotFit
from simbench.platforms import PLACED, Platform


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Bytes taken: of flash by code and weights, of RAM by static data and the arena.

    ``memories`` gives ``used_bytes`` and ``size_bytes`` by memory.
    """

    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    memories: Mapping[str, Mapping[str, int]]


def fit(
    platform: Platform, *, code_bytes: int, weights_bytes: int, static_bytes: int, arena_bytes: int
) -> MemoryUse:
    """The memory an inference takes on ``platform``.

    Raises DoesNotFit for the first segment that its memory has no room for, the arena last.
    """
    needed = {
        Segment.CODE: code_bytes,
        Segment.WEIGHTS: weights_bytes,
        Segment.STATIC: static_bytes,
        Segment.ARENA: arena_bytes,
    }
    used = dict.fromkeys(platform.memories, 0)
    for segment in PLACED:
        memory = platform.memory_of(segment)
        free = memory.size_bytes - used[memory.name]
        if needed[segment] > free:
            name = f"{segment.name.lower()} (in {memory.name})"
            raise DoesNotFit(name, needed[segment], free)
        used[memory.name] += needed[segment]
    return MemoryUse(
        flash_bytes=code_bytes + weights_bytes,
        ram_bytes=static_bytes + arena_bytes,
        arena_bytes=arena_bytes,
        memories={
            name: {"used_bytes": used[name], "size_bytes": memory.size_bytes}
            for name, memory in platform.memories.items()
        },
    )
