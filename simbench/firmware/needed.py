"""What of an image a model needs: a build with its operators alone takes no more of flash.

Followed are the references that the linker left in the image, from the vectors on, and of the table
of operators the entries of the model's alone. Texts lie together and count whole: of the 53,465
bytes that ad is said to need on a Cortex-M4, a build with its two operators takes 49,500.
"""

from __future__ import annotations

import bisect
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from simbench.firmware.image import Image

_ROOTS = ("simbench_vectors", "simbench_ops")
_TABLE = "kOpsE"  # the end of the mangled name of the table in firmware_images/runtime/ops.cc
_ENTRY_BYTES = 16  # its struct Op, whose first word is the operator's code
_NONE, _ABSOLUTE = 0, 2  # R_ARM_NONE; R_ARM_ABS32, whose word is the address itself


@dataclass(frozen=True, slots=True)
class _Section:
    """A section that is in flash."""

    name: str
    start: int
    data: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.data)

    def word(self, address: int) -> int:
        return int.from_bytes(self.data[address - self.start :][:4], "little")


@dataclass(frozen=True, slots=True)
class _Symbol:
    name: str
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class _Reference:
    """From a place in a piece to an address; ``code`` is the operator's whose entry it is in."""

    target: int
    code: int | None


@dataclass(frozen=True, slots=True)
class _Graph:
    """An image's functions, tables and what lies between them, by address: ``pieces``."""

    pieces: tuple[_Symbol, ...]
    references: Mapping[int, Sequence[_Reference]]

    def piece_at(self, address: int) -> int | None:
        """The index of the piece that holds ``address``."""
        index = bisect.bisect_right(self.pieces, address, key=lambda piece: piece.start) - 1
        is_in = index >= 0 and address < self.pieces[index].start + self.pieces[index].size
        return index if is_in else None


def needed_bytes(image: Image, codes: Collection[int]) -> int | None:
    """Bytes of flash that the operators ``codes`` of the schema take, with all that they use.

    None of an image without a table of operators, or without the linker's references.
    """
    graph = _graph(image.path, image.sha256)
    if not any(reference.code is not None for r in graph.references.values() for reference in r):
        return None
    waiting = [index for index, piece in enumerate(graph.pieces) if piece.name in _ROOTS]
    reached = set(waiting)
    while waiting:
        for reference in graph.references.get(waiting.pop(), ()):
            if reference.code is not None and reference.code not in codes:
                continue
            index = graph.piece_at(reference.target)
            if index is not None and index not in reached:
                reached.add(index)
                waiting.append(index)
    return sum(graph.pieces[index].size for index in reached)


@lru_cache(maxsize=4)
def _graph(path: Path, _sha256: str) -> _Graph:
    with path.open("rb") as file:
        elf = ELFFile(file)
        sections = sorted(_stored(elf), key=lambda section: section.start)
        symbols = _symbols(elf)
        pieces = tuple(piece for section in sections for piece in _pieces(section, symbols))
        graph = _Graph(pieces, {})
        found: dict[int, list[_Reference]] = {}
        for section in sections:
            for source, target in _references(elf, section, symbols):
                index = graph.piece_at(source)
                if index is not None:
                    code = _code(pieces[index], section, source)
                    found.setdefault(index, []).append(_Reference(target, code))
    return _Graph(pieces, found)


def _stored(elf: Any) -> Iterator[_Section]:
    for section in elf.iter_sections():
        is_stored = section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_type"] != "SHT_NOBITS"
        if is_stored and section["sh_size"]:
            yield _Section(section.name, section["sh_addr"], section.data())


def _symbols(elf: Any) -> Sequence[_Symbol]:
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return ()
    return [
        _Symbol(
            s.name, s["st_value"] & (~1 if s["st_info"]["type"] == "STT_FUNC" else ~0), s["st_size"]
        )
        for s in table.iter_symbols()
    ]


def _pieces(section: _Section, symbols: Sequence[_Symbol]) -> Iterator[_Symbol]:
    """What has a name and a size, and what lies between."""
    at = section.start
    inside = (s for s in symbols if s.size and section.start <= s.start < section.end)
    for symbol in sorted(inside, key=lambda s: (s.start, -s.size)):
        if symbol.start > at:
            yield _Symbol("", at, symbol.start - at)
        if symbol.start >= at:
            yield symbol
            at = symbol.start + symbol.size
    if at < section.end:
        yield _Symbol("", at, section.end - at)


def _references(
    elf: Any, section: _Section, symbols: Sequence[_Symbol]
) -> Iterator[tuple[int, int]]:
    table = elf.get_section_by_name(f".rel{section.name}")
    for place, info in struct.iter_unpack("<II", table.data() if table else b""):
        kind, symbol = info & 0xFF, info >> 8
        if kind != _NONE:
            is_word = kind == _ABSOLUTE
            yield place, section.word(place) & ~1 if is_word else symbols[symbol].start


def _code(piece: _Symbol, section: _Section, place: int) -> int | None:
    if not piece.name.endswith(_TABLE):
        return None
    return section.word(piece.start + (place - piece.start) // _ENTRY_BYTES * _ENTRY_BYTES)
