"""A session that was recorded, as a backend: what a board said and counted, without an emulator.

Replayed where the emulator that it is of is not installed, to compare with or to test against.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from simbench.backends.board import Backend, Board, Capabilities, LaunchSpec
from simbench.backends.closing import Closing
from simbench.backends.naming import place
from simbench.catalog.cores import core_record
from simbench.counts import Counts
from simbench.errors import InfrastructureError, UsageError
from simbench.store.encoding import decode, encode, key_of

_SHOWN_BYTES = 24


@dataclass(frozen=True, slots=True)
class Turn:
    """Bytes sent to the UART, what was received until the next were sent, and how many windows had
    been counted by then. The first turn is the boot: nothing is sent."""

    sent: bytes
    received: bytes
    windows: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A session with a board. ``board`` is the hash of everything that was started."""

    backend: str
    version: str
    capabilities: Capabilities
    board: str
    turns: tuple[Turn, ...]
    windows: tuple[Counts, ...]


def save(recording: Recording, path: Path) -> None:
    """Write ``recording`` to the file ``path``. Raises UsageError where that cannot be."""
    try:
        path.write_bytes(encode(recording))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; name another file") from error


def load(path: Path) -> Recording:
    """The recording in the file ``path``. Raises UsageError where there is none."""
    try:
        return decode(path.read_bytes(), Recording)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name a recording") from error
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise UsageError(
            f"{path} is no whole recording: make one with 'simbench crosscheck --record'"
        ) from error


class Recorder:
    """A backend that records the sessions with another's boards; ``recordings`` has the closed."""

    def __init__(self, backend: Backend) -> None:
        self.name = backend.name
        self.capabilities = backend.capabilities
        self.recordings: list[Recording] = []
        self._backend = backend

    def version(self) -> str:
        """The emulator's version."""
        return self._backend.version()

    def machine(self, core: str) -> str:
        """The stable machine for ``core``."""
        return self._backend.machine(core)

    def launch(self, spec: LaunchSpec) -> Board:
        """Start a board, and record what is said with it."""
        empty = Recording(self.name, self.version(), self.capabilities, _key(spec), (), ())
        return _ListenedTo(self._backend.launch(spec), empty, self.recordings)


class RecordedBackend:
    """Replays a recording: to the one board that it is of, sent the same, in the same order."""

    def __init__(self, recording: Recording) -> None:
        self.name = recording.backend
        self.capabilities = recording.capabilities
        self._recording = recording

    def version(self) -> str:
        """The version of the emulator that was recorded."""
        return self._recording.version

    def machine(self, core: str) -> str:
        """The stable machine for ``core``."""
        return core_record(core).machine

    def launch(self, spec: LaunchSpec) -> Board:
        """The recorded board. Raises InfrastructureError where another is asked for."""
        if _key(spec) != self._recording.board:
            raise InfrastructureError(
                "the recording is of another board, image, model or inputs: record this one with "
                "'simbench crosscheck --record'"
            )
        return _Recorded(spec, self._recording)


def _key(spec: LaunchSpec) -> str:
    settings = (spec.machine, spec.caches, spec.counting, spec.counted_windows, spec.section)
    return key_of(spec.image.sha256, spec.blobs, settings)


@dataclass(slots=True)
class _ListenedTo(Closing):
    board: Board
    recording: Recording
    recordings: list[Recording]
    turns: list[Turn] = field(default_factory=lambda: [Turn(b"", b"", 0)])
    counted: tuple[Counts, ...] = ()

    def write(self, data: bytes) -> None:
        self.board.write(data)
        self.turns.append(Turn(data, b"", len(self.counted)))

    def read(self, timeout_s: float) -> bytes:
        data = self.board.read(timeout_s)
        self.turns[-1] = replace(self.turns[-1], received=self.turns[-1].received + data)
        return data

    def windows(self) -> tuple[Counts, ...]:
        self.counted = self.board.windows()
        self.turns[-1] = replace(self.turns[-1], windows=len(self.counted))
        return self.counted

    def take_windows(self) -> tuple[Counts, ...]:
        raise UsageError("a board that is recorded keeps its windows: ask for all of them")

    def halt(self) -> str | None:
        return self.board.halt()

    def where(self, address: int) -> str:
        return self.board.where(address)

    def abort(self) -> None:
        self.board.abort()

    def close(self) -> None:
        if self.turns:
            done = replace(self.recording, turns=tuple(self.turns), windows=self.counted)
            self.recordings.append(done)
            self.turns = []
        self.board.close()


@dataclass(slots=True)
class _Recorded(Closing):
    spec: LaunchSpec
    recording: Recording
    turn: int = 0
    heard: int = 0

    def write(self, data: bytes) -> None:
        turns = self.recording.turns
        if self.turn + 1 == len(turns) or turns[self.turn + 1].sent != data:
            raise InfrastructureError(
                f"the recording does not go on with {data[:_SHOWN_BYTES]!r}: record this session"
            )
        self.turn, self.heard = self.turn + 1, 0

    def read(self, timeout_s: float) -> bytes:  # noqa: ARG002
        data = self.recording.turns[self.turn].received[self.heard :]
        if not data:
            raise InfrastructureError("the recording has no more to say: record a longer session")
        self.heard += len(data)
        return data

    def windows(self) -> tuple[Counts, ...]:
        if not self.spec.counting:
            raise UsageError("a board started with counting off has no counts")
        return self.recording.windows[: self.recording.turns[self.turn].windows]

    def take_windows(self) -> tuple[Counts, ...]:
        raise UsageError("a recorded board keeps its windows: ask for all of them")

    def halt(self) -> str | None:
        return None

    def where(self, address: int) -> str:
        return place(self.spec.image, address)

    def abort(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing runs."""
