"""Models measured on other machines, given out by a dask scheduler.

A worker needs simbench and the emulator, and none of this machine's files: the firmware of all
boards is sent to it once, a model with its bytes; its boards stay up for the next one.
"""

from __future__ import annotations

import tempfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from distributed import Future, KilledWorker

from simbench.backends import Backend
from simbench.cluster.client import CLOSED, Link, connected
from simbench.cluster.workers import LOOK_S, Workers, tools
from simbench.files.fetch import Progress, quiet
from simbench.search.asked import Asked
from simbench.search.meter import Board, Meter
from simbench.search.worker import Answer, Job, Start, answer

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is the same for all jobs of a search: the boards, with the bytes of their images."""

    key: str
    asked: Asked
    boards: tuple[Board, ...]
    images: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Given:
    """A job that the scheduler has, and the workers it may give it to."""

    job: Job
    future: Future[Answer]
    to: tuple[str, ...]
    tries: int


class DaskCrew:
    """As :class:`simbench.search.crew.Crew`, of the workers of a scheduler.

    What a lost worker had is done by another.
    """

    def __init__(self, link: Link, workers: Workers, parcel: Parcel) -> None:
        self.size = workers.threads()
        self._link, self._workers, self._parcel = link, workers, parcel
        self._sent = self._send()
        self._out: dict[str, _Given] = {}
        self._done: SimpleQueue[str] = SimpleQueue()

    def give(self, job: Job) -> None:
        """Have ``job`` done."""
        with suppress(OSError):  # what cannot be read is said by who looks into it
            job = replace(job, model=replace(job.model, data=job.model.read()))
        self._submit(job, 1)

    def done(self, left: int) -> Iterator[tuple[Job, Answer]]:
        """What is done, until no more than ``left`` are not and none waits to be taken.

        Raises InfrastructureError where the scheduler is gone, or has no worker any more.
        """
        while len(self._out) > left or not self._done.empty():
            try:
                key = self._done.get(timeout=LOOK_S)
            except Empty:
                self._look()
                continue
            given = self._out.pop(key, None)
            if given is None:  # it was given out anew
                continue
            found = self._answer(given)
            if found is not None:
                yield given.job, found

    def _submit(self, job: Job, tries: int) -> None:
        usable = self._workers.usable()
        future = self._link.client.submit(
            measured_there, self._sent, job, pure=False, workers=list(usable)
        )
        self._out[str(future.key)] = _Given(job, future, usable, tries)
        future.add_done_callback(lambda future: self._done.put(str(future.key)))  # type: ignore[no-untyped-call]

    def _answer(self, given: _Given) -> Answer | None:
        """What came of a job; None where it was given out again."""
        try:
            found: Answer = given.future.result()
        except KilledWorker:
            return Answer(
                (), "the workers that measured it ended, one after the other: is there memory?"
            )
        except CLOSED as error:
            if self._link.is_gone:
                raise self._link.gone() from error
            if given.tries == _TRIES:
                return Answer((), f"dask lost it {_TRIES} times: look at the logs of its workers")
            self._sent = self._send()  # who had the boards may have ended
            self._submit(given.job, given.tries + 1)
            return None
        return found

    def _look(self) -> None:
        """Give out anew what can be done by none of those it was given to."""
        usable = set(self._workers.usable())
        for key, given in list(self._out.items()):
            if not usable & set(given.to):
                del self._out[key]
                given.future.cancel()  # type: ignore[no-untyped-call]
                self._submit(given.job, given.tries)

    def _send(self) -> Future[Parcel]:
        sent: Future[Parcel] = self._link.client.scatter(  # type: ignore[no-untyped-call]
            self._parcel, broadcast=True, hash=False, workers=list(self._workers.usable())
        )
        return sent


@contextmanager
def dask_crew(
    address: str,
    start: Start,
    boards: Sequence[Board],
    emulator: Backend,
    noted: Progress = quiet,
) -> Iterator[DaskCrew]:
    """The workers of the scheduler at ``address`` ("tcp://10.0.0.5:8786"), for the search of
    ``start``; ``noted`` is told of those that cannot be used.

    Raises UsageError for what is no address, and InfrastructureError where no scheduler answers, or
    it has no worker with the same tools.
    """
    images = tuple(board.firmware.image.path.read_bytes() for board in boards)
    parcel = Parcel(uuid.uuid4().hex, start.asked, tuple(boards), images)
    with connected(address) as link:
        yield DaskCrew(link, Workers(link, tools(emulator), noted), parcel)


class _Bench(threading.local):
    """What a thread of a worker has: the boards of the search it was asked for last."""

    meter: Meter | None = None
    key: str = ""


_BENCH = _Bench()
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""Where the images are; they go when the worker does."""


def measured_there(parcel: Parcel, job: Job) -> Answer:
    """What a worker does: the rows of a job."""
    if _BENCH.meter is None or parcel.key != _BENCH.key:
        if _BENCH.meter is not None:
            _BENCH.meter.__exit__()
        _BENCH.meter, _BENCH.key = Meter(parcel.asked, _unpacked(parcel)), parcel.key
    return answer(_BENCH.meter, job)


def _unpacked(parcel: Parcel) -> tuple[Board, ...]:
    folder = tempfile.TemporaryDirectory(prefix="simbench-")
    _FOLDERS.append(folder)
    return tuple(map(partial(_placed, Path(folder.name)), parcel.boards, parcel.images))


def _placed(folder: Path, board: Board, data: bytes) -> Board:
    image = board.firmware.image
    path = folder / f"{image.sha256}.elf"
    path.write_bytes(data)
    return replace(board, firmware=replace(board.firmware, image=replace(image, path=path)))
