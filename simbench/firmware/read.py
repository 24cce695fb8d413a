"""Read a firmware image: symbols, segments, sizes, functions, operators."""

from __future__ import annotations

import bisect
import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.construct.core import ConstructError
from elftools.elf.constants import P_FLAGS, SH_FLAGS
from elftools.elf.elffile import ELFFile

from simbench.counts import Segment
from simbench.errors import UsageError
from simbench.firmware.image import AddressRange, Function, Image

# what pyelftools raises on a damaged file
_READ_ERRORS = (
    ELFError, ConstructError, struct.error, UnicodeDecodeError, AssertionError, AttributeError,
    IndexError, KeyError, MemoryError, OverflowError, TypeError, ValueError,
)  # fmt: skip

_UNDEFINED = 0
_FUNCTION = 2
_NAMED_TYPES = (0, 1, _FUNCTION)  # none (what a linker script defines), object, function

_DECLARED = {
    Segment.CODE: "code",
    Segment.WEIGHTS: "weights",
    Segment.STATIC: "static",
    Segment.ARENA: "arena",
}


def loaded_sha256(path: Path) -> str:
    """The sha256 of what the ELF at ``path`` loads and where, whatever it says to a debugger."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for segment in ELFFile(file).iter_segments():
            if segment["p_type"] == "PT_LOAD":
                facts = (segment[f"p_{name}"] for name in ("vaddr", "paddr", "memsz", "filesz"))
                digest.update(f"{' '.join(map(str, facts))}\n".encode())
                digest.update(segment.data())
    return digest.hexdigest()


def read_image(path: Path) -> Image:
    """Read the Arm ELF at ``path``.

    The segments are those that the linker script declared by symbols (``__code_start`` and so on);
    without these, what is loaded and not writable is code, and what is writable static. Raises
    :class:`UsageError` where the file cannot be read or is not an Arm program.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {path} ({error.strerror}): give the path of an ELF"
        ) from error
    try:
        return _read(path, data, ELFFile(BytesIO(data)))
    except _READ_ERRORS as error:
        raise UsageError(
            f"{path} is not a whole ELF file ({error}): give the linked image, not a .bin or .hex"
        ) from error


def ops(image: Image) -> Mapping[int, int]:
    """The builtin operators of the firmware: code to the highest version known.

    Raises :class:`UsageError` for an image that does not say (one that is not simbench's own).
    """
    address = image.symbols.get("simbench_ops")
    if address is None:
        raise UsageError(
            f"{image.path} does not say which operators it has: use simbench's firmware"
        )
    table = read_memory(image, address)
    found: dict[int, int] = {}
    for code, version in struct.iter_unpack("<HH", table[: len(table) // 4 * 4]):
        if code == 0xFFFF:
            break
        found[code] = version
    return found


def elf_architecture(path: Path) -> int | None:
    """Tag_CPU_arch of the ELF at ``path``: what it was built for, or None where it does not say."""
    with path.open("rb") as file:
        try:
            attributes: Any = ELFFile(file).get_section_by_name(".ARM.attributes")
            if attributes is None:
                return None
            for part in attributes.iter_subsections():
                for scope in part.iter_subsubsections():
                    for attribute in scope.iter_attributes("TAG_CPU_ARCH"):
                        return int(attribute.value)
        except _READ_ERRORS:
            return None
    return None


def read_memory(image: Image, address: int) -> bytes:
    """What the image has from ``address`` to the end of the loaded segment that holds it."""
    for start, data in _loaded(image.path):
        if start <= address < start + len(data):
            return data[address - start :]
    raise UsageError(f"{image.path} has nothing at address {address:#x}: build it again")


class CodeReader:
    """Gives bytes of an image by address and length; fewer, or none, where it has no more there.

    ``loaded`` is all that the image has, by address.
    """

    def __init__(self, image: Image) -> None:
        self.loaded = tuple(_loaded(image.path))

    def __call__(self, address: int, length: int) -> bytes:
        """What the image has at ``address``."""
        for start, data in self.loaded:
            if start <= address < start + len(data):
                return data[address - start : address - start + length]
        return b""


def function_at(image: Image, address: int) -> Function | None:
    """The function that holds ``address`` (the Thumb bit does not matter)."""
    place = bisect.bisect_right(image.functions, address, key=lambda f: f.start) - 1
    if place < 0:
        return None
    function = image.functions[place]
    return function if address < function.start + max(function.size, 2) else None


def _read(path: Path, data: bytes, elf: ELFFile) -> Image:
    if elf["e_machine"] != "EM_ARM" or elf.elfclass != 32 or not elf.little_endian:
        raise UsageError(
            f"{path} is not a program for Arm Cortex-M: build it for your board's core"
        )
    if elf["e_type"] != "ET_EXEC":
        raise UsageError(f"{path} is not linked: give the program, not an object file")
    symbols, functions = _symbols(elf)
    stored = [s for s in _allocated(elf) if s["sh_type"] != "SHT_NOBITS"]
    return Image(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        symbols=symbols,
        segments=_declared_segments(symbols) or _segments_by_flags(elf),
        text_bytes=_bytes(s for s in stored if _is_text(s)),
        tables_bytes=_bytes(s for s in stored if not _is_text(s) and not _is_static(s)),
        data_bytes=_bytes(s for s in stored if not _is_text(s) and _is_static(s)),
        static_bytes=_bytes(s for s in _allocated(elf) if _is_static(s)),
        functions=tuple(sorted(functions, key=lambda f: f.start)),
    )


def _symbols(elf: ELFFile) -> tuple[dict[str, int], list[Function]]:
    symbols: dict[str, int] = {}
    functions: list[Function] = []
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return symbols, functions
    # read as arrays: pyelftools takes a second for what this does in milliseconds
    names = elf.get_section(table["sh_link"]).data()
    for name_at, value, size, info, _, section in struct.iter_unpack("<IIIBBH", table.data()):
        if section == _UNDEFINED or info & 0xF not in _NAMED_TYPES:
            continue
        name = names[name_at : names.index(b"\0", name_at)].decode()
        if not name or name.startswith("$"):  # mapping symbols tell code from data, no more
            continue
        is_function = info & 0xF == _FUNCTION
        address = value & ~1 if is_function else value
        if info >> 4 or name not in symbols:  # a global one goes before a local one
            symbols[name] = address
        if is_function:
            functions.append(Function(address, size, name))
    return symbols, functions


def _declared_segments(symbols: Mapping[str, int]) -> dict[Segment, tuple[AddressRange, ...]]:
    found: dict[Segment, tuple[AddressRange, ...]] = {}
    for segment, name in _DECLARED.items():
        start, end = symbols.get(f"__{name}_start"), symbols.get(f"__{name}_end")
        if start is None or end is None:
            return {}
        found[segment] = (AddressRange(start, end),)
    return found


def _segments_by_flags(elf: ELFFile) -> dict[Segment, tuple[AddressRange, ...]]:
    found: dict[Segment, list[AddressRange]] = {Segment.CODE: [], Segment.STATIC: []}
    for part in elf.iter_segments("PT_LOAD"):
        if part["p_memsz"] == 0:
            continue
        is_writable = part["p_flags"] & P_FLAGS.PF_W and not part["p_flags"] & P_FLAGS.PF_X
        segment = Segment.STATIC if is_writable else Segment.CODE
        start = part["p_vaddr"]
        found[segment].append(AddressRange(start, start + part["p_memsz"]))
    return {segment: tuple(ranges) for segment, ranges in found.items()}


def _allocated(elf: ELFFile) -> Iterator[Any]:
    return (s for s in elf.iter_sections() if s["sh_flags"] & SH_FLAGS.SHF_ALLOC)


def _bytes(sections: Iterable[Any]) -> int:
    return sum(section["sh_size"] for section in sections)


def _is_text(section: Any) -> bool:
    return bool(section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR)


def _is_static(section: Any) -> bool:
    return bool(section["sh_flags"] & SH_FLAGS.SHF_WRITE) or section["sh_type"] == "SHT_NOBITS"


def _loaded(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for part in ELFFile(file).iter_segments("PT_LOAD"):
            yield part["p_vaddr"], part.data()
