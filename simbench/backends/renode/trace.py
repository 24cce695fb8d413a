"""Read Renode's binary execution trace, as it is written for a Cortex-M.

Layout: ``TraceBinaryWriter.cs`` and ``ExecutionTracer.cs`` of renode-infrastructure (format version
4, Renode 1.16), and ``tools/execution_tracer`` of renode. A header ("ReTrace", the version, the
bytes of an address, whether opcodes follow, whether there are several instruction sets, the length
and the text of LLVM's triple and model), then for each instruction its address, the length of its
opcode, the opcode, and data of which each begins with its type; type 0 ends them. A memory access
has its kind, the virtual address, the value, and the physical address.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from simbench.errors import InfrastructureError

_SIGNATURE = b"ReTrace"
_VERSION = 4
_NO_DATA = 0
_MEMORY_ACCESS = 1
_ADDRESS = struct.Struct("<I")
_ACCESS = struct.Struct("<BQQQ")
_CHUNK = 1 << 20
_LONGEST = 1 << 12  # bytes that one instruction with its accesses can take; VLDM moves 32 words


class Executed(NamedTuple):
    """An instruction that was executed, and the addresses that it loaded from or stored to."""

    address: int
    opcode: bytes
    accessed: tuple[int, ...]


def read_trace(file: BinaryIO) -> Iterator[Executed]:
    """The instructions of the trace, in order. Raises InfrastructureError where it is no trace of
    this format, or ends in the middle of an instruction."""
    _read_header(file)
    data, at, is_all = b"", 0, False
    while True:
        while len(data) - at < _LONGEST and not is_all:
            more = file.read(_CHUNK)
            is_all = not more
            data, at = data[at:] + more, 0
        if at == len(data):
            return
        try:
            found, at = _instruction(data, at)
        except (struct.error, IndexError) as error:
            raise InfrastructureError(
                "Renode's execution trace ends in the middle of an instruction; see whether the "
                "disk is full, and run again"
            ) from error
        yield found


def _instruction(data: bytes, at: int) -> tuple[Executed, int]:
    address = _ADDRESS.unpack_from(data, at)[0]
    opcode_at = at + _ADDRESS.size + 1
    at = opcode_at + data[opcode_at - 1]
    opcode = data[opcode_at:at]
    accessed: tuple[int, ...] = ()
    while (kind := data[at]) != _NO_DATA:
        if kind != _MEMORY_ACCESS:
            raise _unreadable(f"data of type {kind}")
        accessed += (_ACCESS.unpack_from(data, at + 1)[1],)
        at += 1 + _ACCESS.size
    return Executed(address, opcode, accessed), at + 1


def _read_header(file: BinaryIO) -> None:
    head = file.read(len(_SIGNATURE) + 5)
    if len(head) < len(_SIGNATURE) + 5 or not head.startswith(_SIGNATURE):
        raise _unreadable("no header")
    version, address_bytes, has_opcodes, has_sets, length = head[len(_SIGNATURE) :]
    if version != _VERSION:
        raise _unreadable(f"version {version}, where version {_VERSION} is known")
    if address_bytes != _ADDRESS.size or has_opcodes != 1 or has_sets:
        raise _unreadable("a header that is not a Cortex-M's")
    if len(file.read(length)) < length:
        raise _unreadable("half a header")


def _unreadable(what: str) -> InfrastructureError:
    return InfrastructureError(
        f"Renode's execution trace has {what}, which cannot be read; use Renode 1.16 or 1.17"
    )
