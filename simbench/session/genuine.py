"""Hold what a backend counted against the image: it can only have executed what was loaded."""

from __future__ import annotations

from dataclasses import dataclass

from simbench.backends import LaunchSpec
from simbench.counts import Counts
from simbench.errors import InfrastructureError
from simbench.firmware.image import Image
from simbench.firmware.read import CodeReader


def check_code(counts: Counts, spec: LaunchSpec) -> None:
    """Raise InfrastructureError where a block of ``counts`` has bytes that ``spec`` does not load.

    Where nothing is loaded (RAM that the firmware copies code to, a second address of the flash)
    the bytes must be loaded somewhere; a board's own firmware may have unpacked or made them.
    """
    loaded = [(blob.address, blob.data) for blob in spec.blobs]
    is_own = spec.chip is not None
    image = _Image((), set()) if is_own else _image(spec.image)  # of a chip, it is in the blobs
    loaded += image.loaded
    for block in counts.blocks:
        place = (block.address, block.code)
        if place in image.held:
            continue
        if _is_loaded(*place, [*image.loaded], elsewhere=False) and not is_own:
            image.held.add(place)
        elif not _is_loaded(*place, loaded, elsewhere=is_own):
            raise InfrastructureError(
                f"the emulator counted code at {block.address:#010x} ({block.code[:8].hex()}...) "
                f"that {spec.image.path.name} does not have: what it counted cannot be trusted; "
                "use another version of it, or another emulator"
            )


@dataclass(frozen=True, slots=True)
class _Image:
    """What an image loads, and the code that was held against it before: address and bytes."""

    loaded: tuple[tuple[int, bytes], ...]
    held: set[tuple[int, bytes]]


_IMAGES: dict[str, _Image] = {}
"""By the hash of their content."""


def _image(image: Image) -> _Image:
    known = _IMAGES.get(image.sha256)
    if known is None:
        known = _IMAGES[image.sha256] = _Image(tuple(CodeReader(image).loaded), set())
    return known


def _is_loaded(
    address: int, code: bytes, loaded: list[tuple[int, bytes]], *, elsewhere: bool
) -> bool:
    """Whether ``loaded`` has ``code``; ``elsewhere``: where it has nothing at all."""
    for start, data in loaded:
        if start <= address < start + len(data):
            return data[address - start : address - start + len(code)] == code
    return elsewhere or any(code in data for _, data in loaded)
