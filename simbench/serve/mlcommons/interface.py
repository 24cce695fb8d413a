"""The interface board: it passes a client's commands on to the board, and answers a few itself.

What it says is what the firmware of mlcommons/tiny says (benchmark/interface/Application/CLI,
InterfaceMenu.cpp and Menu.cpp at 1afd2c9). Sounds and the detections of a streaming benchmark are
not served: a command that it does not know is answered ``m-ready``, as there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from simbench.serve.device import Device

_NAME = b"tinyML Enhanced Interface Board"
_READY = b"m-ready\r\n"
_BAUD = b"115200"


class Interface:
    """The board between a client and ``device``; itself it has power always."""

    is_on = True

    def __init__(self, device: Device) -> None:
        self._device = device
        self._baud = _BAUD

    async def obey(self, command: bytes) -> AsyncIterator[bytes]:
        """The lines that answer ``command``: first the interface's own, then the board's."""
        word, _, rest = command.removesuffix(b"%").partition(b" ")
        if word == b"dut":
            yield b"m-dut-passthrough(" + rest + b")\r\n"
            yield _READY
            if self._device.is_on:
                async for line in self._device.obey(rest + b"%"):
                    yield b"[dut]: " + line
            return
        if word == b"name":
            yield _NAME + b"\r\n"
        elif word == b"setbaud" and rest.isdigit():
            self._baud = rest
            yield b"set baud to: " + rest + b"\n"
        elif word == b"checkbaud":
            yield b"baud is: " + self._baud + b"\n"
        yield _READY
