"""One client after another at one board."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from simbench.serve.alive import with_signs_of_life
from simbench.serve.commands import CommandSplitter
from simbench.serve.device import Device
from simbench.serve.mlcommons.ear import Ear
from simbench.serve.mlcommons.interface import Interface
from simbench.serve.ports import Client, Port

_WAITING_COMMANDS = 64
_GRACE_S = 2.0
_LOOK_S = 0.1

T = TypeVar("T")

Commands = asyncio.Queue[bytes | None]
"""Commands that wait for the board; None is the client's leaving."""


class _ButtonPressed(Exception):
    """The board is to be reset, or its supply was switched."""


class Server:
    """Lets the clients of ``port`` talk to ``device``.

    With ``resets_on_open`` every client meets a board that has just booted, and hears it boot.
    A board that a client has left at work for seconds is started anew for the next. With a
    ``front`` clients talk to that; behind an interface board they do not hear the board boot.
    """

    def __init__(
        self,
        device: Device,
        port: Port,
        *,
        resets_on_open: bool = False,
        front: Interface | Ear | None = None,
    ) -> None:
        self._device = device
        self._front: Interface | Ear | Device = front or device
        self._says_boot = not isinstance(front, Interface)
        self._port = port
        self._resets_on_open = resets_on_open
        self._button = asyncio.Event()
        self._settled = asyncio.Event()
        self._has_power = True

    def reset(self) -> None:
        """Press the board's reset button: whatever it does, it boots, and its client hears that."""
        self._button.set()

    async def power(self, *, on: bool) -> None:
        """Switch the board's supply, and return when it has booted, or is off.

        Without supply, what a client sends is lost.
        """
        if on != self._has_power:
            self._has_power = on
            self._settled.clear()
            self._button.set()
            await self._settled.wait()

    async def run(self) -> None:
        """Serve for ever. Raises what the board raises."""
        while True:
            try:
                client = await race(self._port.accept(), self._pressed())
            except _ButtonPressed:
                await self._restart()
                continue
            try:
                await self._serve(client)
            finally:
                self._port.hang_up()

    async def _serve(self, client: Client) -> None:
        commands: Commands = asyncio.Queue(_WAITING_COMMANDS)
        listening = asyncio.create_task(_listen(client, commands))
        greeting = await self._restart() if self._resets_on_open else ()
        try:
            while not await self._talk(client, commands, listening, greeting):
                greeting = await self._restart()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _talk(
        self,
        client: Client,
        commands: Commands,
        listening: asyncio.Task[None],
        greeting: tuple[bytes, ...],
    ) -> bool:
        """Answer the client until it leaves; False if the button was pressed before."""
        answering = self._answer(client, commands, greeting)
        try:
            await race(answering, self._pressed(), _overdue(client, listening))
        except _ButtonPressed:
            while not commands.empty() and not listening.done():
                commands.get_nowait()
            return False
        except TimeoutError:
            await self._restart()
        return True

    async def _answer(
        self, client: Client, commands: Commands, greeting: tuple[bytes, ...]
    ) -> None:
        with contextlib.suppress(ConnectionError):
            await client.write(b"".join(greeting if self._says_boot else ()))
        is_there = True
        while is_there and (command := await commands.get()) is not None:
            if not self._front.is_on:
                continue
            async for line in self._lines(command):
                try:
                    await client.write(line if is_there else b"")
                except ConnectionError:
                    is_there = False  # the board finishes what it says all the same

    def _lines(self, command: bytes) -> AsyncIterator[bytes]:
        """What ``command`` is answered; nobody hears the board itself behind an interface board."""
        lines = self._front.obey(command)
        return lines if isinstance(self._front, Interface) else with_signs_of_life(lines)

    async def _restart(self) -> tuple[bytes, ...]:
        """Boot the board, or halt it where it has no supply; what it says."""
        self._button.clear()
        said: tuple[bytes, ...] = ()
        if self._has_power:
            said = await self._device.boot()
        else:
            await self._device.halt()
        self._settled.set()
        return said

    async def _pressed(self) -> None:
        await self._button.wait()
        raise _ButtonPressed


async def race(work: Coroutine[Any, Any, T], *alarms: Coroutine[Any, Any, None]) -> T:
    """What ``work`` gives, unless one of ``alarms`` rings before, by raising: that is raised."""
    first = asyncio.create_task(work)
    others = [asyncio.create_task(alarm) for alarm in alarms]
    try:
        done, _ = await asyncio.wait([first, *others], return_when=asyncio.FIRST_COMPLETED)
        for alarm in others:
            if alarm in done and first not in done:
                alarm.result()
        return await first
    finally:
        for task in (first, *others):
            task.cancel()
        await asyncio.gather(first, *others, return_exceptions=True)


async def _listen(client: Client, commands: Commands) -> None:
    splitter = CommandSplitter()
    while data := await client.read():
        for command in splitter.feed(data):
            await commands.put(command)
    await commands.put(None)


async def _overdue(client: Client, listening: asyncio.Task[None]) -> None:
    """Rings when the client has been gone for a while and is still being answered."""
    while not listening.done() and not client.has_left():
        await asyncio.sleep(_LOOK_S)
    await asyncio.sleep(_GRACE_S)
    raise TimeoutError
