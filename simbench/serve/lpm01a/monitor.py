"""The shield on its port: obeys its client and streams what the board draws."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from simbench.serve.clock import BoardClock
from simbench.serve.device import Tell
from simbench.serve.energy import EnergyTrace
from simbench.serve.lpm01a.acquisition import Acquisition
from simbench.serve.lpm01a.commands import PROMPT, Act, Settings, answer
from simbench.serve.ports import Client, Port

_TICK_S = 0.02
_PATIENCE_S = 10.0
_SLACK_S = 0.1
"""Samples that a client has read after an edge before the board's reply comes: about what a reply
takes on a UART of 9600 baud, at which the runner has its boards in energy mode."""
_IDLE_S = 3.0
_LOOK_S = 0.005
_LOOKS = 10  # what is written comes into the terminal's buffer a little later
_HANDED_S = 0.1  # what a client has read it may still hand from one thread to another
_LINE_BYTES = 256
_WAITING_LINES = 16

Lines = asyncio.Queue[str | None]
"""Commands that wait; None is the client's leaving."""


class Target(Protocol):
    """The board that the shield supplies."""

    async def power(self, *, on: bool) -> None:
        """Switch its supply, and return when that has come to its effect."""

    def reset(self) -> None:
        """Cut its supply for a moment."""


class PowerMonitor:
    """Measures a board that draws ``idle_w`` at ``volts`` between inferences. A Listener of it."""

    def __init__(
        self, port: Port, target: Target, clock: BoardClock, idle_w: float, volts: float, tell: Tell
    ) -> None:
        self._port = port
        self._target = target
        self._clock = clock
        self._tell = tell
        self._volts = volts
        self._trace = EnergyTrace(clock.now(), idle_w)
        self._settings = Settings(volts)
        self._running: Acquisition | None = None
        self._client: Client | None = None
        self._edge: float | None = None
        self._sent_until = 0.0  # the moment up to which samples were written
        self._sent_bytes = 0

    def burst(self, start: float, end: float, watts: float) -> None:
        """From ``start`` to ``end`` the board draws ``watts``."""
        if self._running is None:
            self._trace.forget(start)
        self._trace.burst(start, end, watts)

    def stamp(self, moment: float) -> None:
        """At ``moment`` the board's pin D7 falls."""
        if self._running is not None:
            self._running.stamp(moment)
            self._edge = moment

    async def settled(self) -> None:
        """Return when the client has read the samples up to a little after the last edge.

        A client that reads nothing for a while is not waited for: it may read the board first.
        """
        running, client, edge = self._running, self._client, self._edge
        self._edge = None
        if running is None or client is None or edge is None:
            return
        read, looks, mark = -1, 0, None
        heard = time.monotonic()
        while self._running is running and looks < _LOOKS:
            if mark is None and self._sent_until > edge + _SLACK_S:
                mark = self._sent_bytes
            unread = client.unread()
            now_read = self._sent_bytes - unread
            looks = looks + 1 if mark is not None and now_read >= mark else 0
            if now_read != read or not unread:
                read, heard = now_read, time.monotonic()
            if time.monotonic() - heard > _IDLE_S:
                return
            await asyncio.sleep(_LOOK_S)
        await asyncio.sleep(_HANDED_S)

    async def run(self) -> None:
        """Serve one client after another, for ever."""
        while True:
            client = self._client = await self._port.accept()
            lines: Lines = asyncio.Queue(_WAITING_LINES)
            listening = asyncio.create_task(_listen(client, lines))
            try:
                await self._serve(client, lines)
            except ConnectionError:
                pass  # it has left, and so measures nothing any more
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
                self._running = self._client = None
                self._settings = Settings(self._volts)
                self._port.hang_up()

    async def _serve(self, client: Client, lines: Lines) -> None:
        while True:
            try:
                async with asyncio.timeout(None if self._running is None else _TICK_S):
                    line = await lines.get()
            except TimeoutError:
                line = ""
            if line is None:
                return
            if line:
                await client.write(await self._obey(line))
            if self._running is not None:
                await self._stream(client, self._running)

    async def _stream(self, client: Client, running: Acquisition) -> None:
        """Send what is due. A client that reads none of it for long ends the measurement."""
        now = self._clock.now()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while data := running.due(now):
                    await client.write(data)
                    self._sent_bytes += len(data)
                self._sent_until = now
                if running.is_done:
                    await client.write(self._finish(running))
        except TimeoutError:
            self._running = None
            self._tell("the power monitor's client reads nothing: its measurement is stopped")

    async def _obey(self, line: str) -> bytes:
        running = self._running
        replied = answer(line, self._settings, is_measuring=running is not None)
        self._settings = replied.settings
        now = self._clock.now()
        if replied.act is Act.STOP:
            return self._finish(running, now)
        if replied.act is Act.START:
            start = now + self._settings.delay_s
            self._running = Acquisition(self._trace, self._settings, start)
        elif replied.act is Act.RESET_TARGET:
            self._target.reset()
        elif replied.act is not Act.NOTHING:
            on = replied.act is Act.POWER_ON
            self._trace.switch(now, on=on)
            await self._target.power(on=on)
        return replied.text.encode("ascii", "replace")

    def _finish(self, running: Acquisition | None, now: float = 0.0) -> bytes:
        self._running = None
        said = f"\r\n{PROMPT}Acquisition completed\r\n\r\n".encode()
        if running is None:
            return said
        return running.due(now) + running.end() + said


async def _listen(client: Client, lines: Lines) -> None:
    """Whole lines of ``client``, however they come; what is too long is cut."""
    begun = b""
    while data := await client.read():
        *complete, rest = data.split(b"\n")
        for piece in complete:
            text = (begun + piece)[:_LINE_BYTES].decode("ascii", "replace").strip()
            begun = b""
            if text:
                await lines.put(text)
        begun = (begun + rest)[:_LINE_BYTES]
    await lines.put(None)
