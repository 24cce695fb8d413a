"""How much of a platform's memories an image, a model and its arena take, and whether they fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simbench.catalog.platforms import PLACED, Platform
from simbench.counts import Segment
from simbench.errors import DoesNotFit

Needs = Mapping[Segment, int]
"""Bytes that each placed segment needs."""

FLASH_KINDS = ("flash", "external")
"""Kinds of memories where nothing is written."""
_CALLED = {
    Segment.CODE: "code",
    Segment.WEIGHTS: "model",
    Segment.STATIC: "static data",
    Segment.ARENA: "arena",
}


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Bytes taken: of flash by code and weights, of RAM by static data and the arena.

    ``memories`` gives ``used_bytes`` and ``size_bytes`` by memory; used is more than the size where
    it does not fit. ``kinds`` adds up those that anything is placed in: "flash", which with
    external memory is where nothing is written, and "ram", all else. A board without flash has its
    code in RAM.
    """

    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    memories: Mapping[str, Mapping[str, int]]
    kinds: Mapping[str, Mapping[str, int]]


def memory_use(platform: Platform, needs: Needs) -> Occupancy:
    """The memory that ``needs`` take on ``platform``, whether they fit or not."""
    used = dict.fromkeys(platform.memories, 0)
    for segment in PLACED:
        used[platform.memory_of(segment).name] += needs[segment]
    return Occupancy(
        flash_bytes=needs[Segment.CODE] + needs[Segment.WEIGHTS],
        ram_bytes=needs[Segment.STATIC] + needs[Segment.ARENA],
        arena_bytes=needs[Segment.ARENA],
        memories={
            name: {"used_bytes": used[name], "size_bytes": memory.size_bytes}
            for name, memory in platform.memories.items()
        },
        kinds=_kinds(platform, used),
    )


def _kinds(platform: Platform, used: Mapping[str, int]) -> Mapping[str, Mapping[str, int]]:
    kinds = {kind: {"used_bytes": 0, "size_bytes": 0} for kind in ("flash", "ram")}
    for name in {platform.memory_of(segment).name for segment in PLACED}:
        memory = platform.memories[name]
        kind = kinds["flash" if memory.kind in FLASH_KINDS else "ram"]
        kind["used_bytes"] += used[name]
        kind["size_bytes"] += memory.size_bytes
    return kinds


def check_fit(platform: Platform, needs: Needs) -> None:
    """Raise DoesNotFit for the first segment that its memory has no room for, the arena last."""
    used = dict.fromkeys(platform.memories, 0)
    for segment in PLACED:
        memory = platform.memory_of(segment)
        free = memory.size_bytes - used[memory.name]
        if needs[segment] > free:
            raise DoesNotFit(f"{_CALLED[segment]} (in {memory.name})", needs[segment], free)
        used[memory.name] += needs[segment]
