"""A board in QEMU: the process, its UART, and the counts it leaves in a file."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

from simbench.backends.board import PROGRAM_COUNTER, STACK_POINTER, Blob, LaunchSpec
from simbench.backends.closing import Closing
from simbench.backends.faults import STATUS_ADDRESS, fault_sentence, fault_status
from simbench.backends.folder import temporary_folder, unwritable
from simbench.backends.naming import place
from simbench.backends.pieces import joined
from simbench.backends.qemu.awake import sleeps_for_ever, waiting_awake
from simbench.backends.qemu.chip import chip_config, waited_for
from simbench.backends.qemu.command import START, Files, command, plugin_config
from simbench.backends.qemu.debugger import Debugger
from simbench.backends.qemu.ended import ended_error, takes_no_plugin
from simbench.backends.qemu.tool import Tool, other_interface
from simbench.backends.records import RecordReader
from simbench.counts import Counts
from simbench.errors import FirmwareFault, InfrastructureError, UsageError
from simbench.firmware.image import Image

_CHUNK = 1 << 16
_STOP_TIMEOUT_S = 3.0
_SEND_TIMEOUT_S = 30.0
_POKE_INTERVAL_S = 0.05
_MONITOR_S = 1.0
_WORDS = re.compile(rb" 0x([0-9a-f]{8})(?=[ \r])")
_ESCAPE = b"\x01"  # QEMU's multiplexer obeys what follows it, and passes on the second of two
_CANNOT_WRITE = 74  # as in plugin/records.h
_WAKES = b"\n"  # the firmware waits for a byte, asleep, and drops this one when it begins
_LINK_REGISTER = 14
_XPSR, _THUMB = 25, 1 << 24


class QemuBoard(Closing):
    """See :class:`simbench.backends.board.Board`. ``plugin`` None runs it bare; ``chip_plugin`` is
    needed where the board has a chip's own map."""

    def __init__(
        self, tool: Tool, plugin: Path | None, spec: LaunchSpec, chip_plugin: Path | None = None
    ) -> None:
        self._spec = spec
        self._plugin = plugin
        self._chip_plugin = chip_plugin
        self._tool = tool
        self._told: BinaryIO | None = None
        self._reader = RecordReader(spec.caches)
        self._joined: list[Counts] = []
        self._debugger: Debugger | None = None
        self._written = {blob.address: len(blob.data) for blob in spec.blobs}
        self._stream: BinaryIO | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_aborted = False
        with contextlib.ExitStack() as stack:
            self._folder = temporary_folder(stack)
            self._start(tool, stack)
            self._cleanup = stack.pop_all()

    @property
    def pid(self) -> int:
        """The emulator's process."""
        assert self._process is not None
        return self._process.pid

    def write(self, data: bytes) -> None:
        """Send ``data`` to the UART."""
        view = memoryview(data if self._spec.chip else data.replace(_ESCAPE, 2 * _ESCAPE))
        while view:
            _, ready, _ = select.select([], [self._uart], [], _SEND_TIMEOUT_S)
            if not ready:
                where = self.halt()
                raise FirmwareFault(
                    f"the firmware took no byte from its UART for {_SEND_TIMEOUT_S:.0f} s"
                    + (f"; the core was {where}" if where else "")
                )
            try:
                view = view[self._uart.send(view) :]
            except (BrokenPipeError, ConnectionResetError):
                self._explain_end()
        self._poke()

    def read(self, timeout_s: float) -> bytes:
        """Bytes from the UART as soon as there are any, or ``b""`` after ``timeout_s``."""
        if not self._wait(timeout_s):
            return b""
        try:
            data = self._uart.recv(_CHUNK)
        except ConnectionResetError:
            data = b""
        if not data:
            self._explain_end()
        return data

    def windows(self) -> tuple[Counts, ...]:
        """The windows measured so far. Raises UsageError on a bare board."""
        if self._plugin is None:
            raise UsageError("a board started with counting off has no counts")
        self._read_records()
        windows = self._reader.windows
        if self._spec.chip is None:
            return tuple(windows)
        self._joined.extend(map(joined, windows[len(self._joined) :]))
        return tuple(self._joined)

    def take_windows(self) -> tuple[Counts, ...]:
        """The windows since the last call, and no trace of them left."""
        windows = self.windows()
        self._reader.windows.clear()
        self._joined.clear()
        # what is read goes, and the place to write at stays: the file takes no more room
        os.truncate(self._folder / "counts", 0)
        return windows

    def restart(self, blobs: Sequence[Blob], spoilt: Iterable[range] = ()) -> None:
        """Begin anew with other ``blobs``: what a loader and a reset do, by the debugger's port.

        A reset by QEMU itself writes the image too, and so has all of it translated again.
        """
        debugger = self._debugger
        assert debugger is not None  # the spec said so
        debugger.stop()
        is_awake = sleeps_for_ever(self._tool, self._spec)
        if is_awake:
            # stopped where a device was read, it owes a block that no plugin is called of
            debugger.step()
        for part in spoilt:
            debugger.write(part.start, bytes(len(part)))
        for blob in blobs:
            # and zeros where the blob before was longer
            debugger.write(blob.address, blob.data.ljust(self._written.get(blob.address, 0), b"\0"))
            self._written[blob.address] = len(blob.data)
        debugger.set_registers(_reset_state(self._spec.image))
        self.take_windows()
        debugger.go_on()
        # to a core that never slept it would come too late to be dropped
        if not is_awake:
            self.write(_WAKES)

    def halt(self) -> str | None:
        """Stop the board; where its core was ("in conv at 0x00001234"), or None if not known.

        Raises FirmwareFault where a fault had led it there.
        """
        faulted = self._fault_status()
        self._stop()
        self._read_records()
        at = self._reader.last_at
        where = None if at is None else place(self._spec.image, at)
        if faulted is not None:
            is_in = f"; it has stayed {where}, which does not return" if where else ""
            raise FirmwareFault(fault_sentence(faulted, self.where) + is_in)
        waited = self._waited_for()
        return where if waited is None else f"{where or 'somewhere'}, and {waited}"

    def words(self, addresses: Iterable[int]) -> Mapping[int, int]:
        """The words at ``addresses``; none of those that could not be read."""
        read = {address: self._read_words(address, 1) for address in addresses}
        return {address: words[0] for address, words in read.items() if words}

    def _fault_status(self) -> Mapping[str, int] | None:
        """The core's fault registers, where they tell of a fault."""
        words = self._read_words(STATUS_ADDRESS, 5)
        return fault_status(words) if words else None

    def _read_words(self, address: int, count: int) -> list[int]:
        """``count`` words, as the emulator's monitor reads them; none where it does not answer."""
        said = b""
        deadline = time.monotonic() + _MONITOR_S
        with contextlib.suppress(OSError):
            self._monitor.send(f"x /{count}wx {address:#x}\n".encode())
            while len(words := _WORDS.findall(said)) < count and time.monotonic() < deadline:
                if select.select([self._monitor], [], [], _POKE_INTERVAL_S)[0]:
                    said += self._monitor.recv(_CHUNK)
            return [int(word, 16) for word in words]
        return []

    def _waited_for(self) -> str | None:
        """What register the firmware kept reading, in words, or None. The board has stopped."""
        if self._spec.chip is None or self._told is None:
            return None
        return waited_for(self._spec.chip.chip, self._told.read().decode())

    def where(self, address: int) -> str:
        """An address of code in words."""
        return place(self._spec.image, address)

    def abort(self) -> None:
        """Stop the emulator at once, from any thread."""
        self._is_aborted = True
        if self._process is not None:
            _signal_group(self._process, signal.SIGKILL)

    def close(self) -> None:
        """Stop the board and remove its files."""
        self._cleanup.close()

    def _wait(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while True:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._uart], [], [], min(left, _POKE_INTERVAL_S))
            if ready or left == 0.0:
                return bool(ready)
            self._poke()

    def _poke(self) -> None:
        """Wake QEMU's main loop: enabling a UART's receiver does not, and input would wait."""
        with contextlib.suppress(OSError):
            self._monitor.send(b"\n")
            while self._monitor.recv(_CHUNK):
                pass

    def _start(self, tool: Tool, stack: contextlib.ExitStack) -> None:
        self._uart, uart = _socket_pair(stack)
        self._monitor, monitor = _socket_pair(stack)
        port = self._debugged_by(stack)
        leash_out, leash_in = os.pipe()
        stack.callback(os.close, leash_in)
        told_out, told_in = os.pipe()
        self._told = stack.enter_context(os.fdopen(told_out, "rb"))
        try:
            files = self._write_files(
                tool, uart.fileno(), monitor.fileno(), leash_out, told_in, *port
            )
            with (self._folder / "stderr").open("wb") as errors:
                stack.callback(self._stop)
                self._process = subprocess.Popen(
                    command(tool.program, self._plugin, self._spec, files, self._chip_plugin),
                    stdin=subprocess.DEVNULL,
                    stdout=errors,
                    stderr=errors,
                    pass_fds=(uart.fileno(), monitor.fileno(), leash_out, told_in, *port),
                    start_new_session=True,
                )
        except OSError as error:
            raise InfrastructureError(f"{tool.program} does not start: {error.strerror}") from error
        finally:
            uart.close()
            monitor.close()
            os.close(leash_out)
            os.close(told_in)
            for descriptor in port:
                os.close(descriptor)

    def _debugged_by(self, stack: contextlib.ExitStack) -> tuple[int, ...]:
        """QEMU's end of a debugger's port, of a board that restarts."""
        if not self._spec.restarts:
            return ()
        ours, theirs = socket.socketpair()
        stack.callback(ours.close)
        self._debugger = Debugger(ours)
        return (theirs.detach(),)

    def _write_files(
        self,
        tool: Tool,
        uart: int,
        monitor: int,
        leash: int,
        told: int,
        debugger: int | None = None,
    ) -> Files:
        paths = tuple(self._folder / f"blob{i}" for i in range(len(self._spec.blobs)))
        counts, config = self._folder / "counts", self._folder / "config"
        chip = None if self._spec.chip is None else self._folder / "chip"
        awake = sleeps_for_ever(tool, self._spec)
        kernel = self._folder / "awake.elf" if awake else self._spec.image.path
        files = Files(kernel, counts, config, paths, uart, monitor, leash, chip, debugger)
        settings = None if self._plugin is None else plugin_config(self._spec, files, tool)
        try:
            for blob, path in zip(self._spec.blobs, paths, strict=True):
                path.write_bytes(blob.data)
            if awake:
                kernel.write_bytes(waiting_awake(self._spec.image))
            if chip is not None and self._spec.chip is not None:
                chip.write_text(chip_config(self._spec.chip, uart, told))
            if settings is not None:
                config.write_text(settings)
                counts.touch()
        except OSError as error:
            raise unwritable(str(error.strerror)) from error
        return files

    def _read_records(self) -> None:
        if self._plugin is None:
            return
        if self._stream is None:
            self._stream = (self._folder / "counts").open("rb")
            self._cleanup.callback(self._stream.close)
        self._reader.feed(self._stream.read())

    def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        _signal_group(process, signal.SIGTERM)
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            _signal_group(process, signal.SIGKILL)
            process.wait()

    def _explain_end(self) -> NoReturn:
        self._wait_for_end()
        self._read_records()
        image, reader = self._spec.image, self._reader
        if reader.limit_at is not None:
            what = "inference" if self._spec.section is None else "section"
            raise FirmwareFault(
                f"the {what} ran past {self._spec.window_instructions:,} instructions, "
                f"{place(image, reader.limit_at)}; raise the limit, or look for an endless loop"
            )
        if reader.trap_at is not None:
            raise UsageError(
                f"a marker of {image.path.name} lies inside the code "
                f"{place(image, reader.trap_at)}; make th_pre, th_post and the op markers "
                "functions that are called, not inlined"
            )
        if self._process is not None and self._process.returncode == _CANNOT_WRITE:
            raise unwritable("no counts could be written")
        if self._is_aborted:
            raise InfrastructureError("QEMU ended: the board was stopped")
        text = (self._folder / "stderr").read_text(errors="replace")
        if takes_no_plugin(text):
            raise other_interface(self._tool)
        status = self._process.returncode if self._process else None
        raise ended_error(status, text, image)

    def _wait_for_end(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._stop()


def _socket_pair(stack: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    stack.callback(ours.close)
    ours.setblocking(False)
    return ours, theirs


def _reset_state(image: Image) -> Iterator[tuple[int, int]]:
    """Core registers when the first instruction is executed, as an emulated core has them."""
    yield from ((register, 0) for register in range(13))
    yield STACK_POINTER, image.symbols["__stack_end"]
    yield _LINK_REGISTER, 0xFFFFFFFF
    yield PROGRAM_COUNTER, image.symbols[START] & ~1
    yield _XPSR, _THUMB


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
