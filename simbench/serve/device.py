"""The board behind the port: the firmware's own replies, its time stamps priced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from typing import Protocol, TypeVar

from simbench.backends.board import Board
from simbench.backends.faults import fault_sentence
from simbench.counts import Counts
from simbench.errors import InfrastructureError
from simbench.serve.clock import BoardClock
from simbench.session.conversation import Conversation, Patience
from simbench.session.protocol import Fault, Lap, Progress, Ready, Results, parse_line

_READ_S = 0.5
_BOOT_S = 60.0
_NOTICED_S = 0.5
_GIVEN_UP_S = 30.0  # mlcommons/tiny, benchmark/runner/device_under_test.py, infer

_INFERENCES = "infer-start"

T = TypeVar("T")
Tell = Callable[[str], None]
"""Says a sentence to whoever runs the server."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one inference takes: seconds, and joules where they are known."""

    time_s: float
    energy_j: float | None


class Listener(Protocol):
    """Is told what happens on the board, in seconds of its clock, before that time has come."""

    def burst(self, start: float, end: float, watts: float) -> None:
        """From ``start`` to ``end`` the board draws ``watts``."""

    def stamp(self, moment: float) -> None:
        """At ``moment`` the board takes a time stamp, and its pin D7 falls."""

    async def settled(self) -> None:
        """Return when whoever listens there has heard of all stamps so far."""


class Device:
    """An emulated board that counts what it executes. ``price`` gives what one inference cost of
    a window of so many.

    The numbers of the results are told in ``order``: which of the firmware's is first, and so on.
    A priced inference takes its modelled time on ``clock``; everything else the wall time it takes
    in the emulator. Raises what a board raises.
    """

    def __init__(
        self,
        launch: Callable[[], Board],
        price: Callable[[Counts, int], Cost],
        clock: BoardClock,
        tell: Tell,
        order: Sequence[int] = (),
    ) -> None:
        self._launch = launch
        self._price = price
        self._clock = clock
        self._tell = tell
        self._order = order
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="board")
        self._board: Board | None = None
        self._text = b""
        self._booted_at = 0.0
        self._stamped_us = 0
        self._has_been_late = self._has_been_silent = False
        self._last: Cost | None = None
        self._unpriced = 0  # warm-ups of the first window
        self.listener: Listener | None = None
        self.boots = 0
        """How often it was started."""

    @property
    def is_on(self) -> bool:
        """Whether the board runs."""
        return self._board is not None

    async def boot(self) -> tuple[bytes, ...]:
        """Start the board, anew if it runs; returns what it says, with ends of lines.

        Raises InfrastructureError where it does not come up.
        """
        await self.halt()
        self._text, self._unpriced = b"", 0
        self.boots += 1
        await self._in_thread(self._start)
        self._clock.release(self._clock.now())
        self._booted_at, self._stamped_us = self._clock.now(), 0
        # what it stamps while it boots is no event: a real one has booted before anybody measures
        listener, self.listener = self.listener, None
        try:
            async with asyncio.timeout(_BOOT_S):
                said = [line async for line in self._reply()]
        except TimeoutError:
            raise InfrastructureError(
                f"the firmware did not start within {_BOOT_S:g} s: check that it speaks the "
                "benchmark protocol"
            ) from None
        finally:
            self.listener = listener
        return tuple(said)

    async def obey(self, command: bytes) -> AsyncIterator[bytes]:
        """The lines that the firmware answers ``command`` with, when the board would say them."""
        board = self._running()
        await self._in_thread(lambda: board.write(command))
        async for line in self._reply():
            yield line

    async def infer(self, sent: bytes) -> tuple[bytes, Cost]:
        """What the model answers to an input, byte for byte, and what that cost. The board is told
        nothing of time: that is for who asks to hold and to draw.
        """
        board = self._running()

        def answer() -> bytes:
            talk = Conversation(board, Patience(), counted=False, is_up=True)
            talk.load(sent)
            talk.infer()
            return talk.output()

        output = await self._in_thread(answer)
        return output, await self._in_thread(lambda: self._window_cost(1))

    def draw(self, start: float, end: float, cost: Cost) -> None:
        """Tell the listener what is drawn from ``start`` to ``end``, where that is known."""
        if self.listener is not None and cost.energy_j is not None:
            self.listener.burst(start, end, cost.energy_j / cost.time_s)

    def stamped(self) -> bytes:
        """The line of a time stamp that is taken now."""
        return self._stamped(self._clock.now())

    async def settled(self) -> None:
        """Return when the listener has heard of all stamps so far."""
        if self.listener is not None:
            await self.listener.settled()

    async def halt(self) -> None:
        """Stop the board, whatever it does, or is about to do."""
        if self._board is not None:
            self._board.abort()
        await self._in_thread(self._end)

    async def close(self) -> None:
        """Stop the board and leave nothing behind."""
        await self.halt()
        self._thread.shutdown()

    def _start(self) -> None:
        self._board = self._launch()

    def _end(self) -> None:
        board, self._board = self._board, None
        if board is not None:
            board.close()

    async def _reply(self) -> AsyncIterator[bytes]:
        async for line in self._timed_lines():
            is_last = isinstance(parse_line(_text(line)), Ready)
            if is_last:
                await self.settled()
            yield line
            if is_last:
                return

    async def _timed_lines(self) -> AsyncIterator[bytes]:
        """What the firmware says, for ever, each line when the board would say it."""
        while True:
            line = await self._line()
            event = parse_line(_text(line))
            if isinstance(event, Lap):
                line = self.stamped()
            elif isinstance(event, Results):
                line = in_order(line, self._order)
            elif isinstance(event, Fault):
                self._tell(fault_sentence(event.registers, self._running().where))
            yield line
            if isinstance(event, Progress) and event.count is not None:
                if event.step == _INFERENCES:
                    async for stamp in self._measured(event.count):
                        yield stamp
                elif self._last is not None:
                    await self._warmed_up(event.count, self._last)
                else:
                    self._unpriced = event.count

    async def _warmed_up(self, warmups: int, each: Cost) -> None:
        """Wait for the end of ``warmups``. They are no part of the window, so they are priced as
        the inferences of the last one."""
        start = self._clock.hold()
        self._text = await self._line() + self._text
        await self._pass_inferences(start, warmups, each)

    async def _measured(self, inferences: int) -> AsyncIterator[bytes]:
        """The time stamps before and after the measured inferences, where they come next."""
        start = self._whole_us(self._clock.hold())
        line = await self._line()
        warmups, self._unpriced = self._unpriced, 0
        if is_measured := _is_lap(line):
            if not warmups:
                yield self._stamped(start)
            line = await self._line()
            is_measured = _is_lap(line)
            if warmups and not is_measured:
                yield self._stamped(start)
        if not is_measured:
            self._clock.release(inf)
            self._text = line + self._text
            return
        self._last = await self._in_thread(lambda: self._window_cost(inferences))
        if warmups:  # before the first window nobody knows what they cost
            await self._pass_inferences(start, warmups, self._last)
            start = self._whole_us(self._clock.hold())
            yield self._stamped(start)
        yield self._stamped(await self._pass_inferences(start, inferences, self._last))

    async def _pass_inferences(self, start: float, inferences: int, each: Cost) -> float:
        """Let the time that inferences take pass, from ``start`` on; returns their end."""
        took_s = inferences * each.time_s
        if took_s > _GIVEN_UP_S and not self._has_been_silent:
            self._has_been_silent = True
            self._tell(
                f"the board says nothing for {took_s:.0f} s here: MLCommons' runner would give up "
                f"on a real one after {_GIVEN_UP_S:g} s"
            )
        end = start + took_s
        self.draw(start, end, each)
        late_s = self._clock.release(end)
        if late_s > _NOTICED_S and self._clock.is_paced and not self._has_been_late:
            self._has_been_late = True
            self._tell(
                f"the emulator is slower than the board: what takes {took_s:.2f} s came "
                f"{late_s:.2f} s late; time stamps are those of the board all the same"
            )
        await self._clock.reach(end)
        return end

    def _window_cost(self, inferences: int) -> Cost:
        windows = self._running().take_windows()
        if len(windows) != 1:
            raise InfrastructureError(
                f"the firmware passed th_pre and th_post {len(windows)} times in one infer; call "
                "each once, around the measured inferences"
            )
        return self._price(windows[0], inferences)

    def _stamped(self, moment: float) -> bytes:
        """The line of a time stamp at ``moment``; the board's own clock never goes back."""
        if self.listener is not None:
            self.listener.stamp(moment)
        self._stamped_us = max(self._stamped_us, round((moment - self._booted_at) * 1e6))
        return b"m-lap-us-%d\r\n" % self._stamped_us

    def _whole_us(self, moment: float) -> float:
        """``moment`` to the microsecond of the board's own clock."""
        return self._booted_at + round((moment - self._booted_at) * 1e6) * 1e-6

    async def _line(self) -> bytes:
        """The next line of the firmware, with its end."""
        board = self._running()
        while b"\n" not in self._text:
            self._text += await self._in_thread(lambda: board.read(_READ_S))
        line, _, self._text = self._text.partition(b"\n")
        return line + b"\n"

    def _running(self) -> Board:
        if self._board is None:
            raise InfrastructureError("the board was stopped")
        return self._board

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def in_order(line: bytes, order: Sequence[int]) -> bytes:
    """The line of results with its numbers in ``order``, where there are as many."""
    before, _, rest = line.partition(b"[")
    listed, _, after = rest.partition(b"]")
    numbers = listed.split(b",")
    if len(numbers) != len(order):
        return line
    return before + b"[" + b",".join(numbers[index] for index in order) + b"]" + after


def _text(line: bytes) -> str:
    return line.rstrip(b"\r\n").decode("ascii", "backslashreplace")


def _is_lap(line: bytes) -> bool:
    return isinstance(parse_line(_text(line)), Lap)
