from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client

from simbench import __version__
from simbench.backends import backend
from simbench.catalog.benchmarks import benchmarks_called, load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario
from simbench.errors import InfrastructureError, UsageError
from simbench.sweeps.axes import group, parse_axis
from simbench.sweeps.remote import Parcel, dask_executor, run_parcel
from simbench.sweeps.run import run_study
from simbench.sweeps.study import Study
from simbench.task.tasks import suite_task

CACHES = "memories.flash.data_cache"


class Cluster:
    """A scheduler and two workers, each a process of its own, on the loopback."""

    def __init__(self, folder: Path) -> None:
        file = folder / "scheduler.json"
        here = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file))
        self.scheduler = self._start(folder, "scheduler", "--port", "0", *here)
        one = ("--no-nanny", "--nthreads", "1", *here)
        self.workers = [self._start(folder, "worker", *one) for _ in range(2)]
        deadline = time.monotonic() + 30
        while not file.exists() or not file.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.address = str(json.loads(file.read_text())["address"])
        with Client(self.address) as client:  # type: ignore[no-untyped-call]
            client.wait_for_workers(2, timeout=30)

    def _start(self, folder: Path, part: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{part}", *arguments]
        # a worker is not where this machine's files are, and keeps no store
        return subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "SIMBENCH_CACHE": str(folder / "none")},
        )

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.stop()


def caches() -> Study:
    """A study with eight simulations."""
    lines = parse_axis(f"{CACHES}.lines=1,2,4,8,16,32,64,128")
    ways = parse_axis(f"{CACHES}.ways=1,2,4,8,16,32,64,128")
    return Study(("stm32f4",), benchmarks_called(["ad"]), groups=(group([lines, ways]),))


@pytest.mark.emulator
def test_a_lost_worker_loses_nothing_and_results_are_those_of_this_machine(
    cluster: Cluster,
) -> None:
    local = run_study(caches(), backend("qemu"))
    done: list[int] = []

    def advanced(count: int, _: int) -> None:
        done.append(count)
        if count == 1:
            cluster.workers[0].send_signal(signal.SIGKILL)

    with dask_executor(cluster.address) as executor:
        remote = run_study(caches(), backend("qemu"), executor=executor, advanced=advanced)
    assert done == list(range(1, 9))
    assert cluster.workers[0].wait(timeout=10) == -signal.SIGKILL
    assert remote.reasons == ()
    assert list(remote.rows()) == list(local.rows())


def test_a_scheduler_that_does_not_answer_is_told_soon() -> None:
    start = time.monotonic()
    refused = pytest.raises(InfrastructureError, match="no dask scheduler answers at")
    with refused, dask_executor("tcp://127.0.0.1:1"):
        pytest.fail("nothing is there")
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("address", ["here", "tcp://here", "http://here:1", "tcp://here:99999"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is not tcp://host:port"), dask_executor(address):
        pytest.fail("nothing is there")


def parcel() -> Parcel:
    board, emulator = load_platform("stm32f4"), backend("qemu")
    scenario = Scenario("ad", board.id)
    machine = emulator.machine(board.core)
    task = suite_task(scenario, board, load_benchmarks()["ad"], machine, 1)
    image = task.image.path.read_bytes()
    # a worker has no such file
    elsewhere = replace(task, image=replace(task.image, path=Path("/nowhere/simbench.elf")))
    return Parcel(elsewhere, image, emulator.name, emulator.version(), __version__)


@pytest.mark.emulator
def test_a_worker_needs_none_of_this_machines_files() -> None:
    assert run_parcel(parcel()).counts.inference.executions.sum() > 0


@pytest.mark.emulator
def test_a_worker_with_other_tools_is_refused() -> None:
    with pytest.raises(InfrastructureError, match=r"has simbench .* where 0\.0\.1 is asked for"):
        run_parcel(replace(parcel(), simbench_version="0.0.1"))
    with pytest.raises(InfrastructureError, match=r"has qemu .* where 1\.0 is asked for"):
        run_parcel(replace(parcel(), emulator_version="1.0"))


def test_dask_is_imported_only_where_it_is_asked_for() -> None:
    code = "import sys, simbench.cli.sweep; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.emulator
def test_an_interrupt_ends_a_study_whose_workers_do_not_answer(cluster: Cluster) -> None:
    for worker in cluster.workers:
        worker.send_signal(signal.SIGSTOP)  # they hold their tasks, and say nothing
    command = ("sweep", "--platform", "stm32f4", "--benchmark", "ad", "--no-cache")
    dask = ("--executor", "dask", "--scheduler", cluster.address)
    with subprocess.Popen(
        [sys.executable, "-m", "simbench.cli.main", *command, *dask],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        with Client(cluster.address) as client:  # type: ignore[no-untyped-call]
            deadline = time.monotonic() + 30
            while not any(client.processing().values()):
                assert time.monotonic() < deadline
                time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said.strip().splitlines()[-1] == "simbench: interrupted"
