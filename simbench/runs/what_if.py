"""One simulation priced at other settings of its board: clock, wait states, caches, placement.

Only what changes no count is set: what would send other accesses through a cache has no price here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import Memory, Platform
from simbench.cost.fit import FLASH_KINDS, Needs, check_fit
from simbench.cost.points import price_points
from simbench.cost.target import Target
from simbench.counts import Counts, Segment
from simbench.errors import DoesNotFit
from simbench.files.datafile import Quantity
from simbench.result.what_if import ABSENT, AS_IS, Choice, Span, WhatIf

_CLOCKS = 8
_WAITS = 9
_DIGITS = 9  # what is shown has three
_MOVED = (Segment.WEIGHTS, Segment.ARENA)
_NO_ROOM = "does not fit"
_NOT_COUNTED = "not counted: other accesses would go through a cache"
_SUPPLY = (
    "energy is that at the supply of the board's file, whose numbers say of no other what it takes"
)
_NO_WAITS = "no memory that anything is placed in has wait states"
_NO_CACHE = "the board has no cache: what one would miss was not counted"
_ONE_PLACE = "there is no other memory that it fits in"

Change = Callable[[Platform], Platform]


@dataclass(frozen=True, eq=False, slots=True)
class _Axis:
    """A choice, and what each of its values makes of a board."""

    choice: Choice
    changes: Sequence[Change]


def what_if(counts: Counts, needs: Needs, target: Target) -> WhatIf:
    """The prices of the inference of ``counts`` at other settings of ``target``'s board, in whose
    memories it needs ``needs``."""
    board = target.platform
    clocks = tuple(board.clock_hz * step / _CLOCKS for step in range(1, _CLOCKS + 1))
    axes, left_out = _axes(board, needs)
    settings = [_set(board, changes) for changes in product(*(axis.changes for axis in axes))]
    fit = [index for index, platform in enumerate(settings) if _fits(platform, needs)]
    clocked = [replace(settings[i], clock_hz=clock) for clock in clocks for i in fit]
    prices = price_points(
        counts, counts.inference, [target, *(replace(target, platform=p) for p in clocked)]
    )
    as_found = set(prices.notes[0])
    cycles: list[Span | str] = [_NO_ROOM for _ in settings]
    energy: list[Span | str] = cycles * len(clocks)
    for row, (clock, setting) in enumerate(product(range(len(clocks)), fit), 1):
        counted = as_found.issuperset(prices.notes[row])
        energy[clock * len(settings) + setting] = _span(prices.energy_j[row], counted)
        cycles[setting] = _span(prices.cycles[row], counted)
    clock_choice = Choice(("clock",), tuple(map(_megahertz, clocks)), len(clocks) - 1)
    return WhatIf(
        clock_hz=clocks,
        choices=(clock_choice, *(axis.choice for axis in axes)),
        cycles=tuple(cycles),
        energy_j=() if board.energy is None else tuple(energy),
        left_out=left_out,
    )


def _axes(board: Platform, needs: Needs) -> tuple[list[_Axis], dict[str, str]]:
    """What else than the clock can be set, and why the rest cannot."""
    code = board.memory_of(Segment.CODE)
    waits = f"memories.{code.name}.wait_states"
    found: list[tuple[str, _Axis | str]] = [
        (waits, _waits(code) if code.wait_states.value else _NO_WAITS),
        ("caches", _caches(board)),
        *((_placed(segment), _places(board, segment, needs)) for segment in _MOVED),
        ("supply", _SUPPLY),
    ]
    axes = [axis for _, axis in found if isinstance(axis, _Axis)]
    return axes, {path: why for path, why in found if isinstance(why, str)}


def _waits(memory: Memory) -> _Axis:
    """Wait states from none to more than ``memory`` has."""
    own = memory.wait_states.value
    reach = 1.0 if own < _WAITS else own / (_WAITS // 2)
    values = sorted({own, *(float(round(step * reach)) for step in range(_WAITS))})
    path = (f"memories.{memory.name}.wait_states",)
    texts = tuple(AS_IS if value == own else f"{value:g}" for value in values)
    return _Axis(
        Choice(path, texts, values.index(own), f"{own:g}"),
        [_as_is if value == own else _waiting(memory.name, value) for value in values],
    )


def _caches(board: Platform) -> _Axis | str:
    """All caches of the board, or none of them."""
    paths = tuple(
        f"memories.{memory.name}.{kind}_cache"
        for memory in board.memories.values()
        for kind in ("instruction", "data")
        if getattr(memory, f"{kind}_cache") is not None
    )
    return _Axis(Choice(paths, (AS_IS, ABSENT), 0), (_as_is, _uncached)) if paths else _NO_CACHE


def _places(board: Platform, segment: Segment, needs: Needs) -> _Axis | str:
    """The memories that ``segment`` fits in by itself; what is written to is in no flash."""
    own = board.memory_of(segment).name
    names = [
        name
        for name, memory in board.memories.items()
        if (segment is Segment.WEIGHTS or memory.kind not in FLASH_KINDS)
        and (name == own or needs[segment] <= memory.size_bytes)
    ]
    if len(names) < 2:
        return _ONE_PLACE
    changes = [_as_is if name == own else _placing(segment, name) for name in names]
    return _Axis(Choice((_placed(segment),), tuple(names), names.index(own), own), changes)


def _placed(segment: Segment) -> str:
    return f"placement.{segment.name.lower()}"


def _as_is(board: Platform) -> Platform:
    return board


def _waiting(name: str, value: float) -> Change:
    def change(board: Platform) -> Platform:
        memory = replace(
            board.memories[name], wait_states=Quantity(value, value, value, source=None)
        )
        return replace(board, memories={**board.memories, name: memory})

    return change


def _uncached(board: Platform) -> Platform:
    memories = {
        name: replace(memory, instruction_cache=None, data_cache=None)
        for name, memory in board.memories.items()
    }
    return replace(board, memories=memories)


def _placing(segment: Segment, name: str) -> Change:
    return lambda board: replace(board, placement={**board.placement, segment: name})


def _set(board: Platform, changes: Sequence[Change]) -> Platform:
    for change in changes:
        board = change(board)
    return board


def _fits(board: Platform, needs: Needs) -> bool:
    try:
        check_fit(board, needs)
    except DoesNotFit:
        return False
    return True


def _span(ranges: NDArray[np.float64], is_counted: bool) -> Span | str:
    if not is_counted:
        return _NOT_COUNTED
    value, lower, upper = (float(f"{bound:.{_DIGITS}g}") for bound in ranges)
    return value, lower, upper


def _megahertz(clock: float) -> str:
    return f"{clock / 1e6:.{_DIGITS}g}MHz"
