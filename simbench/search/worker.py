"""A process that measures models one after the other, as its standard input asks it to."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from dataclasses import dataclass

from simbench.backends import pricing_backend
from simbench.errors import SimbenchError
from simbench.search.asked import Asked
from simbench.search.frames import receive, send
from simbench.search.meter import Meter, boards_of
from simbench.search.model import Model
from simbench.search.row import ModelRow
from simbench.store import default_store


@dataclass(frozen=True, slots=True)
class Job:
    """A model with the hash of its content, and the ids of the platforms to measure it on."""

    model: Model
    platforms: tuple[str, ...]
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Start:
    """What is the same for all jobs."""

    asked: Asked
    uses_store: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a job, or why there are none: the sentence of an error."""

    rows: tuple[ModelRow, ...]
    error: str | None = None


def serve() -> None:
    """Take jobs until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started this ends it
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    jobs = sys.stdin.buffer
    with contextlib.suppress(EOFError, BrokenPipeError):
        start = receive(jobs, Start)
        store = default_store() if start.uses_store else None
        boards = boards_of(start.asked, pricing_backend(start.asked.backend), store)
        with Meter(start.asked, boards) as meter:
            while True:
                send(answers, answer(meter, receive(jobs, Job)))


def answer(meter: Meter, job: Job) -> Answer:
    """The rows of ``job``, or why there are none."""
    try:
        return Answer(tuple(meter.rows(job.model, job.platforms)))
    except SimbenchError as error:
        return Answer((), str(error))


if __name__ == "__main__":
    serve()
