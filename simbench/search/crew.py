"""Processes that measure models side by side, on all cores, and stay up for the next models."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Iterator
from queue import SimpleQueue
from threading import Thread
from typing import IO, Protocol

from simbench.search.frames import receive, send
from simbench.search.worker import Answer, Job, Start

_TRIES = 2


class Staff(Protocol):
    """Who measures models: what is given out comes back in any order."""

    size: int
    """How many jobs are done at once."""

    def give(self, job: Job) -> None:
        """Have ``job`` done."""
        ...

    def done(self, left: int) -> Iterator[tuple[Job, Answer]]:
        """What is done, until no more than ``left`` are not and none waits to be taken."""
        ...


class _Worker:
    """A process, which does a job at a time."""

    def __init__(self, start: Start) -> None:
        search = os.pathsep.join(place for place in sys.path if place)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simbench.search.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONPATH": search},
        )
        send(_open(self._process.stdin), start)

    def do(self, job: Job) -> Answer:
        """Raises EOFError or BrokenPipeError where the process has ended."""
        send(_open(self._process.stdin), job)
        return receive(_open(self._process.stdout), Answer)

    def end(self) -> None:
        """End it, whatever it does; its boards end with it."""
        self._process.kill()
        self._process.wait()


class Crew:
    """``size`` workers, each started with its first job. What is given out comes back in any order;
    a job whose worker ends is given to another once."""

    def __init__(self, start: Start, size: int) -> None:
        self.start, self.size = start, size
        self._todo: SimpleQueue[Job | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[Job, Answer]] = SimpleQueue()
        self._workers: dict[int, _Worker] = {}
        self._out = 0
        for number in range(size):
            Thread(target=self._work, args=(number,), daemon=True).start()

    def give(self, job: Job) -> None:
        """Have ``job`` done."""
        self._todo.put(job)
        self._out += 1

    def done(self, left: int) -> Iterator[tuple[Job, Answer]]:
        """What is done, until no more than ``left`` are not and none waits to be taken."""
        while self._out > left or not self._done.empty():
            finished = self._done.get()
            self._out -= 1
            yield finished

    @property
    def is_idle(self) -> bool:
        """Whether all that was given out came back."""
        return self._out == 0

    def end(self) -> None:
        """End the workers, whatever they do."""
        for _ in range(self.size):
            self._todo.put(None)
        for worker in list(self._workers.values()):
            worker.end()

    def _work(self, number: int) -> None:
        while (job := self._todo.get()) is not None:
            self._done.put((job, self._tried(number, job)))

    def _tried(self, number: int, job: Job) -> Answer:
        for _ in range(_TRIES):
            try:
                if number not in self._workers:
                    self._workers[number] = _Worker(self.start)
                return self._workers[number].do(job)
            except (EOFError, BrokenPipeError):
                self._lost(number)
            except OSError as error:
                return Answer((), f"no process can be started ({error.strerror})")
        return Answer((), f"the process that measured it ended, {_TRIES} times: is there memory?")

    def _lost(self, number: int) -> None:
        worker = self._workers.pop(number, None)
        if worker is not None:  # it may not even have started
            worker.end()


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


_WAITING: list[Crew] = []
"""The crew of the last search, if it is up: an optimiser asks again and again."""


def borrowed(start: Start, size: int) -> Crew:
    """A crew of ``size``: the last one where it was of the same, else a new one."""
    last = _WAITING.pop() if _WAITING else None
    if last is not None and (last.start, last.size) == (start, size):
        return last
    if last is not None:
        last.end()
    return Crew(start, size)


def give_back(crew: Crew) -> None:
    """Keep ``crew`` for the next search; one that is still at work is ended."""
    if not crew.is_idle:
        crew.end()
        return
    end_waiting()
    _WAITING.append(crew)


@atexit.register
def end_waiting() -> None:
    """End the crew that waits for another search."""
    while _WAITING:
        _WAITING.pop().end()
