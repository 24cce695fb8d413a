"""Compare what two emulators executed of one image: instruction by instruction, layer by layer.

Where blocks begin and end is the emulator's choice, so everything is compared by address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from simbench.counts import Counts, SectionCounts, Segment
from simbench.isa.decode import decode, decode_block, encodings
from simbench.isa.instruction import STORES

INSTRUCTIONS = "instructions"
EDGES = "taken edges"
ACCESSES = "accesses"
CACHE_EVENTS = "cache events"


@dataclass(frozen=True, slots=True)
class Place:
    """What is at ``address`` occurred ``first`` times on the one, ``second`` on the other.

    ``what`` tells it apart from other things counted there: where an edge leads, the kind and
    segment of an access; "" for the execution of an instruction.
    """

    address: int
    first: int
    second: int
    what: str = ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """How often things of one kind occurred on either emulator, and those that differ."""

    name: str
    first: int
    second: int
    differing: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A section on either emulator; ``layer`` is None for the whole inference.

    ``quantities`` are those compared, the instructions before all others.
    """

    layer: int | None
    quantities: tuple[Quantity, ...]

    @property
    def instructions(self) -> Quantity:
        """The instructions executed."""
        return self.quantities[0]

    @property
    def differing(self) -> tuple[Quantity, ...]:
        """The quantities that differ."""
        return tuple(quantity for quantity in self.quantities if quantity.differing)

    @property
    def is_equal(self) -> bool:
        """Whether the same occurred equally often, of everything that was compared."""
        return not self.differing


Key = tuple[int, str]
"""An address, and what is counted there."""


def compare(first: Counts, second: Counts, left_out: Collection[str] = ()) -> tuple[Compared, ...]:
    """The inference and each layer, compared; a layer that one has not is none executed of it.

    ``left_out`` names the quantities that one of the two has not counted.
    """
    count = {name: found for name, found in _COUNT.items() if name not in left_out}
    inference = _compared(None, count, first, first.inference, second, second.inference)
    layers = max(len(first.layers), len(second.layers))
    each = (
        _compared(layer, count, first, _layer(first, layer), second, _layer(second, layer))
        for layer in range(layers)
    )
    return inference, *each


def _layer(counts: Counts, layer: int) -> SectionCounts | None:
    return counts.layers[layer] if layer < len(counts.layers) else None


_Count = Callable[[Counts, SectionCounts], Iterator[tuple[Key, int]]]


def _compared(
    layer: int | None,
    count: Mapping[str, _Count],
    first: Counts,
    in_first: SectionCounts | None,
    second: Counts,
    in_second: SectionCounts | None,
) -> Compared:
    def quantity(name: str) -> Quantity:
        one = _summed(count[name], first, in_first)
        other = _summed(count[name], second, in_second)
        return Quantity(name, one.total(), other.total(), tuple(_differing(one, other)))

    return Compared(layer, tuple(map(quantity, count)))


def _summed(count: _Count, counts: Counts, section: SectionCounts | None) -> Counter[Key]:
    found: Counter[Key] = Counter()
    if section is not None:
        for key, times in count(counts, section):
            found[key] += times
    return found


def _differing(first: Counter[Key], second: Counter[Key]) -> Iterator[Place]:
    for key in sorted(first.keys() | second.keys()):
        if first[key] != second[key]:
            address, what = key
            yield Place(address, first[key], second[key], what)


def _executions(counts: Counts, section: SectionCounts) -> Iterator[tuple[Key, int]]:
    for block, times in zip(counts.blocks, section.executions.tolist(), strict=True):
        address = block.address
        for instruction in decode_block(block.code) if times else ():
            yield (address, ""), times
            address += instruction.width


def _edges(counts: Counts, section: SectionCounts) -> Iterator[tuple[Key, int]]:
    """By the address behind the instruction that led away, as blocks end where they like."""
    for source, target, times in section.edges.tolist():
        block = counts.blocks[source]
        where = counts.blocks[target].address
        yield (block.address + len(block.code), f"to {where:#010x}"), times


def _accesses(counts: Counts, section: SectionCounts) -> Iterator[tuple[Key, int]]:
    for number, offset, segment, times in section.accesses.tolist():
        block = counts.blocks[number]
        encoding = next(encodings(block.code[offset : offset + 4]))
        is_store = decode(encoding).kind in STORES
        kind = "stores to" if is_store else "loads from"
        yield (block.address + offset, f"{kind} {Segment(segment).name.lower()}"), times


def _cache_events(_: Counts, section: SectionCounts) -> Iterator[tuple[Key, int]]:
    """By cache and kind alone: a line that blocks share is missed in the first of them."""
    for name, events in section.cache_events.items():
        for kind in ("jump_misses", "sequential_misses"):
            yield (0, f"{kind.replace('_', ' ')} in {name}"), int(events[kind].sum())


_COUNT: Mapping[str, _Count] = {
    INSTRUCTIONS: _executions,
    EDGES: _edges,
    ACCESSES: _accesses,
    CACHE_EVENTS: _cache_events,
}
