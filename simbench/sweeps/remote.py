"""Simulations on other machines, given out by a dask scheduler.

A worker needs simbench and the emulator, and none of this machine's files: a task is sent with its
image, model and platform. The same version of both is asked for, so that results are the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from distributed import Future, KilledWorker

from simbench.backends import Backend, backend
from simbench.backends.boards import Launched
from simbench.cluster.client import CLOSED, Link, connected
from simbench.cluster.workers import LOOK_S, Workers, tools
from simbench.errors import InfrastructureError
from simbench.files.fetch import Progress, quiet
from simbench.session.measure import Observation, measure
from simbench.sweeps.simulate import Executor
from simbench.task.tasks import Task

_AT_ONCE = 64  # given to the scheduler; the workers decide how many run


@dataclass(frozen=True, slots=True)
class Parcel:
    """A task with the bytes of its image, and the emulator that shall run it."""

    task: Task
    image: bytes
    emulator: str


@contextmanager
def dask_executor(address: str, emulator: Backend, noted: Progress = quiet) -> Iterator[Executor]:
    """Runs tasks on the workers of the scheduler at ``address`` ("tcp://10.0.0.5:8786").

    ``noted`` is told of the workers that cannot be used. Raises UsageError for what is no address,
    and InfrastructureError where no scheduler answers, or it has no worker with the same tools.
    """
    with connected(address) as link:
        workers = Workers(link, tools(emulator), noted)
        workers.usable()
        yield Executor(partial(_measured, link, workers), _AT_ONCE)


@dataclass(frozen=True, slots=True)
class _Abroad:
    """A task that a worker runs."""

    future: Future[Observation]

    def abort(self) -> None:
        self.future.cancel()  # type: ignore[no-untyped-call]


def _measured(
    link: Link, workers: Workers, task: Task, emulator: Backend, launched: Launched | None
) -> Observation:
    """As :func:`simbench.session.measure.measure`; what a lost worker had is run by another."""
    parcel = Parcel(task, task.image.path.read_bytes(), emulator.name)
    try:
        while True:
            usable = workers.usable()
            future = link.client.submit(run_parcel, parcel, pure=False, workers=list(usable))
            if launched is not None:
                launched(_Abroad(future))
            observation = _awaited(future, workers, usable)
            if observation is not None:
                return observation
    except KilledWorker as error:
        raise InfrastructureError(
            f"dask lost {task.scenario.id} ({error}): look at the logs of the scheduler and its "
            "workers"
        ) from error
    except CLOSED as error:
        if link.is_gone:
            raise link.gone() from error
        raise InfrastructureError(f"{task.scenario.id} was called off") from error


def _awaited(
    future: Future[Observation], workers: Workers, given: tuple[str, ...]
) -> Observation | None:
    """What comes of ``future``; None where none of those it was ``given`` to is there any more."""
    while True:
        try:
            observation: Observation = future.result(timeout=LOOK_S)
        except TimeoutError:
            if not set(given) & set(workers.usable()):
                future.cancel()  # type: ignore[no-untyped-call]
                return None
        else:
            return observation


def run_parcel(parcel: Parcel) -> Observation:
    """What a worker does: measure the task with its own emulator."""
    with tempfile.TemporaryDirectory(prefix="simbench-") as folder:
        path = Path(folder) / "simbench.elf"
        path.write_bytes(parcel.image)
        image = replace(parcel.task.image, path=path)
        return measure(replace(parcel.task, image=image), backend(parcel.emulator))
