"""The configuration block that the loader writes beside an image: the layout of harness/config.h.

It says which model runs, how much arena there is, and how inputs come over the wire.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from simbench.errors import UsageError

CONFIG_BYTES = 92
_MAGIC = 0x46434253  # "SBCF"
_VERSION = 1
_LAYOUT = struct.Struct("<11I32s16s")


@dataclass(frozen=True, slots=True)
class BoardConfig:
    """Addresses and sizes in bytes, in the emulated machine.

    ``input_encoding``: 0 the tensor's bytes as they are, 1 unsigned bytes (the firmware takes 128
    off), 2 float32 (the firmware quantises them). ``result_kind``: 0 the outputs, dequantised; 1
    the mean squared error between output and input. ``bank`` holds inputs that the firmware loads
    by number: ``bank_entries`` of them, ``bank_stride_bytes`` apart.
    """

    model_address: int
    model_bytes: int
    arena_address: int
    arena_bytes: int
    bank_address: int
    bank_entries: int
    bank_stride_bytes: int
    input_encoding: int
    result_kind: int
    dut_name: str
    model_id: str


def pack_config(config: BoardConfig) -> bytes:
    """The block's bytes. Raises :class:`UsageError` where a name or a number does not fit."""
    numbers = (
        config.model_address,
        config.model_bytes,
        config.arena_address,
        config.arena_bytes,
        config.bank_address,
        config.bank_entries,
        config.bank_stride_bytes,
        config.input_encoding,
        config.result_kind,
    )
    names = _text(config.dut_name, 32, "platform"), _text(config.model_id, 16, "model")
    try:
        return _LAYOUT.pack(_MAGIC, _VERSION, *numbers, *names)
    except struct.error as error:
        raise UsageError(
            f"an address or a size does not fit 32 bits ({min(numbers)} to {max(numbers)}): use "
            "fewer samples or a smaller model"
        ) from error


def _text(name: str, size: int, what: str) -> bytes:
    """``name`` with room for its closing zero."""
    raw = name.encode("ascii", errors="replace")
    if len(raw) >= size or "\0" in name:
        raise UsageError(f"the {what}'s id {name!r} is too long: use at most {size - 1} characters")
    return raw
