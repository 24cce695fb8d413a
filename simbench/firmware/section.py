"""A section of a user's own firmware: what to measure, by symbols or addresses of its code."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field

from simbench.counts import Segment
from simbench.errors import UsageError
from simbench.firmware.image import Image
from simbench.firmware.names import readable_names
from simbench.firmware.passes import Passes, read_passes

_TEXT = re.compile(r"begin=(?P<begin>.+?),end=(?P<end>.+?)(?:,pass=(?P<passes>[^,]*))?")
RETURN = "return"
"""In place of the end: where the call of the begin returns. No function of C can be called so."""
_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{1,8}")


@dataclass(frozen=True, slots=True)
class Section:
    """From the first execution of the code at ``begin`` to the next of that at ``end``, which is
    not in it; from the last execution before that, where it ``is_last``. One place for both is a
    period: from its first execution to its second. Without an ``end`` it is a call of the function
    at ``begin``, until that has returned. Both are addresses without the Thumb bit; ``passes`` says
    which passage is measured, ``text`` is how they were named."""

    begin: int
    end: int | None
    is_last: bool = False
    passes: Passes = field(default_factory=Passes)
    text: str = field(default="", compare=False)


def read_section(text: str, image: Image) -> Section:
    """The section that ``text``, "begin=SYMBOL,end=SYMBOL", names in ``image``; "end=return" and
    ",pass=" behind it are as :class:`Section` and :func:`read_passes` say.

    A symbol is as the linker spells it, or readable where that is unique; an address, as
    0x8000123, goes too. Raises UsageError, with the nearest names, where there is no such code.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise UsageError(
            f"--section {text} cannot be read: give begin=SYMBOL,end=SYMBOL, or addresses as "
            "begin=0x8000100,end=0x8000200"
        )
    passes = Passes() if found["passes"] is None else read_passes(found["passes"])
    begin = code_address(found["begin"], image)
    end = None if found["end"] == RETURN else code_address(found["end"], image)
    return Section(begin, end, passes=passes, text=text)


def code_address(place: str, image: Image) -> int:
    """The address of the code that ``place`` names: a symbol, or an address as 0x8000123.

    Raises UsageError, with the nearest names, where there is no such code.
    """
    address = int(place, 16) if _ADDRESS.fullmatch(place) else _of_symbol(place, image)
    address &= ~1
    if not any(r.start <= address < r.end for r in image.segments.get(Segment.CODE, ())):
        raise UsageError(
            f"{place} is at {address:#010x}, where {image.path} has no code: name a function"
        )
    return address


def _of_symbol(name: str, image: Image) -> int:
    if name in image.symbols:
        return image.symbols[name]
    readable = readable_names(image.functions)
    places = [start for start, shown in readable.items() if shown == name]
    if len(places) == 1:
        return places[0]
    known = {*image.symbols, *readable.values()}
    if not known:
        raise UsageError(
            f"{image.path} has no symbols, so none is called {name}: give addresses, as "
            "begin=0x8000100,end=0x8000200"
        )
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "'nm' lists what there is"
    raise UsageError(f"{image.path} has no symbol {name}: {hint}")
