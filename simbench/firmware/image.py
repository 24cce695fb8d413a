"""A firmware image: an ELF, its symbols, its sizes, and the segments it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simbench.counts import Segment


@dataclass(frozen=True, slots=True)
class AddressRange:
    """Addresses ``start`` up to, not including, ``end``."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes in the range."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Function:
    """Where a function's code is. ``name`` is the symbol, as the compiler mangled it."""

    start: int
    size: int
    name: str


@dataclass(frozen=True, slots=True)
class Image:
    """A linked image, read from its ELF alone.

    ``segments`` are the address ranges that loads and stores are told apart by. ``text_bytes``,
    ``tables_bytes`` and ``data_bytes`` are instructions, read-only data and the initial values of
    data, which all are in flash; ``static_bytes`` is data, bss and stack. A function's address in
    ``symbols`` has the Thumb bit cleared. ``functions`` are sorted by address.
    """

    path: Path
    sha256: str
    symbols: Mapping[str, int]
    segments: Mapping[Segment, tuple[AddressRange, ...]]
    text_bytes: int
    tables_bytes: int
    data_bytes: int
    static_bytes: int
    functions: tuple[Function, ...] = ()

    @property
    def code_bytes(self) -> int:
        """What the image takes of flash."""
        return self.text_bytes + self.tables_bytes + self.data_bytes

    @property
    def stack_bytes(self) -> int:
        """What the linker script reserves for the stack; 0 where it does not say."""
        return self.symbols.get("__stack_end", 0) - self.symbols.get("__stack_start", 0)
