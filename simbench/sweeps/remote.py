"""Simulations on other machines, given out by a dask scheduler.

A worker needs simbench and the emulator, and none of this machine's files: a task is sent with its
image, model and platform. The same version of both is asked for, so that results are the same.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from simbench import __version__
from simbench.backends import Backend, backend
from simbench.backends.boards import Launched
from simbench.errors import InfrastructureError, UsageError
from simbench.files.installed import extra
from simbench.session.measure import Observation, measure
from simbench.sweeps.simulate import Executor
from simbench.task.tasks import Task

try:
    from distributed import Client, Future, KilledWorker
    from distributed.comm.core import CommClosedError
except ImportError as error:
    raise UsageError(f"--executor dask needs dask ({error}): install {extra('dask')}") from error

CONNECT_S = 5.0
_AT_ONCE = 64  # given to the scheduler; the workers decide how many run


@dataclass(frozen=True, slots=True)
class Parcel:
    """A task with the bytes of its image, and the tools that shall run it."""

    task: Task
    image: bytes
    emulator: str
    emulator_version: str
    simbench_version: str


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """Runs tasks on the workers of the scheduler at ``address`` ("tcp://10.0.0.5:8786").

    Raises UsageError for what is no address, and InfrastructureError where no scheduler answers.
    """
    host, port = _host_and_port(address)
    try:
        # dask's client waits long for a host that is not there
        socket.create_connection((host, port), timeout=CONNECT_S).close()
        client = Client(address, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except OSError as error:  # no answer in time is an OSError
        raise InfrastructureError(
            f"no dask scheduler answers at {address} within {CONNECT_S:g} s: start one there with "
            "'dask scheduler', or correct --scheduler"
        ) from error
    with client:
        yield Executor(partial(_measured, client), _AT_ONCE)


def _host_and_port(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        if parts.scheme in ("tcp", "tls") and parts.hostname and parts.port:
            return parts.hostname, parts.port
    except ValueError:  # a port out of range, say
        pass
    raise UsageError(f"--scheduler {address} is not tcp://host:port")


@dataclass(frozen=True, slots=True)
class _Abroad:
    """A task that a worker runs."""

    future: Future[Observation]

    def abort(self) -> None:
        self.future.cancel()  # type: ignore[no-untyped-call]


def _measured(
    client: Client, task: Task, emulator: Backend, launched: Launched | None
) -> Observation:
    """As :func:`simbench.session.measure.measure`; what a lost worker had is run by another."""
    image = task.image.path.read_bytes()
    parcel = Parcel(task, image, emulator.name, emulator.version(), __version__)
    try:
        future = client.submit(run_parcel, parcel, pure=False)
        if launched is not None:
            launched(_Abroad(future))
        observation: Observation = future.result()
    except (KilledWorker, CancelledError, CommClosedError) as error:
        raise InfrastructureError(
            f"dask lost {task.scenario.id} ({error}): look at the logs of the scheduler and its "
            "workers"
        ) from error
    return observation


def run_parcel(parcel: Parcel) -> Observation:
    """What a worker does: measure the task with its own emulator.

    Raises InfrastructureError where simbench or the emulator is another version than asked for.
    """
    emulator = backend(parcel.emulator)
    _check("simbench", __version__, parcel.simbench_version)
    _check(parcel.emulator, emulator.version(), parcel.emulator_version)
    with tempfile.TemporaryDirectory(prefix="simbench-") as folder:
        path = Path(folder) / "simbench.elf"
        path.write_bytes(parcel.image)
        image = replace(parcel.task.image, path=path)
        return measure(replace(parcel.task, image=image), emulator)


def _check(what: str, there: str, asked: str) -> None:
    if there != asked:
        raise InfrastructureError(
            f"a dask worker has {what} {there} where {asked} is asked for: install the same there"
        )
