"""A board in Renode: virtual time in slices, the UART in a file, and what counts inside it.

Between two slices nothing changes on the board, and only then are bytes handed to its UART: so a
run is the same whatever the host does meanwhile.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
import time
from pathlib import Path

from simbench.backends.board import LaunchSpec
from simbench.backends.closing import Closing
from simbench.backends.folder import temporary_folder, unwritable
from simbench.backends.naming import place
from simbench.backends.renode import platform
from simbench.backends.renode.hooks import Hooks
from simbench.backends.renode.machines import machine_of
from simbench.backends.renode.monitor import Monitor, path
from simbench.backends.renode.tool import Tool
from simbench.backends.renode.tracing import Tracer
from simbench.counts import Counts
from simbench.errors import FirmwareFault, InfrastructureError, UsageError
from simbench.firmware.read import CodeReader
from simbench.isa.decode import decode_block
from simbench.isa.instruction import InstructionClass

_SLICE_S = 0.01  # of virtual time
_SLICE_TIMEOUT_S = 120.0
_POLL_S = 0.05
_BAUD = 115200
_BITS_A_BYTE = 10
_BATCH_BYTES = 64
_STUCK_SLICES = 20
_VECTOR = frozenset(
    {
        InstructionClass.VECTOR,
        InstructionClass.VECTOR_MULTIPLY,
        InstructionClass.VECTOR_CONTROL,
        InstructionClass.VECTOR_LOAD,
        InstructionClass.VECTOR_STORE,
    }
)
_HEXADECIMAL = re.compile(r"0x([0-9a-fA-F]+)")

_starting = threading.Lock()  # two that start at once stumble over files they share


class RenodeBoard(Closing):
    """See :class:`simbench.backends.board.Board`."""

    def __init__(
        self, tool: Tool, spec: LaunchSpec, counter: type[Hooks] | type[Tracer] = Hooks
    ) -> None:
        self._spec = spec
        self._version = tool.version
        self._windows: list[Counts] = []
        self._counter: Hooks | Tracer | None = None
        self._heard = 0
        self._at: int | None = None
        self._executed = 0
        self._stayed = 0  # slices in which the core executed, and stayed where it was
        self._slice_began = 0.0
        with contextlib.ExitStack() as stack:
            self._folder = temporary_folder(stack)
            self._write_files()
            with _starting:
                self._monitor = Monitor(tool.command, self._folder)
            stack.callback(self._monitor.close)
            if spec.counting:
                counter.load(self._monitor, self._folder)
            self._make()
            if spec.counting:
                self._counter = counter(self._monitor, self._folder, spec)
                if spec.section is not None:  # perhaps nothing is ever sent
                    self._counter.start()
            self._cleanup = stack.pop_all()

    @property
    def pid(self) -> int:
        """Renode's process."""
        return self._monitor.pid

    def write(self, data: bytes) -> None:
        """Send ``data`` to the UART, at its pace in virtual time."""
        self._finish_slice()
        if self._counter is not None:
            self._counter.start()
        for start in range(0, len(data), _BATCH_BYTES):
            batch = data[start : start + _BATCH_BYTES]
            typed = "".join(f"uart WriteChar {byte:#04x}; " for byte in batch)
            self._start_slice(len(batch) * _BITS_A_BYTE / _BAUD, typed)
            self._finish_slice()

    def read(self, timeout_s: float) -> bytes:
        """Bytes from the UART as soon as there are any, or ``b""`` after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while True:
            data = self._new_output()
            left = deadline - time.monotonic()
            if data or left <= 0:
                return data
            if not self._monitor.is_busy:
                self._start_slice(_SLICE_S)
            self._await_slice(min(left, _POLL_S))

    def windows(self) -> tuple[Counts, ...]:
        """The windows measured so far. Raises UsageError on a bare board."""
        if self._counter is None:
            raise UsageError("a board started with counting off has no counts")
        if self._counter.has_window():
            self._finish_slice()
            self._windows += self._counter.windows()
            if self._spec.section is not None:
                self._counter.start()
        return tuple(self._windows)

    def take_windows(self) -> tuple[Counts, ...]:
        """The windows since the last call, and no trace of them left."""
        windows = self.windows()
        self._windows.clear()
        return windows

    def halt(self) -> str | None:
        """Stop the board; where its core was after its last slice, or None if not known."""
        self._monitor.abort()
        return None if self._at is None else self.where(self._at)

    def where(self, address: int) -> str:
        """An address of code in words."""
        return place(self._spec.image, address)

    def abort(self) -> None:
        """Kill Renode at once, from any thread."""
        self._monitor.abort()

    def close(self) -> None:
        """Stop the board and remove its files."""
        self._cleanup.close()

    def _write_files(self) -> None:
        spec = self._spec
        ranges = platform.memories(spec.image, spec.blobs)
        text = platform.description(machine_of(spec.machine), ranges)
        try:
            shutil.copyfile(spec.image.path, self._folder / platform.FIRMWARE)
            (self._folder / platform.DESCRIPTION).write_text(text)
            for number, blob in enumerate(spec.blobs):
                (self._folder / platform.blob_name(number)).write_bytes(blob.data)
        except OSError as error:
            raise unwritable(f"{error.filename}: {error.strerror}") from error

    def _make(self) -> None:
        folder = path(self._folder)
        lines = platform.script(
            self._spec.image, self._spec.blobs, folder, log_level=platform.LOG_ERRORS
        )
        for number, line in enumerate(lines, 1):
            if not line.startswith("#"):
                self._monitor.execute(line, at=f" (line {number} of {platform.SCRIPT})")
        self._monitor.execute(f"uart CreateFileBackend {path(self._output)} true")

    @property
    def _questions(self) -> tuple[str, ...]:
        return () if self._counter is None else self._counter.questions

    @property
    def _output(self) -> Path:
        return self._folder / "uart"

    def _new_output(self) -> bytes:
        if not self._output.exists():
            return b""
        with self._output.open("rb") as file:
            file.seek(self._heard)
            data = file.read()
        self._heard += len(data)
        return data

    def _start_slice(self, seconds: float, before: str = "") -> None:
        # fixed-point text, as an exponent is not understood
        run = f'emulation RunFor "{seconds:.6f}"'
        self._slice_began = time.monotonic()
        asked = "; ".join(("cpu PC", "cpu ExecutedInstructions", *self._questions))
        self._monitor.send(f"{before}{run}; {asked}")

    def _finish_slice(self) -> None:
        while self._monitor.is_busy:
            self._await_slice(_POLL_S)

    def _await_slice(self, timeout_s: float) -> None:
        answer = self._monitor.answer(timeout_s)
        if answer is not None:
            self._note_state(answer)
        elif time.monotonic() - self._slice_began > _SLICE_TIMEOUT_S:
            where = self.halt()
            raise FirmwareFault(
                f"Renode did not come back from a slice of virtual time within {_SLICE_TIMEOUT_S:g}"
                f" s{f'; the core was last seen {where}' if where else ''}: it has locked up by a "
                "fault inside a fault handler, or the host is too slow"
            )

    def _note_state(self, answer: str) -> None:
        """Where the core is after a slice, and whether it has executed too much of a window."""
        numbers = [int(digits, 16) for digits in _HEXADECIMAL.findall(answer)]
        if len(numbers) != 2 + len(self._questions):
            raise InfrastructureError(
                f"Renode did not say where its core is, but {answer!r}; use Renode 1.16 or 1.17"
            )
        at, executed = numbers[:2]
        stays = at == self._at and executed > self._executed
        self._stayed = self._stayed + 1 if stays else 0
        self._at, self._executed = at, executed
        self._check_advance(at)
        limit = self._spec.window_instructions
        if self._counter is not None and self._counter.in_window(numbers[1:]) > limit:
            where = self.halt()
            what = "inference" if self._spec.section is None else "section"
            raise FirmwareFault(
                f"the {what} ran past {limit:,} instructions, {where}; raise the limit, or look "
                "for an endless loop"
            )

    def _check_advance(self, at: int) -> None:
        """Raise where the core repeats one vector instruction for ever: one that Renode has not.

        Of others a loop that waits may be at the same one after every slice.
        """
        if self._stayed < _STUCK_SLICES:
            return
        for instruction in decode_block(CodeReader(self._spec.image)(at & ~1, 4))[:1]:
            if instruction.kind not in _VECTOR:
                return
            self.halt()
            raise InfrastructureError(
                f"Renode {self._version} executes {instruction.mnemonic} {self.where(at)} again "
                "and again without going on: it lacks this instruction; use a newer Renode, or QEMU"
            )
