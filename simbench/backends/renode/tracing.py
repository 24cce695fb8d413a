"""What is asked of Renode to count: hooks at the markers, and a trace of what is between them.

A hook writes how many instructions the core says that it has executed. That is checked against the
trace: two ways of counting, of which neither is trusted alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simbench.backends.board import LaunchSpec
from simbench.backends.markers import Marker, marker_addresses
from simbench.backends.renode.counting import count_trace, segments_of
from simbench.backends.renode.monitor import Monitor, path
from simbench.backends.renode.trace import in_memory_order, read_trace
from simbench.counts import Counts
from simbench.errors import InfrastructureError
from simbench.firmware.read import CodeReader


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker that was passed, and the instructions that the core had executed before it."""

    marker: Marker
    executed: int


class Tracer:
    """Counts the windows of the board that ``monitor`` has made; its files are in ``folder``.

    Every call is for while no slice of virtual time runs.
    """

    questions: tuple[str, ...] = ()
    """Nothing more is asked after each slice."""

    @staticmethod
    def load(monitor: Monitor, folder: Path) -> None:
        """Nothing: Renode can trace."""

    def __init__(self, monitor: Monitor, folder: Path, spec: LaunchSpec) -> None:
        self._monitor = monitor
        self._folder = folder
        self._spec = spec
        self._markers = marker_addresses(spec)
        self._marks_file = folder / "marks"
        self._trace: Path | None = None  # being written
        self._begun = 0
        self._marks_before = 0  # of those in the file, those before the trace
        self._counted = 0
        for command in hook_commands(self._markers, self._marks_file):
            monitor.execute(command)

    def start(self) -> None:
        """Trace what follows, unless it is traced already or all windows have been counted."""
        limit = self._spec.counted_windows
        if self._trace is not None or (limit is not None and self._counted >= limit):
            return
        self._marks_before = len(self._all_marks())
        self._trace = self._folder / f"trace{self._begun}"
        for command in start_commands(self._begun, self._trace):
            self._monitor.execute(command)
        self._begun += 1

    def has_window(self) -> bool:
        """Whether a window has closed that :meth:`windows` has not given."""
        return any(mark.marker is Marker.WINDOW_CLOSES for mark in self._marks())

    def windows(self) -> tuple[Counts, ...]:
        """The windows of the trace, which ends here."""
        assert self._trace is not None  # a window can close in a trace only
        self._monitor.execute("cpu DisableExecutionTracing")
        marks, limit = self._marks(), self._spec.counted_windows
        found = counted(self._trace, marks, self._markers, self._spec)
        found = found[: None if limit is None else limit - self._counted]
        self._trace.unlink()
        self._trace = None
        self._counted += len(found)
        return found

    def in_window(self, answers: Sequence[int]) -> int:
        """How many of the instructions executed so far, the last of ``answers`` to a slice, are in
        the window that is open."""
        executed = answers[-1]
        opened = None
        for mark in self._marks():
            if mark.marker is Marker.WINDOW_CLOSES:
                opened = None
            elif opened is None or mark.marker is Marker.WINDOW_OPENS:
                opened = mark.executed
        return 0 if opened is None else executed - opened

    def _marks(self) -> list[Mark]:
        """Those passed since the trace was started."""
        return [] if self._trace is None else self._all_marks()[self._marks_before :]

    def _all_marks(self) -> list[Mark]:
        return read_marks(self._marks_file.read_text()) if self._marks_file.exists() else []


def hook_commands(markers: Mapping[int, Marker], marks: Path) -> Iterator[str]:
    """Commands after which each marker passed adds a line to the file ``marks``.

    The hook's text is Python inside Renode: ``self`` is the core, ``System`` is .NET's.
    """
    for address, marker in markers.items():
        line = f"'{marker:d} %d' % self.ExecutedInstructions + chr(10)"
        yield f"cpu AddHook {address:#010x} \"System.IO.File.AppendAllText('{marks}', {line})\""


def start_commands(number: int, trace: Path) -> tuple[str, ...]:
    """Commands after which everything executed is written to the file ``trace``.

    Blocks of one instruction make the address exact that Renode gives with a memory access: its
    documentation, "Guest cache modelling". Synchronous: nothing waits in Renode's memory.
    """
    name = f"trace{number}"
    return (
        "cpu MaximumBlockSize 1",
        f'cpu CreateExecutionTracingSynchronous "{name}" {path(trace)} PCAndOpcode true',
        f"{name} TrackMemoryAccesses",
    )


def read_marks(text: str) -> list[Mark]:
    """The marks in ``text``; a last line that is not whole yet is left out."""
    lines = text[: text.rfind("\n") + 1].splitlines()
    return [Mark(Marker(int(kind)), int(n)) for kind, n in (line.split() for line in lines)]


def counted(
    trace: Path, marks: Sequence[Mark], markers: Mapping[int, Marker], spec: LaunchSpec
) -> tuple[Counts, ...]:
    """The windows in the file ``trace``; ``marks`` are those passed while it was written.

    Raises InfrastructureError where the trace and the core's own count of instructions differ, or
    the trace and the image do.
    """
    with trace.open("rb") as file:
        executed = in_memory_order(read_trace(file), CodeReader(spec.image))
        windows = count_trace(executed, markers, segments_of(spec.image.segments))
    told = list(_windows(marks))
    if len(told) != len(windows):
        raise InfrastructureError(
            f"Renode's trace has {len(windows)} windows where its hooks were passed for "
            f"{len(told)}; {_REPORT}"
        )
    for window, numbers in zip(windows, told, strict=True):
        found = [window.instructions(s) for s in (window.inference, *window.layers)]
        if found != numbers:
            raise InfrastructureError(
                f"Renode's trace has {found[0]:,} instructions in a window where its core counted "
                f"{numbers[0]:,}, or a layer differs; {_REPORT}"
            )
    return windows


_REPORT = "this version of Renode cannot be trusted to count: use 1.16 or 1.17, or QEMU"


def _windows(marks: Iterable[Mark]) -> Iterator[list[int]]:
    """Instructions of each window that was passed whole, and then of its layers."""
    opened: int | None = None
    layers: list[int] = []
    before = Mark(Marker.WINDOW_CLOSES, 0)
    for mark in marks:
        if mark.marker is Marker.WINDOW_OPENS or (
            mark.marker is Marker.SECTION_OPENS and opened is None
        ):
            opened, layers = mark.executed, []
        elif opened is not None and mark.marker is not Marker.SECTION_OPENS:
            if before.marker is Marker.LAYER_OPENS:
                layers.append(mark.executed - before.executed)
            if mark.marker is Marker.WINDOW_CLOSES:
                yield [mark.executed - opened, *layers]
                opened = None
        before = mark
