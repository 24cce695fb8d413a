"""What the firmware must answer: a model of its side of the protocol, and a client of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

BUFFER_BYTES = 96 * 96 * 3
COMMAND_BYTES = 80
LAP = re.compile(rb"m-lap-us-(\d+)\r\n")
HELP_LINES = 14
ANY = "?"
"""Results that a model does not know."""
READY = b"m-ready\r\n"

Reply = list[bytes]


class Wire(Protocol):
    """One end of a serial port."""

    def write(self, data: bytes) -> object:
        """Send."""

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, or fewer after a while."""

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""


class Client:
    """Sends commands, and gives the lines of what comes back."""

    def __init__(self, wire: Wire, timeout_s: float = 20.0) -> None:
        self._wire = wire
        self._timeout_s = timeout_s
        self._text = b""

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._wire.write(data)

    def ask(self, command: str | bytes) -> Reply:
        """The lines that answer ``command``, m-ready included."""
        self.send((command.encode() if isinstance(command, str) else command) + b"%")
        return self.reply()

    def reply(self, last: bytes = READY) -> Reply:
        """The lines up to the next m-ready, or another ``last``."""
        lines = [self._line()]
        while lines[-1] != last:
            lines.append(self._line())
        return lines

    def load(self, data: bytes, at_once: int = 31) -> Reply:
        """Load an input as the field's client does; the last reply."""
        reply = self.ask(f"db load {len(data)}")
        for start in range(0, len(data), at_once):
            reply = self.ask(f"db {data[start : start + at_once].hex()}")
        return reply

    def laps(self, command: str) -> tuple[int, ...]:
        """The time stamps in the answer to ``command``."""
        return tuple(int(found[1]) for line in self.ask(command) if (found := LAP.match(line)))

    def _line(self) -> bytes:
        deadline = time.monotonic() + self._timeout_s
        while b"\n" not in self._text:
            assert time.monotonic() < deadline, f"no answer; heard {self._text!r}"
            self._text += self._wire.read(max(1, self._wire.in_waiting))
        line, _, self._text = self._text.partition(b"\n")
        return line + b"\n"


@dataclass
class Model:
    """The state of a board with a model that takes ``input_bytes``. ``infer`` gives the text of
    the results for an input."""

    name: str
    model_id: str
    input_bytes: int
    infer: Callable[[bytes], str]
    buffer: bytearray = field(default_factory=bytearray)
    expected: int = 0
    received: int = 0
    problem: str = ""
    results: str = ""

    def answers(self, command: bytes) -> Reply:
        """The lines that answer a command's bytes, without its end; LAP where a time stamp is."""
        text = command.translate(None, b"\r\n")[:COMMAND_BYTES].partition(b"\0")[0]
        word, *rest = [w for w in text.split(b" ") if w] or [b""]
        handle = self._commands().get(word)
        lines = [b"e-[Unknown command: %s]" % word] if handle is None else list(handle(rest))
        return [line + b"\r\n" for line in lines] + [READY]

    def _commands(self) -> dict[bytes, Callable[[list[bytes]], Iterator[bytes]]]:
        return {
            b"name": self._name,
            b"profile": self._profile,
            b"timestamp": self._timestamp,
            b"results": self._results,
            b"infer": self._infer,
            b"db": self._db,
        }

    def _name(self, _: list[bytes]) -> Iterator[bytes]:
        yield f"m-name-dut-[{self.name}]".encode()

    def _profile(self, _: list[bytes]) -> Iterator[bytes]:
        yield b"m-profile-[ULPMark for tinyML Firmware V0.0.1]"
        yield f"m-model-[{self.model_id}]".encode()

    def _timestamp(self, _: list[bytes]) -> Iterator[bytes]:
        yield b"m-lap-us-0"

    def _results(self, _: list[bytes]) -> Iterator[bytes]:
        yield f"e-[{self.problem}]".encode() if self.problem else self._said()

    def _infer(self, words: list[bytes]) -> Iterator[bytes]:
        inferences, warmups = (int(w) for w in (*words, *(b"1", b"10")[len(words) :]))
        if inferences <= 0:
            yield b"e-[Inference iterations must be >0]"
        elif warmups < 0:
            yield b"e-[Inference warmup must be >=0]"
        elif len(self.buffer) < self.input_bytes:
            self.problem = f"Input db has {len(self.buffer)} bytes, expected {self.input_bytes}"
            yield f"e-[{self.problem}]".encode()
        else:
            self.problem = ""
            yield f"m-warmup-start-{warmups}".encode()
            yield b"m-warmup-done"
            yield f"m-infer-start-{inferences}".encode()
            yield b"m-lap-us-0"
            yield b"m-lap-us-0"
            yield b"m-infer-done"
            self.results = self.infer(bytes(self.buffer[: self.input_bytes]))
            yield self._said()

    def _said(self) -> bytes:
        return f"m-results-[{self.results}]".encode()

    def _db(self, words: list[bytes]) -> Iterator[bytes]:
        if not words:
            yield b"e-[Command 'db' requires a subcommand]"
        elif words[0] == b"load":
            yield from self._load(words[1:])
        elif words[0] == b"print":
            for start in range(0, len(self.buffer), 8):
                yield b"m-buffer-" + self.buffer[start : start + 8].hex("-").encode()
        else:
            yield from self._append(words[0])

    def _load(self, words: list[bytes]) -> Iterator[bytes]:
        if not words:
            yield b"e-[Command 'db load' requires the # of bytes]"
            return
        count = int(words[0])
        if count <= 0:
            yield b"e-[Command 'db load' must be >0 bytes]"
            return
        if count > BUFFER_BYTES:
            self.expected = self.received = 0
            yield f"e-[Supplied buffer size {count} exceeds maximum of {BUFFER_BYTES}]".encode()
            return
        self.expected, self.received, self.buffer = count, 0, bytearray()
        self.results = ANY  # an autoencoder's error is to the input that is there when it is asked
        yield f"m-[Expecting {count} bytes]".encode()

    def _append(self, digits: bytes) -> Iterator[bytes]:
        if len(digits) % 2:
            yield b"e-[Insufficent number of hex digits]"
            return
        for pair in (digits[i : i + 2] for i in range(0, len(digits), 2)):
            if not re.fullmatch(rb"[0-9a-fA-F]{2}", pair):
                yield b"e-[Invalid hex digit '%s']" % pair
                return
            if self.received == self.expected:
                return
            self.buffer += bytes.fromhex(pair.decode())
            self.received += 1
            if self.received == self.expected:
                yield b"m-load-done"
                return


def without_times(reply: Reply) -> Reply:
    """``reply`` with every time stamp as 0."""
    return [LAP.sub(b"m-lap-us-0\r\n", line) for line in reply]
