"""The debug information of an image: where it is, and which of its units are about what."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

from elftools.common.exceptions import DWARFError, ELFError
from elftools.construct.core import ConstructError
from elftools.elf.elffile import ELFFile

from simbench.firmware.image import Image

READ_ERRORS = (
    DWARFError, ELFError, ConstructError, struct.error, UnicodeDecodeError, AssertionError,
    AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError, ZeroDivisionError,
)  # fmt: skip
"""What reading damaged debug information raises."""


def debug_information(image: Image, section: str) -> Any | None:
    """The DWARF of ``image`` as pyelftools reads it, or None where it has no ``section``.

    Raises one of ``READ_ERRORS`` where it is damaged.
    """
    elf = ELFFile(BytesIO(image.path.read_bytes()))
    if not elf.has_dwarf_info() or elf.get_section_by_name(section) is None:
        return None
    return elf.get_dwarf_info()


def units_of(dwarf: Any, addresses: Iterable[int]) -> Iterator[Any]:
    """The compilation units that hold ``addresses``; all of them where no index says."""
    ranges = dwarf.get_aranges()
    if ranges is None:
        yield from dwarf.iter_CUs()
        return
    offsets = dict.fromkeys(ranges.cu_offset_at_addr(address) for address in addresses)
    yield from (dwarf.get_CU_at(offset) for offset in offsets if offset is not None)
