"""A board that is long at work says so, and nothing of what it says is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from simbench.serve.alive import AT_WORK, with_signs_of_life


async def said(pauses_s: Sequence[float]) -> AsyncIterator[bytes]:
    for number, pause_s in enumerate(pauses_s):
        await asyncio.sleep(pause_s)
        yield b"%d\r\n" % number


async def heard(pauses_s: Sequence[float], silence_s: float) -> list[bytes]:
    return [line async for line in with_signs_of_life(said(pauses_s), silence_s)]


def test_a_board_that_answers_soon_says_nothing_more() -> None:
    assert asyncio.run(heard([0, 0, 0], 5.0)) == [b"0\r\n", b"1\r\n", b"2\r\n"]
    assert asyncio.run(heard([], 5.0)) == []


def test_a_silent_board_is_heard_of_and_loses_no_line() -> None:
    lines = asyncio.run(heard([0, 0.5, 0], 0.1))
    assert [line for line in lines if line != AT_WORK] == [b"0\r\n", b"1\r\n", b"2\r\n"]
    assert 1 <= lines.count(AT_WORK) <= 5
    assert lines.index(AT_WORK) == 1


def test_who_stops_listening_stops_the_board() -> None:
    ended = []

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                await asyncio.sleep(60)
                yield b"never"
        finally:
            ended.append(True)

    async def listen() -> None:
        lines = with_signs_of_life(endless(), 0.01)
        assert await anext(lines) == AT_WORK
        await lines.aclose()

    asyncio.run(listen())
    assert ended == [True]
