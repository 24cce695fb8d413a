"""Compare what two emulators executed of one image: instruction by instruction, layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from simbench.counts import Counts, SectionCounts
from simbench.isa.decode import decode_block


@dataclass(frozen=True, slots=True)
class Place:
    """The instruction at ``address`` was executed ``first`` times on the one, ``second`` on the
    other."""

    address: int
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Instructions of a section on either emulator; ``layer`` is None for the whole inference.

    ``differing`` are the instructions that were not executed equally often, by address.
    """

    layer: int | None
    first: int
    second: int
    differing: tuple[Place, ...]

    @property
    def is_equal(self) -> bool:
        """Whether the same instructions were executed, equally often."""
        return not self.differing


def compare(first: Counts, second: Counts) -> tuple[Compared, ...]:
    """The inference and each layer, compared; a layer that one has not is none executed of it."""
    inference = _compared(None, first, first.inference, second, second.inference)
    layers = max(len(first.layers), len(second.layers))
    each = (
        _compared(layer, first, _layer(first, layer), second, _layer(second, layer))
        for layer in range(layers)
    )
    return inference, *each


def _layer(counts: Counts, layer: int) -> SectionCounts | None:
    return counts.layers[layer] if layer < len(counts.layers) else None


def _compared(
    layer: int | None,
    first: Counts,
    in_first: SectionCounts | None,
    second: Counts,
    in_second: SectionCounts | None,
) -> Compared:
    one, other = _executions(first, in_first), _executions(second, in_second)
    return Compared(layer, one.total(), other.total(), tuple(_differing(one, other)))


def _differing(first: Counter[int], second: Counter[int]) -> Iterator[Place]:
    for address in sorted(first.keys() | second.keys()):
        if first[address] != second[address]:
            yield Place(address, first[address], second[address])


def _executions(counts: Counts, section: SectionCounts | None) -> Counter[int]:
    """How often each instruction was executed, by its address: wherever blocks begin and end."""
    found: Counter[int] = Counter()
    if section is None:
        return found
    for block, times in zip(counts.blocks, section.executions.tolist(), strict=True):
        address = block.address
        for instruction in decode_block(block.code) if times else ():
            found[address] += times
            address += instruction.width
    return found
