"""How a firmware set its board up: what it left in registers that decide what memory costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from simbench.catalog.chips import Controls, Register
from simbench.catalog.platforms import Cache, Memory, Platform


def controlling(platform: Platform) -> tuple[Register, ...]:
    """The registers of the chip that control a memory."""
    registers = () if platform.chip is None else platform.chip.registers
    return tuple(register for register in registers if register.controls is not None)


def as_set_up(platform: Platform, words: Mapping[int, int]) -> Platform:
    """``platform`` as a firmware left it, by the ``words`` of registers at their addresses.

    A register that is as after a reset says nothing: that firmware has not set its board up.
    """
    memories = dict(platform.memories)
    for register in controlling(platform):
        word, controls = words.get(register.address), register.controls
        if word is not None and controls is not None and word != register.reset:
            memories[controls.memory] = _controlled(memories[controls.memory], controls, word)
    return platform if memories == platform.memories else replace(platform, memories=memories)


def differences(filed: Platform, found: Platform) -> tuple[str, ...]:
    """What of ``found`` is not as ``filed``: a sentence for each memory."""
    return tuple(
        f"priced with {' and '.join(said)} at {name}, as the firmware set it up: "
        f"the file of {filed.id} says otherwise"
        for name, memory in found.memories.items()
        if (said := tuple(_said(filed.memories[name], memory)))
    )


def _said(filed: Memory, found: Memory) -> list[str]:
    said = []
    if filed.prefetch != found.prefetch:
        said.append(f"the prefetch {'on' if found.prefetch else 'off'}")
    for cache, other in (
        (filed.instruction_cache, found.instruction_cache),
        (filed.data_cache, found.data_cache),
    ):
        if cache is not None and other is None:
            said.append(f"the {cache.kind} cache off")
        elif cache is not None and other is not None and cache.ways != other.ways:
            said.append(f"the {cache.kind} cache of {other.ways} way{'s' * (other.ways > 1)}")
    return said


def _controlled(memory: Memory, controls: Controls, word: int) -> Memory:
    def is_on(bit: int | None, otherwise: bool) -> bool:
        return otherwise if bit is None else bool(word >> bit & 1)

    def cache(known: Cache | None, enable: int | None) -> Cache | None:
        if known is None or not is_on(enable, True):
            return None
        return known if is_on(controls.associative, True) else replace(known, ways=1)

    return replace(
        memory,
        prefetch=is_on(controls.prefetch, memory.prefetch),
        instruction_cache=cache(memory.instruction_cache, controls.instruction_cache),
        data_cache=cache(memory.data_cache, controls.data_cache),
    )
