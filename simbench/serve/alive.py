"""Signs of life of a board whose emulator needs longer than its clients wait for a line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

SILENCE_S = 10.0
"""MLCommons' runner gives up after 30 s without a line; what it does not know it passes over."""
AT_WORK = b"m-at-work\r\n"


async def with_signs_of_life(
    lines: AsyncIterator[bytes], silence_s: float = SILENCE_S
) -> AsyncGenerator[bytes, None]:
    """``lines``, with :data:`AT_WORK` between them whenever there is none for a while."""
    coming = asyncio.ensure_future(anext(lines, None))
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=silence_s)
            if not done:
                yield AT_WORK
                continue
            line = coming.result()
            if line is None:
                return
            yield line
            coming = asyncio.ensure_future(anext(lines, None))
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
