"""What every backend gives: a board with a UART, and what its core executed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Protocol, Self, runtime_checkable

from simbench.catalog.chips import Chip, Span
from simbench.counts import CacheGeometry, Counts, Segment
from simbench.firmware.image import Image
from simbench.firmware.rtos import CurrentTask
from simbench.firmware.section import Section

STACK_POINTER = 13
PROGRAM_COUNTER = 15
ALWAYS: Mapping[int, Segment] = MappingProxyType(
    {STACK_POINTER: Segment.STATIC, PROGRAM_COUNTER: Segment.CODE}
)


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes a loader places in the board's memory at ``address`` before the core starts."""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Alias:
    """Where the memory from ``target`` on is seen again."""

    span: Span
    target: int


@dataclass(frozen=True, slots=True)
class ChipMap:
    """A board with a chip's own map: its ``core`` ("cortex-m4"), memories, registers and UARTs.

    What is in the memories is in the blobs, the image included.
    """

    core: str
    memories: tuple[Span, ...]
    aliases: tuple[Alias, ...]
    chip: Chip


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """A board to start.

    ``machine`` is the emulator's name of it. ``window_instructions`` is the limit of one measured
    window. ``counting`` false starts the board bare: it runs, and ``windows()`` is refused.
    ``base_segments`` says in which segment a register (13 is SP, 15 is PC) always points, so that
    accesses relative to it need not be watched; ``grouping`` lets one watched access stand for
    others through the same base register, sound where segments are not reached across by a small
    displacement. Both make counting faster and no count different. After ``counted_windows`` the
    board runs on uncounted; ``None`` counts all. ``section`` is the window instead of what runs
    between ``th_pre`` and ``th_post``; the board then has no layers. With a ``chip`` the board has
    that map instead of the ``machine``'s, and ``tasks`` are told apart. With ``restarts`` it is a
    :class:`RestartingBoard`, and the windows counted are those since its last start.
    """

    image: Image
    machine: str
    blobs: tuple[Blob, ...] = ()
    caches: tuple[CacheGeometry, ...] = ()
    window_instructions: int = 100_000_000_000
    counting: bool = True
    base_segments: Mapping[int, Segment] = field(default_factory=lambda: ALWAYS)
    grouping: bool = True
    counted_windows: int | None = None
    section: Section | None = None
    chip: ChipMap | None = None
    tasks: CurrentTask | None = None
    restarts: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can count; what it cannot is a sentence in ``reasons``, by the fact's name.

    ``chips`` is whether it makes boards with a chip's own map, ``restarts`` whether its boards can
    begin anew.
    """

    blocks: bool
    edges: bool
    accesses: bool
    caches: bool
    reasons: Mapping[str, str] = field(default_factory=dict)
    chips: bool = False
    restarts: bool = False

    @property
    def unpriced(self) -> str | None:
        """Why the counts cannot be priced, or None where they can.

        Without caches they can: their waits are then between none and every one.
        """
        needed = {"blocks": self.blocks, "edges": self.edges, "accesses": self.accesses}
        return "; ".join(self.reasons[fact] for fact, has in needed.items() if not has) or None


class Board(Protocol):
    """A running board. Only :meth:`abort` may be called from another thread than the rest. Close
    it, or use it in a ``with``."""

    def write(self, data: bytes) -> None:
        """Send ``data`` to the UART. Raises as :meth:`read` does."""

    def read(self, timeout_s: float) -> bytes:
        """Bytes from the UART as soon as there are any, or ``b""`` after ``timeout_s`` seconds.

        Raises FirmwareFault or InfrastructureError, saying why, if the board has ended.
        """

    def windows(self) -> tuple[Counts, ...]:
        """The windows measured so far (``th_pre`` to ``th_post``, or the section).

        Layers are in order of execution, not yet summed over the inferences of a window.
        """

    def take_windows(self) -> tuple[Counts, ...]:
        """As :meth:`windows`, which the board then forgets: for one that runs for long.

        To be called while the firmware awaits a command, and writes no counts.
        """

    def halt(self) -> str | None:
        """Stop the board for good; where its core was, in words, or None if that is not known."""

    def where(self, address: int) -> str:
        """An address of code in words: "in conv at 0x00001234"."""

    def abort(self) -> None:
        """Stop the emulator at once: what another thread waits for of the board then raises."""

    def close(self) -> None:
        """Stop the board and leave nothing behind. May be called again."""

    def __enter__(self) -> Self:
        """The board itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""


@runtime_checkable
class ReadableBoard(Board, Protocol):
    """A board whose registers can be read while it runs."""

    def words(self, addresses: Iterable[int]) -> Mapping[int, int]:
        """The words at ``addresses``; none of those that could not be read."""


@runtime_checkable
class RestartingBoard(Board, Protocol):
    """A board that was launched to restart."""

    def restart(self, blobs: Sequence[Blob], spoilt: Iterable[range] = ()) -> None:
        """Begin anew, in the state after a start, with other ``blobs`` at the addresses of the old.

        ``spoilt`` are the addresses that what ran may have written and no start overwrites. The
        firmware awaits a command. Raises InfrastructureError where the emulator does not.
        """


class Backend(Protocol):
    """A way to start boards."""

    name: str
    capabilities: Capabilities

    def version(self) -> str:
        """The emulator's version, as "7.2.22". Raises InfrastructureError if it is missing."""

    def machine(self, core: str) -> str:
        """The stable machine for ``core`` ("cortex-m4"). Raises UsageError if there is none."""

    def launch(self, spec: LaunchSpec) -> Board:
        """Start a board. Raises InfrastructureError if there is no emulator, or it will not."""
