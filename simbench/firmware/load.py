"""What a programmer would write into a chip: the bytes of an ELF, a .hex or a .bin, by address."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from simbench.errors import UsageError

ELF_MAGIC = b"\x7fELF"
_DATA, _END, _SEGMENT, _LINEAR = 0, 1, 2, 4
_RETURN = 0x4770  # bx lr
_NO_OPERATION = 0xBF00
_LOAD_R0 = 0x4800  # ldr r0, [pc, #0]; a word further with each 1 more


@dataclass(frozen=True, slots=True)
class Load:
    """``data`` for ``address``."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        """The address behind the last byte."""
        return self.address + len(self.data)


@dataclass(frozen=True, slots=True)
class Skip:
    """A function that returns at once: its ``address``, and the ``value`` it returns, if any."""

    address: int
    value: int | None


def is_raw(path: Path) -> bool:
    """Whether the file at ``path`` is no ELF. Raises UsageError where it cannot be read."""
    return not _bytes(path).startswith(ELF_MAGIC)


def raw_loads(path: Path, base: int | None) -> tuple[Load, ...]:
    """What the .hex or .bin at ``path`` holds; a .bin is for ``base``.

    Raises UsageError where it is damaged, or nobody says where a .bin belongs.
    """
    data = _bytes(path)
    if data[:1] == b":":
        if base is not None:
            raise UsageError(f"{path} is a .hex file, which has its addresses: leave out --base")
        return tuple(_joined(_hex_records(path, data)))
    if base is None:
        raise UsageError(f"{path} is a raw image without addresses: give its first as --base")
    if not data:
        raise UsageError(f"{path} is empty: give the linked image")
    return (Load(base, data),)


def elf_loads(path: Path) -> tuple[Load, ...]:
    """What the ELF at ``path`` brings, at the addresses that it is written to."""
    with path.open("rb") as file:
        parts = ELFFile(file).iter_segments("PT_LOAD")
        return tuple(Load(p["p_paddr"], p.data()) for p in parts if p["p_filesz"])


def with_skips(loads: Iterable[Load], skips: Iterable[Skip]) -> tuple[Load, ...]:
    """``loads`` in which each function of ``skips`` is one that returns at once.

    Raises UsageError for an address that nothing is loaded to.
    """
    found = list(loads)
    for skip in skips:
        code = _stub(skip)
        for place, load in enumerate(found):
            if load.address <= skip.address and skip.address + len(code) <= load.end:
                at = skip.address - load.address
                data = load.data[:at] + code + load.data[at + len(code) :]
                found[place] = Load(load.address, data)
                break
        else:
            raise UsageError(f"--skip {skip.address:#010x} is not in the image: name its code")
    return tuple(found)


def _stub(skip: Skip) -> bytes:
    """Code of every Cortex-M that returns the value: what follows it is never executed."""
    if skip.value is None:
        return struct.pack("<H", _RETURN)
    is_aligned = skip.address % 4 == 0
    head = (_LOAD_R0, _RETURN) if is_aligned else (_LOAD_R0 + 1, _RETURN, _NO_OPERATION)
    return struct.pack(f"<{len(head)}HI", *head, skip.value)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {path} ({error.strerror}): give the path of an ELF, .hex or .bin"
        ) from error


def _hex_records(path: Path, data: bytes) -> Iterator[Load]:
    """Intel's hexadecimal object file format, revision A of 1988."""
    upper = 0
    for number, line in enumerate(data.decode("ascii", "replace").split(), 1):
        try:
            record = bytes.fromhex(line[1:])
        except ValueError:
            record = b""
        is_whole = line[0] == ":" and len(record) > 4 and len(record) == record[0] + 5
        if not is_whole or sum(record) & 0xFF:
            raise UsageError(f"{path}:{number}: is no record of a .hex file; make the file anew")
        kind, payload = record[3], record[4:-1]
        if kind == _DATA:
            yield Load(upper + int.from_bytes(record[1:3], "big"), payload)
        elif kind in (_SEGMENT, _LINEAR):
            upper = int.from_bytes(payload, "big") << (4 if kind == _SEGMENT else 16)
        elif kind == _END:
            return
    raise UsageError(f"{path} ends without its last record: it was cut short")


def _joined(loads: Iterable[Load]) -> Iterator[Load]:
    start, data = 0, bytearray()
    for load in sorted(loads, key=lambda load: load.address):
        if data and start + len(data) != load.address:
            yield Load(start, bytes(data))
            data.clear()
        if not data:
            start = load.address
        data += load.data
    if data:
        yield Load(start, bytes(data))
