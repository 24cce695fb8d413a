"""Where clients come in: a pseudo terminal, or a port of this machine alone."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import pty
import select
import socket
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from simbench.errors import InfrastructureError, UsageError

_CHUNK = 4096
_UNREAD = 2048
"""As many bytes wait for a client at most: a terminal's buffer holds them, so that what it has read
is known."""
_LOOK_S = 0.02
_FULL_S = 0.002
_LOCAL = "127.0.0.1"


class Client(Protocol):
    """One client, from its coming to its leaving."""

    async def read(self) -> bytes:
        """What it sent, as soon as there is any; ``b""`` once it has left."""

    async def write(self, data: bytes) -> None:
        """Send ``data``, waiting while it does not read. ConnectionError once it has left."""

    def has_left(self) -> bool:
        """Whether it is known to have left; what it sent and nobody read is then dropped."""

    def unread(self) -> int:
        """How many bytes of what was written it has not read, as far as that is known."""


class Port(Protocol):
    """Takes one client after another."""

    name: str

    async def accept(self) -> Client:
        """The next client, when it comes. The one before has left."""

    def hang_up(self) -> None:
        """Be done with the client."""


class Terminal:
    """A pseudo terminal as a port and its client; baud rates mean nothing to it.

    ``name`` is the terminal's, to be opened as a serial port. Use it in :func:`terminal`.
    """

    def __init__(self, master: int, name: str) -> None:
        self._master = master
        self.name = name
        os.set_blocking(master, False)
        self.hang_up()

    async def accept(self) -> Client:
        """The terminal, once somebody has opened it."""
        while self._is_alone() and not self._has_input():
            await asyncio.sleep(_LOOK_S)
        return self

    async def read(self) -> bytes:
        """What the client sent."""
        while True:
            try:
                return os.read(self._master, _CHUNK)
            except BlockingIOError:
                loop = asyncio.get_running_loop()
                await _ready(loop.add_reader, loop.remove_reader, self._master)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                return b""

    async def write(self, data: bytes) -> None:
        """Send ``data``."""
        view = memoryview(data)
        while view:
            if self.has_left():
                raise ConnectionResetError
            room = max(0, _UNREAD - self.unread())
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(self._master, view[:room]) if room else 0 :]
            if view:  # what was written comes into the terminal's buffer a little later
                await asyncio.sleep(_FULL_S)

    def has_left(self) -> bool:
        """Whether nobody has the terminal open."""
        if not self._is_alone():
            return False
        with contextlib.suppress(OSError):  # it ends in EIO or, where the next has come, in EAGAIN
            while os.read(self._master, _CHUNK):
                pass
        return True

    def unread(self) -> int:
        """What is in the terminal's buffer."""
        slave = os.open(self.name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            waiting = fcntl.ioctl(slave, termios.FIONREAD, bytes(4))
        finally:
            os.close(slave)
        return int.from_bytes(waiting, sys.byteorder)

    def hang_up(self) -> None:
        """Make the terminal as it was: raw, and nothing in it that the last client did not read.

        What was written to it stays: it may be the next client's.
        """
        slave = os.open(self.name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            tty.setraw(slave)
            termios.tcflush(slave, termios.TCIFLUSH)
        finally:
            os.close(slave)

    def _is_alone(self) -> bool:
        return bool(self._polled() & select.POLLHUP)

    def _has_input(self) -> bool:
        return bool(self._polled() & select.POLLIN)

    def _polled(self) -> int:
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        return next((events for _, events in poll.poll(0)), 0)


@contextlib.contextmanager
def terminal(link: Path | None) -> Iterator[Terminal]:
    """A fresh pseudo terminal; ``link`` becomes a symbolic link to it for as long.

    Raises UsageError where ``link`` is something else already, or cannot be made.
    """
    with contextlib.ExitStack() as stack:
        try:
            master, slave = pty.openpty()
        except OSError as error:
            raise InfrastructureError(
                f"no pseudo terminal can be had ({error.strerror}): use --tcp instead"
            ) from error
        stack.callback(os.close, master)
        name = os.ttyname(slave)
        os.close(slave)
        if link is not None:
            _make_link(link, name)
            stack.callback(_remove_link, link, name)
        yield Terminal(master, name)


def _make_link(link: Path, target: str) -> None:
    if link.is_symlink() and not link.exists():
        link.unlink()  # what a server left that was killed
    try:
        link.symlink_to(target)
    except FileExistsError:
        raise UsageError(f"--link {link} exists already: remove it, or name another") from None
    except OSError as error:
        raise UsageError(f"--link {link} cannot be made: {error.strerror}") from error


def _remove_link(link: Path, target: str) -> None:
    if link.is_symlink() and os.readlink(link) == target:
        link.unlink()


class TcpClient:
    """A connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    async def read(self) -> bytes:
        """What it sent."""
        try:
            return await asyncio.get_running_loop().sock_recv(self._connection, _CHUNK)
        except ConnectionError:
            return b""

    async def write(self, data: bytes) -> None:
        """Send ``data``."""
        await asyncio.get_running_loop().sock_sendall(self._connection, data)

    def has_left(self) -> bool:
        """Never known before all was read."""
        return False

    def unread(self) -> int:
        """Not known: none."""
        return 0


class TcpPort:
    """A listening socket, reached from this machine alone. Use it in :func:`tcp_port`."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._connection: socket.socket | None = None
        self.name = f"socket://{_LOCAL}:{listening.getsockname()[1]}"

    async def accept(self) -> Client:
        """The next connection."""
        self._connection, _ = await asyncio.get_running_loop().sock_accept(self._listening)
        self._connection.setblocking(False)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return TcpClient(self._connection)

    def hang_up(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextlib.contextmanager
def tcp_port(number: int) -> Iterator[TcpPort]:
    """Port ``number`` of this machine, or a free one where that is 0.

    Raises UsageError where the port cannot be had.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((_LOCAL, number))
        except OSError as error:
            raise UsageError(
                f"port {number} cannot be used ({error.strerror}): name another with --tcp, or 0 "
                "for any that is free"
            ) from error
        listening.listen()
        listening.setblocking(False)
        port = TcpPort(listening)
        try:
            yield port
        finally:
            port.hang_up()


async def _ready(
    watch: Callable[[int, Callable[[], None]], None], unwatch: Callable[[int], bool], file: int
) -> None:
    """Return when ``file`` can be read, or its other end has gone."""
    came = asyncio.Event()
    watch(file, came.set)
    try:
        await came.wait()
    finally:
        unwatch(file)
