"""The interface board: it passes a client's commands on to the board, and answers a few itself.

What it says is what the firmware of mlcommons/tiny says (benchmark/interface/Application/CLI,
InterfaceMenu.cpp and Menu.cpp at 1afd2c9). A command that it does not know is answered ``m-ready``,
as there; those of sounds are known where the board listens.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from simbench.accuracy.recording import read_recording
from simbench.errors import UsageError
from simbench.serve.device import Device, Tell
from simbench.serve.mlcommons.ear import Ear

_NAME = b"tinyML Enhanced Interface Board"
_READY = b"m-ready\r\n"
_BAUD = b"115200"
_NOT_PLAYED = b"Error playing file. Check that the file exists and is a 2-channel wav file.\n"
_SIGN_OF_LIFE_S = 2.0
"""After so long a line says that a sound goes on: a client waits for one as long as the sound
lasts, and an emulator may take longer."""
_DETECTION_HZ, _EDGE_HZ = 1_000, 100_000  # what its counter says: ms, and its own 10 us
_EDGES_IN_LINE = 8


class Interface:
    """The board between a client and ``board``; itself it has power always.

    Where the board is an :class:`Ear`, recordings in the folder ``sounds`` are played to it.
    """

    is_on = True

    def __init__(
        self, board: Device | Ear, tell: Tell = lambda _: None, sounds: Path | None = None
    ) -> None:
        self._board = board
        self._ear = board if isinstance(board, Ear) else None
        self._tell, self._sounds = tell, sounds
        self._baud = _BAUD

    async def obey(self, command: bytes) -> AsyncIterator[bytes]:
        """The lines that answer ``command``: first the interface's own, then the board's."""
        word, _, rest = command.removesuffix(b"%").partition(b" ")
        if word == b"dut":
            yield b"m-dut-passthrough(" + rest + b")\r\n"
            yield _READY
            if self._board.is_on:
                async for line in self._board.obey(rest + b"%"):
                    yield b"[dut]: " + line
            return
        if word == b"play" and self._ear is not None:
            async for line in self._played(self._ear, rest.decode("utf-8", "replace")):
                yield line
        for line in self._said(word, rest):
            yield line
        yield _READY

    def _said(self, word: bytes, rest: bytes) -> Iterator[bytes]:
        if word == b"name":
            yield _NAME + b"\r\n"
        elif word == b"setbaud" and rest.isdigit():
            self._baud = rest
            yield b"set baud to: " + rest + b"\n"
        elif word == b"checkbaud":
            yield b"baud is: " + self._baud + b"\n"
        elif self._ear is not None:
            yield from _of_pins(self._ear, word)

    async def _played(self, ear: Ear, name: str) -> AsyncIterator[bytes]:
        yield b"Attempting to play " + name.encode() + b"\n"
        try:
            samples = read_recording(self._found(name))
        except UsageError as error:
            self._tell(str(error))
            yield _NOT_PLAYED
            return
        said = time.monotonic()
        async for _ in ear.hear(samples):
            if time.monotonic() - said > _SIGN_OF_LIFE_S:
                said = time.monotonic()
                yield b"playing\n"
        yield b"succeeded.\n"

    def _found(self, name: str) -> Path:
        """The recording called ``name``, in the folder itself. Raises UsageError."""
        if self._sounds is None:
            raise UsageError(
                f"there is nothing to play {name} from: name the folder of data sets with --dataset"
            )
        if Path(name).name != name:
            raise UsageError(f"{name} is no file of {self._sounds}: name one there")
        return self._sounds / name


def _of_pins(ear: Ear, word: bytes) -> Iterator[bytes]:
    """What the interface board knows of the pins of the board that listens."""
    pulses = ear.pulses
    if word == b"record_detections":
        ear.watch()
        yield b"Now recording detections\r\n"
    elif word == b"print_detections":
        yield b"Detection Timestamps (ms)\r\n"
        for moment in pulses.detections:
            yield b"%d,\r\n" % int((moment - pulses.origin) * _DETECTION_HZ)
    elif word == b"print_dutycycle":
        for title, edges in ((b"start", pulses.begins), (b"stop", pulses.ends)):
            yield b"Duty cycle " + title + b" times (s)\r\n"
            yield from _edges([round((edge - pulses.origin) * _EDGE_HZ) for edge in edges])


def _edges(ticks: Sequence[int]) -> Iterator[bytes]:
    for at in range(0, len(ticks), _EDGES_IN_LINE):
        yield b"".join(b"%d, " % tick for tick in ticks[at : at + _EDGES_IN_LINE]) + b"\r\n"
