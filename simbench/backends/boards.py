"""Several boards at once, which can all be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Lock
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Running(Protocol):
    """A board, here or on another machine, that can be aborted."""

    def abort(self) -> None:
        """Stop it at once: what another thread waits for of it then raises."""


Launched = Callable[[Running], None]
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
        self._boards: list[Running] = []
        self._is_stopped = False

    def add(self, board: Running) -> None:
        with self._lock:
            self._boards.append(board)
            if self._is_stopped:
                board.abort()

    def abort(self) -> None:
        with self._lock:
            self._is_stopped = True
            for board in self._boards:
                board.abort()
