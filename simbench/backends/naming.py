"""An address of code in words, so that a fault can be told to people."""

from __future__ import annotations

from simbench.firmware.image import Image
from simbench.firmware.names import demangle
from simbench.firmware.read import function_at


def place(image: Image, address: int) -> str:
    """``address`` in words: "in conv at 0x00001234", or "at 0x..." where no function is known."""
    where = f"at {address & ~1:#010x}"
    function = function_at(image, address)
    return where if function is None else f"in {demangle(function.name)} {where}"
