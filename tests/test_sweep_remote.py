from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dask_cluster import GOOD, Cluster
from distributed import Client

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


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        made.add(GOOD, GOOD)
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
            cluster.kill(0)

    with dask_executor(cluster.address, backend("qemu")) as executor:
        remote = run_study(caches(), backend("qemu"), executor=executor, advanced=advanced)
    assert done == list(range(1, 9))
    assert remote.reasons == ()
    assert list(remote.rows()) == list(local.rows())


def test_a_scheduler_that_does_not_answer_is_told_soon() -> None:
    start = time.monotonic()
    refused = pytest.raises(InfrastructureError, match="no dask scheduler answers at")
    with refused, dask_executor("tcp://127.0.0.1:1", backend("qemu")):
        pytest.fail("nothing is there")
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("address", ["here", "tcp://here", "http://here:1", "tcp://here:99999"])
def test_what_is_no_address_is_refused(address: str) -> None:
    refused = pytest.raises(UsageError, match="is not tcp://host:port")
    with refused, dask_executor(address, backend("qemu")):
        pytest.fail("nothing is there")


def parcel() -> Parcel:
    board, emulator = load_platform("stm32f4"), backend("qemu")
    scenario = Scenario("ad", board.id)
    machine = emulator.machine(board.core)
    task = suite_task(scenario, board, load_benchmarks()["ad"], machine, 1)
    image = task.image.path.read_bytes()
    # a worker has no such file
    elsewhere = replace(task, image=replace(task.image, path=Path("/nowhere/simbench.elf")))
    return Parcel(elsewhere, image, emulator.name)


@pytest.mark.emulator
def test_a_worker_needs_none_of_this_machines_files() -> None:
    assert run_parcel(parcel()).counts.inference.executions.sum() > 0


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
