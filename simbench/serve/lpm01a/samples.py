"""What the shield sends while it measures.

ASCII: 6409-07 is 6409 x 10^-7. Binary: 52A0 is 0x2A0 x 16^-5, and what begins with F0 is no sample.
Source: ST UM2269, data formats.
"""

from __future__ import annotations

from math import floor, log10

_LEAST = 1e-10
_MOST_SIXTEENTHS = 14
_LARGEST = 0xFFF
_END = b"\xff\xff"


def ascii_sample(value: float) -> bytes:
    """``value`` (amperes or joules, 0 or more) with four digits, as a line."""
    if value < _LEAST:
        return b"0000-10\r\n"
    power = floor(log10(value)) - 3
    digits = round(value / 10.0**power)
    if digits > 9999:
        digits, power = 1000, power + 1
    return b"%04d%+03d\r\n" % (digits, power)


def binary_sample(value: float) -> bytes:
    """``value`` in two bytes: a negative power of 16, and twelve bits to multiply with it."""
    power = _MOST_SIXTEENTHS
    while power and round(value * 16.0**power) > _LARGEST:
        power -= 1
    return (power << 12 | min(round(value * 16.0**power), _LARGEST)).to_bytes(2, "big")


def ascii_time(milliseconds: int) -> bytes:
    """A time stamp: since the measurement began, and how full the shield's buffer is (it is not).

    Its clients read three digits of seconds.
    """
    seconds, rest = divmod(milliseconds, 1000)
    return b"TimeStamp: %03ds %03dms, buff 00%%\r\n" % (seconds % 1000, rest)


def binary_time(milliseconds: int) -> bytes:
    """The same in binary."""
    return b"\xf0\xf3" + (milliseconds & 0x7FFFFFFF).to_bytes(4, "big") + b"\x00" + _END


def ascii_event(number: int) -> bytes:
    """An edge on pin D7. In binary no client shows what it looks like, and none is sent."""
    return b"event %d ris\r\n" % number


ASCII_END = b"end\r\n"
BINARY_END = b"\xf0\xf4" + _END
