"""Read Renode's binary execution trace, as it is written for a Cortex-M.

Layout: ``TraceBinaryWriter.cs`` and ``ExecutionTracer.cs`` of renode-infrastructure (format version
4, Renode 1.16; version 5, its source since 2026-03-02), and ``tools/execution_tracer`` of renode. A
header ("ReTrace", the version, the bytes of an address, whether opcodes follow, whether there are
several instruction sets (version 4) or how many (version 5), the length and the text of LLVM's
triple and model), then for each instruction its address, the length of its opcode, the opcode, and
data of which each begins with its type; type 0 ends them. A memory access has its kind, the virtual
address, the value, and the physical address.

The halfwords of a 32-bit opcode are swapped in Renode 1.16.1 and in memory's order in its source
since 2026-02-10; the version of the format does not tell which. The image does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

from simbench.errors import InfrastructureError

_SIGNATURE = b"ReTrace"
_ONE_SET = {4: 0, 5: 1}
"""By version: the header's byte about instruction sets where there is one, as on a Cortex-M."""
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


def in_memory_order(
    trace: Iterable[Executed], code_at: Callable[[int, int], bytes]
) -> Iterator[Executed]:
    """The instructions of ``trace``, with halfwords in the order that the image has them in.

    ``code_at`` gives bytes of the image by address and length. Raises InfrastructureError where an
    opcode is in neither order what the image has.
    """
    known: dict[tuple[int, bytes], bytes] = {}
    for executed in trace:
        address, opcode, accessed = executed
        code = known.get((address, opcode))
        if code is None:
            code = known[address, opcode] = code_at(address, len(opcode))
            if code not in (opcode, opcode[2:] + opcode[:2]):
                raise InfrastructureError(
                    f"Renode's execution trace has {opcode.hex()} at {address:#010x}, where the "
                    f"image has {code.hex() or 'nothing'}; {_OTHER}"
                )
        yield Executed(address, code, accessed)


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
    version, address_bytes, has_opcodes, sets, length = head[len(_SIGNATURE) :]
    if version not in _ONE_SET:
        known = " and ".join(map(str, _ONE_SET))
        raise _unreadable(f"version {version}, where versions {known} are known")
    if address_bytes != _ADDRESS.size or has_opcodes != 1 or sets != _ONE_SET[version]:
        raise _unreadable("a header that is not a Cortex-M's")
    if len(file.read(length)) < length:
        raise _unreadable("half a header")


def _unreadable(what: str) -> InfrastructureError:
    return InfrastructureError(
        f"Renode's execution trace has {what}, which cannot be read; use Renode 1.16 or 1.17"
    )


_OTHER = "this version of Renode cannot be trusted to count: use another, or QEMU"
