"""Workers of a scheduler: those with other tools get no work and are named, a lost one loses
nothing, and a scheduler without workers, or that ends, is told in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dask_cluster import BARE, GOOD, STALE, Cluster
from scripted import example

import simbench
from simbench import __version__
from simbench.backends import backend
from simbench.catalog.benchmarks import benchmarks_called
from simbench.cluster import workers as module
from simbench.cluster.client import connected
from simbench.cluster.workers import Refusal, Tools, Workers, tools, tools_there
from simbench.errors import InfrastructureError
from simbench.search.asked import Asked
from simbench.search.model import Model, Models, listed
from simbench.search.row import ModelRow
from simbench.search.run import search
from simbench.sweeps.axes import group, parse_axis
from simbench.sweeps.files import csv_text
from simbench.sweeps.remote import dask_executor
from simbench.sweeps.run import run_study
from simbench.sweeps.study import Study

pytestmark = pytest.mark.emulator

PLATFORMS = ("stm32f4", "rp2040")
spotters = example("nas/spotters")
_LINES = parse_axis("memories.flash.data_cache.lines=8,16")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.5)


def small(count: int) -> dict[str, bytes]:
    few = [one for one in spotters.sample(600, seed=5) if max(one.channels) <= 8]
    return {f"{one.name}.tflite": spotters.model(one) for one in few[:count]}


def here(models: Models) -> list[ModelRow]:
    return list(simbench.measure(models, platforms=PLATFORMS, no_cache=True, jobs=1))


def by_name(rows: list[ModelRow]) -> list[ModelRow]:
    return sorted(rows, key=lambda row: (row.model, row.platform))


def test_a_worker_says_what_it_has() -> None:
    assert tools_there("qemu") == tools(backend("qemu"))
    assert isinstance(tools_there("abacus"), Refusal)


def test_workers_measure_what_this_machine_does(cluster: Cluster) -> None:
    cluster.add(GOOD, GOOD)
    models = small(6)
    found = list(
        simbench.measure(models, platforms=PLATFORMS, no_cache=True, scheduler=cluster.address)
    )
    assert by_name(found) == by_name(here(models))


def test_a_worker_that_is_killed_loses_nothing(cluster: Cluster) -> None:
    cluster.add(GOOD, GOOD)
    models = small(10)
    rows: list[ModelRow] = []
    for came in search(listed(models), Asked(PLATFORMS), None, scheduler=cluster.address):
        if not rows:
            cluster.kill(0)
        rows += came.rows
    assert by_name(rows) == by_name(here(models))


def test_workers_that_cannot_be_used_are_named_and_get_no_work(cluster: Cluster) -> None:
    cluster.add(STALE, BARE, GOOD)
    noted: list[str] = []
    models = small(4)
    came = search(
        listed(models), Asked(PLATFORMS), None, noted=noted.append, scheduler=cluster.address
    )
    rows = [row for one in came for row in one.rows]
    assert by_name(rows) == by_name(here(models))
    assert len(noted) == 2
    assert all(said.startswith("the dask worker tcp://127.0.0.1:") for said in noted)
    assert any(f"has simbench 0.0.1 where {__version__} is asked for" in said for said in noted)
    assert any("it cannot run simbench" in said for said in noted)


def test_a_scheduler_without_a_worker_is_told(cluster: Cluster) -> None:
    with pytest.raises(InfrastructureError, match=r"has no worker: start one with 'dask worker"):
        list(search([Model("one", b"x")], Asked(PLATFORMS), None, scheduler=cluster.address))


def test_a_scheduler_without_a_worker_that_can_be_used_is_told(cluster: Cluster) -> None:
    cluster.add(GOOD)
    needed = Tools(__version__, "qemu", "1.0")
    with connected(cluster.address) as link:
        asked = Workers(link, needed, lambda _: None)
        with pytest.raises(InfrastructureError, match=r"can be used: it has qemu .* where 1\.0 is"):
            asked.usable()


def test_a_worker_that_comes_later_is_used(cluster: Cluster) -> None:
    cluster.add(STALE)
    with connected(cluster.address) as link:
        asked = Workers(link, tools(backend("qemu")), lambda _: None)
        with pytest.raises(InfrastructureError, match=r"has simbench 0\.0\.1"):
            asked.usable()
        cluster.add(GOOD)
        assert len(asked.usable()) == asked.threads() == 1


def test_a_scheduler_that_ends_is_told_and_what_was_measured_came(cluster: Cluster) -> None:
    cluster.add(GOOD)
    came = search(listed(small(8)), Asked(PLATFORMS), None, scheduler=cluster.address)
    first = next(came)
    assert first.rows[0].status == "ok"
    cluster.scheduler.kill()
    with pytest.raises(InfrastructureError, match=r"the dask scheduler at tcp://.* is gone"):
        list(came)


def test_damaged_and_missing_models_are_rows_as_here(cluster: Cluster, tmp_path: Path) -> None:
    cluster.add(GOOD)
    (tmp_path / "damaged.tflite").write_bytes(b"TFL3" * 8)
    paths = [tmp_path / "damaged.tflite", tmp_path / "missing.tflite"]
    found = list(
        simbench.measure(paths, platforms=PLATFORMS, no_cache=True, scheduler=cluster.address)
    )
    assert by_name(found) == by_name(here(paths))
    assert all(row.reason for row in found)


def test_a_point_that_nobody_could_simulate_says_why(cluster: Cluster) -> None:
    cluster.add(GOOD)
    study = Study(("stm32f4",), benchmarks_called(["ad"]), groups=(group([_LINES]),))
    with dask_executor(cluster.address, backend("qemu")) as executor:
        cluster.kill(0)
        sweep = run_study(study, backend("qemu"), executor=executor)
    rows = list(sweep.rows())
    assert [row["status"] for row in rows] == ["error", "error"]
    assert all("has no worker" in row["reason"] for row in rows)
    assert sweep.simulations == 0
    assert "has no worker" in csv_text(sweep.points)
