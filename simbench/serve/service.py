"""A served board from a task: launched, priced, on its port, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from simbench.backends import Backend, LaunchSpec
from simbench.backends.sections import fold_layers
from simbench.catalog.platforms import Platform
from simbench.cost.fit import check_fit
from simbench.cost.price import estimate
from simbench.cost.residuals import load_target
from simbench.counts import Counts
from simbench.errors import DoesNotFit, UsageError
from simbench.firmware.section import Section
from simbench.firmware.window import window_of
from simbench.runs.memory import memory_needs
from simbench.serve.clock import BoardClock
from simbench.serve.device import Cost, Device, Tell
from simbench.serve.lpm01a.monitor import PowerMonitor
from simbench.serve.mlcommons.ear import Ear
from simbench.serve.mlcommons.interface import Interface
from simbench.serve.mlcommons.runner import (
    ACCURACY,
    Job,
    check_job,
    run_job,
)
from simbench.serve.ports import Port, tcp_port, terminal
from simbench.serve.server import Server, race
from simbench.session.conversation import converse
from simbench.session.genuine import check_code
from simbench.session.measure import check_boot, launch_spec
from simbench.session.room import check_room
from simbench.task.tasks import ModelTask

_NO_LIMIT = 1 << 62
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_RESET = signal.SIGUSR1


@dataclass(frozen=True, slots=True)
class Serving:
    """How to serve: waiting for priced time or not; on TCP port ``tcp``, or on a pseudo terminal
    with a symbolic ``link`` to it; with a power monitor on another terminal or not.

    ``has_interface`` puts an interface board between the port and the board; a ``job`` is a session
    of MLCommons' runner, after which the server ends. ``datasets`` has what is played to a
    board that listens.
    """

    is_paced: bool
    tcp: int | None = None
    link: Path | None = None
    has_monitor: bool = False
    has_interface: bool = False
    datasets: Path | None = None
    job: Job | None = None
    resets_on_open: bool = False


def serve(
    task: ModelTask,
    backend: Backend,
    serving: Serving,
    announce: Callable[[Sequence[str]], None],
    tell: Tell,
) -> None:
    """Serve the board of ``task`` until SIGINT, SIGTERM or SIGHUP, or to the end of a runner's job;
    SIGUSR1 resets it.

    ``announce`` is given the names of the ports when a client can come: the board's, and then the
    power monitor's. Raises UsageError where a port cannot be had, or time or energy is not known;
    what the board raises otherwise.
    """
    if serving.has_monitor and task.platform.energy is None:
        raise UsageError(
            f"--power needs to know what {task.platform.id} draws, and nobody does: "
            f"{task.platform.energy_reason}"
        )
    if serving.job is not None:
        _check_job(serving.job, task)
    misfit = _misfit(task, backend)
    if misfit is not None:
        tell(
            f"{task.benchmark.title} does not fit {task.platform.heading}: {misfit}; it is served "
            "all the same"
        )
    with contextlib.ExitStack() as stack:
        port: Port
        if serving.tcp is None:
            port = stack.enter_context(terminal(serving.link))
        else:
            port = stack.enter_context(tcp_port(serving.tcp))
        monitored = stack.enter_context(terminal(None)) if serving.has_monitor else None
        ports = [port.name] if monitored is None else [port.name, monitored.name]
        service = _Service(task, backend, serving, port, monitored, tell)
        asyncio.run(service.run(tuple(ports), announce))


class _Service:
    """The board, its server and perhaps its power monitor, on their ports."""

    def __init__(
        self,
        task: ModelTask,
        backend: Backend,
        serving: Serving,
        port: Port,
        monitored: Port | None,
        tell: Tell,
    ) -> None:
        spec = served_spec(task)
        clock = BoardClock(serving.is_paced)
        price = _checked(pricer(task.platform), spec)
        self._device = Device(
            lambda: backend.launch(spec), price, clock, tell, task.benchmark.order
        )
        self._server = Server(
            self._device,
            port,
            resets_on_open=serving.resets_on_open,
            front=_front(task, serving, self._device, clock, tell),
        )
        self._job, self._volts = serving.job, task.platform.supply_v
        self._monitor: PowerMonitor | None = None
        energy = task.platform.energy
        if monitored is not None and energy is not None:
            idle_w, volts = energy.static_w.value, task.platform.supply_v
            self._monitor = PowerMonitor(monitored, self._server, clock, idle_w, volts, tell)
            self._device.listener = self._monitor

    async def run(self, ports: tuple[str, ...], announce: Callable[[Sequence[str]], None]) -> None:
        """Serve until a signal says to end, or the runner has done its job at ``ports``."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in _ENDS:
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # started by nohup
            loop.add_signal_handler(number, ended.set)
        loop.add_signal_handler(_RESET, self._server.reset)
        others = () if self._monitor is None else (self._monitor.run(),)
        try:
            up = asyncio.Event()
            start = self._start(up, lambda: announce(ports))
            await race(self._until(ended, up, ports), start, *others)
        finally:
            await self._device.close()

    async def _start(self, up: asyncio.Event, announce: Callable[[], None]) -> None:
        await self._device.boot()
        announce()
        up.set()
        await self._server.run()

    async def _until(self, ended: asyncio.Event, up: asyncio.Event, ports: tuple[str, ...]) -> None:
        """Return when the server is to end."""
        if self._job is None:
            await ended.wait()
        else:
            await run_job(self._job, ports, self._volts, up, ended)


def _front(
    task: ModelTask, serving: Serving, device: Device, clock: BoardClock, tell: Tell
) -> Interface | Ear | None:
    """What clients talk to, where that is not the board itself."""
    stream, sounds = task.benchmark.stream, serving.datasets
    board: Device | Ear = device
    if stream is not None:
        board = Ear(device, clock, stream, task.model.input, tell)
    if serving.has_interface:
        folder = None if sounds is None else sounds / task.benchmark.data_folder
        return Interface(board, tell, folder)
    return None if isinstance(board, Device) else board


def _check_job(job: Job, task: ModelTask) -> None:
    """Raise UsageError where the runner could not do ``job`` with the board of ``task``."""
    check_job(job, task.benchmark.data_folder, task.benchmark.model_id)
    if job.mode == ACCURACY and not job.is_streamed:  # the other modes take the first files alone
        from simbench.accuracy.layout import read_data_set  # takes long to import

        read_data_set(job.datasets, task.benchmark, task.model)


def _misfit(task: ModelTask, backend: Backend) -> DoesNotFit | None:
    """Why the real board could not run the task; None where it could."""
    try:
        check_room(task)
        with backend.launch(replace(launch_spec(task), counting=False)) as board:
            talk = converse(board, counted=False)
            check_boot(talk, task)
            footprint = talk.footprint()
        check_fit(task.platform, memory_needs(task.image, task.model, footprint))
    except DoesNotFit as error:
        return error
    return None


def served_spec(task: ModelTask) -> LaunchSpec:
    """The board that is served: every window is counted, as a whole and however long it is."""
    window = Section(*window_of(task.image))
    return replace(
        launch_spec(task), counted_windows=None, section=window, window_instructions=_NO_LIMIT
    )


def _checked(
    price: Callable[[Counts, int], Cost], spec: LaunchSpec
) -> Callable[[Counts, int], Cost]:
    """``price``, of counts that the board can have given: see :func:`check_code`."""

    def checked(counts: Counts, inferences: int) -> Cost:
        check_code(counts, spec)
        return price(counts, inferences)

    return checked


def pricer(platform: Platform) -> Callable[[Counts, int], Cost]:
    """What one inference costs on ``platform``: the mean over a window of so many."""
    target = load_target(platform)

    def price(counts: Counts, inferences: int) -> Cost:
        each = estimate(fold_layers(counts, inferences), counts.inference, target)
        energy = each.energy_j
        return Cost(each.time_s.value, None if energy is None else energy.value)

    return price
