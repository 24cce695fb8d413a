"""Values over a pipe: a length, and that many bytes of the store's encoding."""

from __future__ import annotations

import struct
from typing import IO, TypeVar

from simbench.store.encoding import decode, encode

_LENGTH = struct.Struct("<Q")

T = TypeVar("T")


def send(stream: IO[bytes], value: object) -> None:
    """Write ``value``. Raises BrokenPipeError where nobody reads it."""
    data = encode(value)
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes], kind: type[T]) -> T:
    """Read a ``kind``. Raises EOFError where no more comes."""
    return decode(_exactly(stream, _LENGTH.unpack(_exactly(stream, _LENGTH.size))[0]), kind)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) != length:
        raise EOFError
    return data
