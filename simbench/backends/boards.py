"""Several boards at once, which can all be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Lock
from typing import TypeVar

from simbench.backends.board import Board

T = TypeVar("T")
R = TypeVar("R")

Launched = Callable[[Board], None]
"""Is told of each board that starts, so that it can be aborted."""


def in_parallel(items: Sequence[T], work: Callable[[T, Launched], R], workers: int) -> Iterator[R]:
    """What ``work`` makes of each of ``items``, as it comes, ``workers`` of them at once.

    The first are started first. Whoever stops listening, by Ctrl-C say, does not wait for what
    runs: boards that ``work`` told of are aborted. What ``work`` raises is raised here.
    """
    boards = _Boards()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        pending = [pool.submit(work, item, boards.add) for item in items]
        try:
            for done in as_completed(pending):
                yield done.result()
        finally:
            for waiting in pending:
                waiting.cancel()
            boards.abort()


class _Boards:
    """The boards that run, so that all can be stopped at once, those about to start included."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._boards: list[Board] = []
        self._is_stopped = False

    def add(self, board: Board) -> None:
        with self._lock:
            self._boards.append(board)
            if self._is_stopped:
                board.abort()

    def abort(self) -> None:
        with self._lock:
            self._is_stopped = True
            for board in self._boards:
                board.abort()
