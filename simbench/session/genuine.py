"""Hold what a backend counted against the image: it can only have executed what was loaded."""

from __future__ import annotations

from simbench.backends import LaunchSpec
from simbench.counts import Counts
from simbench.errors import InfrastructureError
from simbench.firmware.read import CodeReader


def check_code(counts: Counts, spec: LaunchSpec) -> None:
    """Raise InfrastructureError where a block of ``counts`` has bytes that ``spec`` does not load.

    Where nothing is loaded (RAM that the firmware copies code to, a second address of the flash)
    the bytes must be loaded somewhere; a board's own firmware may have unpacked or made them.
    """
    loaded = [(blob.address, blob.data) for blob in spec.blobs]
    is_own = spec.chip is not None
    if not is_own:  # of a chip, the image is in the blobs
        loaded += CodeReader(spec.image).loaded
    for block in counts.blocks:
        if not _is_loaded(block.address, block.code, loaded, elsewhere=is_own):
            raise InfrastructureError(
                f"the emulator counted code at {block.address:#010x} ({block.code[:8].hex()}...) "
                f"that {spec.image.path.name} does not have: what it counted cannot be trusted; "
                "use another version of it, or another emulator"
            )


def _is_loaded(
    address: int, code: bytes, loaded: list[tuple[int, bytes]], *, elsewhere: bool
) -> bool:
    """Whether ``loaded`` has ``code``; ``elsewhere``: where it has nothing at all."""
    for start, data in loaded:
        if start <= address < start + len(data):
            return data[address - start : address - start + len(code)] == code
    return elsewhere or any(code in data for _, data in loaded)
