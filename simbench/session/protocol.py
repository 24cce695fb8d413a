"""The MLPerf Tiny benchmark protocol, the client's side, as a pure state machine.

Commands end in ``%``; the device answers in lines ending in CR LF, and a set of replies ends with
``m-ready``. Source: MLCommons Tiny, ``benchmark/api/internally_implemented.cpp``, and EEMBC's
ULPMark-ML firmware interface. ``arena``, ``plan``, ``stack``, ``bank`` and ``output`` are
simbench's own commands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from simbench.errors import InfrastructureError

DATA_BYTES = 31
"""Data bytes a ``db`` command carries at most."""

MAX_LINE_BYTES = 1 << 20
"""A line longer than this is no reply."""

_SHOWN = 120


class ProtocolError(InfrastructureError):
    """The device refused a command, or answered what the protocol does not have."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A set of replies is complete."""


@dataclass(frozen=True, slots=True)
class Booted:
    """The device has started."""


@dataclass(frozen=True, slots=True)
class Name:
    """What the device under test is called."""

    text: str


@dataclass(frozen=True, slots=True)
class Profile:
    """The benchmark profile the firmware implements."""

    text: str


@dataclass(frozen=True, slots=True)
class Model:
    """The model's id, as "kws01"."""

    text: str


@dataclass(frozen=True, slots=True)
class Lap:
    """A time stamp of the device, in microseconds."""

    us: int


@dataclass(frozen=True, slots=True)
class Expecting:
    """The device awaits this many bytes of input."""

    bytes: int


@dataclass(frozen=True, slots=True)
class LoadDone:
    """The input is complete."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of an inference run: its name, and its number of inferences if it says one."""

    step: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Results:
    """What the model gave."""

    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """The bytes of the output tensors after the last inference."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ArenaNeeded:
    """The smallest arena in which the model can be prepared, in bytes."""

    bytes: int


@dataclass(frozen=True, slots=True)
class ArenaUsed:
    """What of the arena is in use, in bytes."""

    bytes: int


@dataclass(frozen=True, slots=True)
class PlanHead:
    """Bytes from the arena's start that tensors and scratch buffers share."""

    bytes: int


@dataclass(frozen=True, slots=True)
class PlanTail:
    """Bytes to the arena's end that stay in use."""

    bytes: int


@dataclass(frozen=True, slots=True)
class PlanBuffer:
    """Where in the arena a buffer is: a "tensor" by its index, a "scratch" buffer by its layer's.

    ``offset`` and ``size`` are in bytes.
    """

    kind: str
    number: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class StackUsed:
    """The deepest that the stack has been since boot, in bytes."""

    bytes: int


@dataclass(frozen=True, slots=True)
class DeviceError:
    """The device says what is wrong."""

    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The core faulted: its fault status registers, and where."""

    registers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Other:
    """A line that is no known reply: help, a buffer, noise. Long ones are cut."""

    text: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A known reply that cannot be read, or a line too long. Cut."""

    text: str


Event = (
    Ready
    | Booted
    | Name
    | Profile
    | Model
    | Lap
    | Expecting
    | LoadDone
    | Progress
    | Results
    | Output
    | ArenaNeeded
    | ArenaUsed
    | PlanHead
    | PlanTail
    | PlanBuffer
    | StackUsed
    | DeviceError
    | Fault
    | Other
    | Malformed
)


class LineParser:
    """Bytes in, in pieces of any size; events out. Never raises, and keeps at most one line.

    ``last`` is the last whole line that said something, cut.
    """

    def __init__(self) -> None:
        self.last = ""
        self._line = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> tuple[Event, ...]:
        """The events of the lines that ``data`` completes."""
        *complete, rest = data.split(b"\n")
        events = []
        for piece in complete:
            self._keep(piece)
            events.append(self._finish())
        self._keep(rest)
        return tuple(event for event in events if event is not None)

    def _keep(self, piece: bytes) -> None:
        room = MAX_LINE_BYTES - len(self._line)
        self._too_long = self._too_long or len(piece) > room
        self._line += piece[:room]

    def _finish(self) -> Event | None:
        text = bytes(self._line).rstrip(b"\r").decode("ascii", "backslashreplace")
        too_long = self._too_long
        self._line.clear()
        self._too_long = False
        self.last = _cut(text) or self.last
        if too_long:
            return Malformed(_cut(text))
        return parse_line(text) if text else None


def parse_line(line: str) -> Event:
    """The event a line, without its end, stands for."""
    fixed = _FIXED.get(line)
    if fixed is not None:
        return fixed
    for prefix, pattern, make in _PATTERNS:
        if line.startswith(prefix):
            found = pattern.fullmatch(line, len(prefix))
            return Malformed(_cut(line)) if found is None else make(found)
    return Other(_cut(line))


_TEXT = re.compile(r"\[(.*)\]")
_COUNT = re.compile(r"(\d{1,18})")
_NUMBER = r"(?:-?\d{1,40}(?:\.\d{1,40})?(?:[eE][-+]?\d{1,3})?|-?inf|nan)"
_NUMBERS = re.compile(rf"\[({_NUMBER}(?:,{_NUMBER})*)\]")
_HEX = re.compile(r"\[((?:[0-9A-Fa-f]{2})*)\]")
_PLANNED = re.compile(r"(tensor|scratch),(\d{1,9}),(\d{1,9}),(\d{1,9})\]")
_BYTES = re.compile(r"(\d{1,18}) bytes\]")
_REGISTERS = re.compile(r"((?: [a-z]+=[0-9A-Fa-f]{8})+)\]")

_FIXED: Mapping[str, Event] = MappingProxyType(
    {
        "m-ready": Ready(),
        "m-init-done": Booted(),
        "m-load-done": LoadDone(),
        "m-warmup-done": Progress("warmup-done", None),
        "m-infer-done": Progress("infer-done", None),
    }
)


def _registers(found: re.Match[str]) -> Fault:
    pairs = (word.split("=") for word in found[1].split())
    return Fault(MappingProxyType({name: int(value, 16) for name, value in pairs}))


_PATTERNS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], Event]], ...] = (
    ("m-lap-us-", _COUNT, lambda m: Lap(int(m[1]))),
    ("m-results-", _NUMBERS, lambda m: Results(tuple(map(float, m[1].split(","))))),
    ("m-output-", _HEX, lambda m: Output(bytes.fromhex(m[1]))),
    ("m-name-dut-", _TEXT, lambda m: Name(m[1])),
    ("m-profile-", _TEXT, lambda m: Profile(m[1])),
    ("m-model-", _TEXT, lambda m: Model(m[1])),
    ("m-[Expecting ", _BYTES, lambda m: Expecting(int(m[1]))),
    ("m-warmup-start-", _COUNT, lambda m: Progress("warmup-start", int(m[1]))),
    ("m-infer-start-", _COUNT, lambda m: Progress("infer-start", int(m[1]))),
    ("m-arena-bytes-", _COUNT, lambda m: ArenaNeeded(int(m[1]))),
    ("m-arena-used-", _COUNT, lambda m: ArenaUsed(int(m[1]))),
    ("m-plan-head-", _COUNT, lambda m: PlanHead(int(m[1]))),
    ("m-plan-tail-", _COUNT, lambda m: PlanTail(int(m[1]))),
    ("m-plan-[", _PLANNED, lambda m: PlanBuffer(m[1], int(m[2]), int(m[3]), int(m[4]))),
    ("m-stack-used-", _COUNT, lambda m: StackUsed(int(m[1]))),
    ("e-[fault", _REGISTERS, _registers),
    ("e-", _TEXT, lambda m: DeviceError(m[1])),
)


REPLIES: Mapping[type, str] = MappingProxyType(
    {
        Name: "m-name-dut-",
        Profile: "m-profile-",
        Model: "m-model-",
        Expecting: "m-[Expecting",
        LoadDone: "m-load-done",
        Results: "m-results-",
        Output: "m-output-",
        ArenaNeeded: "m-arena-bytes-",
        ArenaUsed: "m-arena-used-",
        PlanHead: "m-plan-head-",
        PlanTail: "m-plan-tail-",
        StackUsed: "m-stack-used-",
    }
)
"""What the line of a reply begins with."""


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def command(*words: str | int) -> bytes:
    """A command of ``words``, ready to send."""
    return (" ".join(map(str, words)) + "%").encode("ascii")


def load_commands(data: bytes) -> tuple[bytes, ...]:
    """The commands that load ``data`` as the input; the client awaits Ready after each."""
    chunks = (data[i : i + DATA_BYTES] for i in range(0, len(data), DATA_BYTES))
    return (command("db", "load", len(data)), *(command("db", chunk.hex()) for chunk in chunks))
