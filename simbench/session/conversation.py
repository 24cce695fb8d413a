"""A conversation with a board: load an input, infer, read what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from simbench.backends import Board
from simbench.backends.faults import fault_sentence
from simbench.backends.sections import fold_layers
from simbench.counts import Counts
from simbench.errors import FirmwareFault, InfrastructureError
from simbench.session.protocol import (
    REPLIES,
    ArenaNeeded,
    ArenaUsed,
    Booted,
    DeviceError,
    Event,
    Expecting,
    Fault,
    Lap,
    LineParser,
    LoadDone,
    Malformed,
    Model,
    Name,
    Other,
    Output,
    PlanBuffer,
    PlanHead,
    PlanTail,
    Profile,
    ProtocolError,
    Ready,
    Results,
    StackUsed,
    command,
    load_commands,
)

_SLICE_S = 0.5
_COUNTER_BITS = (24, 32)
_SAID = 240
_NO_STAMPS = (
    "the firmware gave no time stamps (m-lap-us) for infer: build it for performance mode, energy "
    "mode has none"
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds of wall time to wait for the boot, for a command, and for an inference run."""

    boot_s: float = 60.0
    command_s: float = 10.0
    infer_s: float = 300.0

    def within(self, limit_s: float) -> Patience:
        """The same, but never longer than ``limit_s``."""
        return Patience(*(min(s, limit_s) for s in (self.boot_s, self.command_s, self.infer_s)))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the board says it is."""

    name: str
    profile: str
    model: str


@dataclass(frozen=True, slots=True)
class Arena:
    """The smallest arena that works, and what of it is used, in bytes."""

    bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True)
class ArenaPlan:
    """Bytes at the arena's start that buffers share and at its end that stay, and the buffers."""

    head_bytes: int
    tail_bytes: int
    buffers: tuple[PlanBuffer, ...]


@dataclass(frozen=True, slots=True)
class Footprint:
    """What the firmware says of its memory; the stack's high-water mark since boot is in bytes."""

    arena: Arena
    plan: ArenaPlan
    stack_used_bytes: int


@dataclass(frozen=True, slots=True)
class Inference:
    """A run of ``inferences``: the device's results and time stamps (us), and what was executed.

    ``counts`` is None where the board does not count. Then there are time stamps: firmware in
    energy mode gives none.
    """

    inferences: int
    results: tuple[float, ...]
    laps_us: tuple[int, int] | None
    counts: Counts | None

    @property
    def elapsed_us(self) -> int:
        """Between the time stamps, by a counter that may have begun again at 0 once.

        Raises ProtocolError where there are none, or no usual counter explains them.
        """
        if self.laps_us is None:
            raise ProtocolError(_NO_STAMPS)
        return elapsed_us(*self.laps_us)


def elapsed_us(began: int, ended: int) -> int:
    """From ``began`` to ``ended`` on a counter of 24 bits (SysTick) or 32, in its microseconds.

    Raises ProtocolError where it would have gone back, or for longer than any wait.
    """
    if ended >= began:
        return ended - began
    for bits in _COUNTER_BITS:
        wrapped = ended - began + (1 << bits)
        if began < 1 << bits and wrapped <= Patience().infer_s * 1e6:
            return wrapped
    raise ProtocolError(
        f"the firmware's time stamps go back, from {began:,} to {ended:,} us, and no counter of 24 "
        "or 32 bits began again between them: have it count on, or wrap at 2^32"
    )


class Conversation:
    """A board that has booted. ``boot_errors`` is what it then complained of: a bad model, say.
    One that ``is_up`` long since awaits a command, and is not expected to boot.

    Every method raises FirmwareFault for a fault, a hang or an endless loop, ProtocolError for an
    answer that refuses or makes no sense, InfrastructureError where the emulator ended.
    """

    def __init__(
        self, board: Board, patience: Patience, counted: bool, *, is_up: bool = False
    ) -> None:
        self._board = board
        self._patience = patience
        self._counted = counted
        self._parser = LineParser()
        self._heard: list[Event] = []
        self.boot_errors: tuple[str, ...] = ()
        if is_up:
            return
        boot = self._listen("start", patience.boot_s)
        if not any(isinstance(event, Booted) for event in boot):
            raise ProtocolError(
                "the firmware did not say m-init-done; check that it speaks the benchmark protocol"
            )
        self.boot_errors = tuple(e.text for e in boot if isinstance(e, DeviceError))

    def identify(self) -> Identity:
        """The board's name, profile and model id."""
        name = _one(self._ask(command("name")), Name, "name")
        profile = self._ask(command("profile"))
        return Identity(
            name.text,
            _one(profile, Profile, "profile").text,
            _one(profile, Model, "profile").text,
        )

    def load(self, data: bytes) -> None:
        """Send an input through the UART, as to hardware."""
        first, *rest = load_commands(data)
        expecting = _one(self._ask(first), Expecting, "db load")
        if expecting.bytes != len(data):
            raise ProtocolError(
                f"the firmware expects {expecting.bytes} bytes where {len(data)} were announced"
            )
        events: tuple[Event, ...] = ()
        for chunk in rest:
            events = self._ask(chunk)
        _one(events, LoadDone, "db")

    def load_bank(self, index: int) -> None:
        """Load entry ``index`` of the bank of inputs in the board's memory."""
        _one(self._ask(command("bank", index)), LoadDone, "bank")

    def infer(self, inferences: int = 1, warmups: int = 0, *, counted: bool = True) -> Inference:
        """Run ``warmups`` and then ``inferences`` measured ones on the input loaded.

        ``counted`` false asks for no counts, as after the board's last counted window.
        """
        counted = counted and self._counted
        before = len(self._board.windows()) if counted else 0
        events = self._ask(command("infer", inferences, warmups), self._patience.infer_s)
        results = _one(events, Results, "infer").values
        laps = [event.us for event in events if isinstance(event, Lap)]
        if len(laps) not in ((0, 2) if self._counted else (2,)):
            few = f"the firmware gave {len(laps)} time stamps, not 2"
            raise ProtocolError(f"{few if laps else _NO_STAMPS}{_said(events)}")
        counts = self._window(before, inferences) if counted else None
        stamps = (laps[0], laps[1]) if laps else None
        return Inference(inferences, results, stamps, counts)

    def output(self) -> bytes:
        """The bytes of the output tensors of the last inference."""
        return _one(self._ask(command("output")), Output, "output").data

    def arena(self) -> Arena:
        """What the model needs of the arena."""
        events = self._ask(command("arena"))
        needed = _one(events, ArenaNeeded, "arena").bytes
        return Arena(needed, _one(events, ArenaUsed, "arena").bytes)

    def footprint(self) -> Footprint:
        """What the model takes of the arena and where, and what has been used of the stack."""
        plan = self._ask(command("plan"))
        stack = self._ask(command("stack"))
        return Footprint(
            self.arena(),
            ArenaPlan(
                _one(plan, PlanHead, "plan").bytes,
                _one(plan, PlanTail, "plan").bytes,
                tuple(event for event in plan if isinstance(event, PlanBuffer)),
            ),
            _one(stack, StackUsed, "stack").bytes,
        )

    def _window(self, before: int, inferences: int) -> Counts:
        windows = self._board.windows()
        if len(windows) != before + 1:
            raise InfrastructureError(
                f"the firmware passed th_pre and th_post {len(windows) - before} times in one "
                "infer; call each once, around the measured inferences"
            )
        return fold_layers(windows[-1], inferences)

    def _ask(self, sent: bytes, timeout_s: float | None = None) -> tuple[Event, ...]:
        self._board.write(sent)
        text = sent.decode("ascii").rstrip("%")
        events = self._listen(text, timeout_s or self._patience.command_s)
        for event in events:
            if isinstance(event, DeviceError):
                raise ProtocolError(f"the firmware refused {_shown(text)}: {event.text}")
        return events

    def _listen(self, asked: str, timeout_s: float) -> tuple[Event, ...]:
        deadline = time.monotonic() + timeout_s
        while not self._has_ready():
            left = deadline - time.monotonic()
            if left <= 0:
                self._give_up(asked, timeout_s)
            self._hear(self._board.read(min(left, _SLICE_S)))
        end = next(i for i, event in enumerate(self._heard) if isinstance(event, Ready))
        events, self._heard = self._heard[:end], self._heard[end + 1 :]
        for event in events:
            if isinstance(event, Malformed):
                raise ProtocolError(f"the firmware said what cannot be read: {event.text!r}")
        return tuple(events)

    def _has_ready(self) -> bool:
        return any(isinstance(event, Ready) for event in self._heard)

    def _hear(self, data: bytes) -> None:
        for event in self._parser.feed(data):
            if isinstance(event, Fault):
                fault = fault_sentence(event.registers, self._board.where)
                raise FirmwareFault(f"{fault}{_said(self._heard)}")
            self._heard.append(event)

    def _give_up(self, asked: str, timeout_s: float) -> NoReturn:
        last = repr(self._parser.last) if self._parser.last else "nothing"
        where = self._board.halt()
        core = f"; the core was {where}" if where else ""
        said = _said(self._heard) or f"; last heard: {last}"
        raise FirmwareFault(
            f"the firmware did not answer {_shown(asked)} within {timeout_s:g} s{core}{said}"
        )


def _one(events: tuple[Event, ...], kind: type[T], asked: str) -> T:
    for event in events:
        if isinstance(event, kind):
            return event
    raise ProtocolError(
        f"the firmware's answer to {_shown(asked)} has no {REPLIES[kind]}{_said(events)}"
    )


def _said(events: Iterable[Event]) -> str:
    """What it said in words of its own, last, to end a sentence with."""
    words = "; ".join(event.text for event in events if isinstance(event, Other | DeviceError))
    return f"; it said {words[-_SAID:]!r}" if words else ""


def converse(
    board: Board, patience: Patience = Patience(), *, counted: bool = True
) -> Conversation:
    """Wait for ``board`` to boot, and talk to it. ``counted`` false asks for no counts."""
    return Conversation(board, patience, counted)


def _shown(asked: str) -> str:
    return repr(asked if len(asked) <= 24 else asked[:21] + "...")
