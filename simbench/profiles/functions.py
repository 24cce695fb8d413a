"""Which function each block of a run is in."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simbench.counts import Block
from simbench.firmware.image import Function, Image
from simbench.firmware.names import readable_names
from simbench.firmware.read import function_at

_PAGE = 256


@dataclass(frozen=True, eq=False, slots=True)
class Functions:
    """The functions of a run, by the address that each starts at.

    ``starts`` has that address for each of the run's blocks; ``names`` are readable, and all
    different. Code without symbols is a page of 256 bytes, whose function has no name.
    """

    starts: tuple[int, ...]
    functions: Mapping[int, Function]
    names: Mapping[int, str]


def functions_of(image: Image, blocks: Sequence[Block]) -> Functions:
    """The functions of ``image`` that ``blocks`` are in."""
    found = [_function_of(image, block.address) for block in blocks]
    functions = {function.start: function for function in found}
    starts = tuple(function.start for function in found)
    return Functions(starts, functions, readable_names(functions.values()))


def _function_of(image: Image, address: int) -> Function:
    """The function that holds ``address``; a page of addresses, without a name, where none does.

    One whose size the assembler was not told reaches to the next.
    """
    found = function_at(image, address)
    if found is not None:
        return found
    place = bisect.bisect_right(image.functions, address, key=lambda f: f.start) - 1
    if place >= 0 and image.functions[place].size == 0:
        start = image.functions[place].start
        return next(f for f in image.functions if f.start == start)
    return Function(address - address % _PAGE, _PAGE, "")
