"""Decodes Thumb-2. Each encoding is decoded once and remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from simbench.isa.instruction import Instruction
from simbench.isa.mve import decode_mve

_BLOCKS_KEPT = 1 << 13
_decoded: dict[bytes, Instruction] = {}


@lru_cache(maxsize=_BLOCKS_KEPT)
def decode_block(code: bytes) -> tuple[Instruction, ...]:
    """Decode the bytes of a basic block, in order.

    What is left of an instruction cut off by the end of ``code`` decodes to class "unknown".
    """
    return tuple(map(decode, encodings(code)))


def decode(encoding: bytes) -> Instruction:
    """Decode one instruction from its two or four bytes, little endian as in memory."""
    known = _decoded.get(encoding)
    if known is None:
        known = _decoded[encoding] = decode_mve(encoding) or _disassembled(encoding)
    return known


def remember(instructions: Mapping[bytes, Instruction]) -> None:
    """Take ``instructions``, which :func:`decode` made of these encodings in an earlier process."""
    _decoded.update(instructions)


def encodings(code: bytes) -> Iterator[bytes]:
    """The bytes of each instruction of a basic block, in order."""
    offset = 0
    while offset < len(code):
        end = offset + _width(code, offset)
        yield code[offset:end]
        offset = end


def _width(code: bytes, offset: int) -> int:
    wide = offset + 1 < len(code) and code[offset + 1] >> 3 in (0b11101, 0b11110, 0b11111)
    return 4 if wide else 2


def _disassembled(encoding: bytes) -> Instruction:
    # imported when it is needed: of most runs all code is remembered
    from simbench.isa.thumb import disassemble

    return disassemble(encoding)
