"""QEMU's debugger's port, by GDB's remote protocol: stop a core, write memory and registers, go on.

A packet is ``$body#xx`` with a checksum. QEMU answers each with ``+`` and a packet of its own, and
takes the next without having heard that its answer came.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable, Iterator

from simbench.errors import InfrastructureError

_PER_PACKET = 1024  # bytes of memory: QEMU's packets have room for 2,047 in hexadecimal
_AT_ONCE = 32  # packets: their answers fit in a socket's buffer
_TIMEOUT_S = 10.0
_STOP = b"\x03"
_GO_ON, _STEP = b"$c#63", b"$s#73"


class Debugger:
    """The other end of the port of a board that runs."""

    def __init__(self, port: socket.socket) -> None:
        self._port = port
        self._heard = b""
        self._has_description = False

    def stop(self) -> None:
        """Stop the core, between two blocks. Raises InfrastructureError where QEMU does not."""
        self._port.sendall(_STOP)
        if not self._packet().startswith(b"T"):
            raise _lost()

    def step(self) -> None:
        """Let a stopped core execute one instruction. Raises as :meth:`stop`."""
        self._port.sendall(_STEP)
        if not self._packet().startswith(b"T"):
            raise _lost()

    def go_on(self) -> None:
        """Let the core go on."""
        self._port.sendall(_GO_ON)

    def write(self, address: int, data: bytes) -> None:
        """Write ``data`` to memory. Raises InfrastructureError where there is none."""
        self._all(
            b"M%x,%x:%s" % (address + at, len(part), part.hex().encode())
            for at in range(0, len(data), _PER_PACKET)
            if (part := data[at : at + _PER_PACKET])
        )

    def set_registers(self, values: Iterable[tuple[int, int]]) -> None:
        """Set registers by their number: 0 to 15, and 25, which is xPSR."""
        if not self._has_description:
            self._describe()
        self._all(b"P%x=%s" % (r, v.to_bytes(4, "little").hex().encode()) for r, v in values)

    def _describe(self) -> None:
        """Ask for the description of the registers, as QEMU lets none be set before that."""
        self._port.sendall(_packed(b"qXfer:features:read:target.xml:0,40"))
        self._packet()
        self._has_description = True

    def _all(self, bodies: Iterable[bytes]) -> None:
        for some in _batches(bodies):
            self._port.sendall(b"".join(map(_packed, some)))
            for _ in some:
                if self._packet() != b"OK":
                    raise _lost()

    def _packet(self) -> bytes:
        """The body of the next answer."""
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            start = self._heard.find(b"$")
            end = self._heard.find(b"#", start)
            if 0 <= start < end and len(self._heard) >= end + 3:
                body, self._heard = self._heard[start + 1 : end], self._heard[end + 3 :]
                return body
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._port], [], [], left)
            data = self._port.recv(1 << 16) if ready else b""
            if not data:
                raise _lost()
            self._heard += data


def _packed(body: bytes) -> bytes:
    return b"$%s#%02x" % (body, sum(body) & 255)


def _batches(bodies: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for body in bodies:
        batch.append(body)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _lost() -> InfrastructureError:
    return InfrastructureError("QEMU's debugger's port does not answer as it should: run again")
