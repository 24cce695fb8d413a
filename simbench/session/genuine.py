"""Hold what a backend counted against the image: it can only have executed what the image has."""

from __future__ import annotations

from simbench.counts import Counts
from simbench.errors import InfrastructureError
from simbench.firmware.image import Image
from simbench.firmware.read import CodeReader


def check_code(counts: Counts, image: Image) -> None:
    """Raise InfrastructureError where a block of ``counts`` has bytes that ``image`` has not."""
    code_at = CodeReader(image)
    for block in counts.blocks:
        known = code_at(block.address, len(block.code))
        if known != block.code:
            raise InfrastructureError(
                f"the emulator counted code at {block.address:#010x} that {image.path.name} does "
                f"not have there ({_difference(block.code, known)}): what it counted cannot be "
                "priced; use another emulator, or run code from where it was linked"
            )


def _difference(counted: bytes, known: bytes) -> str:
    """The first halfwords that differ."""
    place = next(at for at in range(len(counted)) if counted[at : at + 1] != known[at : at + 1])
    place -= place % 2
    has = known[place : place + 4].hex() or "nothing"
    return f"{counted[place : place + 4].hex()} where the image has {has}, {place} bytes on"
