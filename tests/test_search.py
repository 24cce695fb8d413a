"""Many models: rows are those of single runs, and nothing is lost, doubled or measured twice."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted import example

import simbench
from simbench.cli.main import main
from simbench.errors import NothingRun, UsageError
from simbench.exports.rows import ParquetRows
from simbench.result.tree import DOES_NOT_FIT, ERROR, OK, UNSUPPORTED
from simbench.search import crew as crews
from simbench.search.asked import Asked
from simbench.search.model import Model, listed
from simbench.search.row import COLUMNS, ModelRow
from simbench.search.run import search
from simbench.store import Store

MODELS = Path(__file__).parent / "data" / "models"
NUMBERS = [name for name in COLUMNS if name not in ("model", "sha256", "fits", "macs", "reason")]
PLATFORMS = ("stm32f4", "stm32l4r5", "rp2040")
spotters = example("nas/spotters")


def small(count: int) -> dict[str, bytes]:
    """Models by name."""
    few = [one for one in spotters.sample(600, seed=5) if max(one.channels) <= 8]
    return {f"{one.name}.tflite": spotters.model(one) for one in few[:count]}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", 10**9)


def rows(models: Any, **asked: Any) -> list[ModelRow]:
    return list(simbench.measure(models, no_cache=True, jobs=1, **asked))


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["run", *words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


# ---- what is measured ----


@pytest.mark.emulator
def test_a_row_is_the_run_of_the_model_to_the_last_digit(tmp_path: Path) -> None:
    """Three boards with two cores: on two of them one inference serves both boards' caches."""
    for name, data in small(2).items():
        (tmp_path / name).write_bytes(data)
    for row in rows(tmp_path, platforms=PLATFORMS, layers=True):
        alone = simbench.run(platform=row.platform, model=row.model, samples=1, no_cache=True)
        (expected,) = alone.rows()
        assert row.values() | {"kernels": row.kernels} == row.values() | {
            name: expected[name] for name in NUMBERS if name in expected
        }
        assert row.layers == alone.result.layers
        assert row.fits
        assert row.macs == sum(layer.macs or 0 for layer in row.layers)


@pytest.mark.emulator
def test_what_is_wrong_with_one_model_is_its_rows(tmp_path: Path) -> None:
    (tmp_path / "a-broken.tflite").write_bytes(b"nothing")
    (tmp_path / "b-folder.tflite").mkdir()
    for name in ("dynamic_length", "arena_over_8MiB", "sine_int8"):
        (tmp_path / f"{name}.tflite").write_bytes((MODELS / f"{name}.tflite").read_bytes())
    found = {(Path(row.model).stem, row.status) for row in rows(tmp_path, platforms="stm32f4")}
    assert found == {
        ("a-broken", UNSUPPORTED),
        ("b-folder", UNSUPPORTED),
        ("dynamic_length", UNSUPPORTED),
        ("arena_over_8MiB", DOES_NOT_FIT),
        ("sine_int8", OK),
    }


@pytest.mark.emulator
def test_outputs_are_compared_as_often_as_is_asked_for() -> None:
    models = small(1)
    compared = {p: rows(models, platforms="stm32f4", parity=p)[0] for p in ("none", "one", "all")}
    assert compared["none"].wrong_outputs is None
    assert compared["one"].wrong_outputs == compared["all"].wrong_outputs == 0
    assert replace(compared["none"], wrong_outputs=0) == compared["one"] == compared["all"]


# ---- nothing twice, nothing lost ----


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the models that are given to be measured."""
    given: list[str] = []
    give = crews.Crew.give

    def noted(crew: crews.Crew, job: Any) -> None:
        given.append(job.model.name)
        give(crew, job)

    monkeypatch.setattr(crews.Crew, "give", noted)
    return given


@pytest.mark.emulator
@pytest.mark.parametrize("is_kept", [True, False])
def test_the_same_model_twice_is_measured_once(
    monkeypatch: pytest.MonkeyPatch, store: Store, *, is_kept: bool
) -> None:
    (data,) = small(1).values()
    given = counted(monkeypatch)
    models = (Model(name, data) for name in ("one", "other", "third", "last", "more", "still"))
    came = list(search(models, Asked(("stm32f4",)), store if is_kept else None, jobs=1))
    assert given == ["one"]
    assert sorted(model.rows[0].model for model in came) == [
        *("last", "more", "one", "other", "still", "third")
    ]
    assert len({replace(model.rows[0], model="") for model in came}) == 1


@pytest.mark.emulator
def test_what_was_measured_is_not_measured_again_and_a_new_platform_is(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    models = [Model(name, data) for name, data in small(2).items()]
    first = list(search(models, Asked(("stm32f4",)), store, jobs=1))
    given = counted(monkeypatch)
    again = list(search(models, Asked(("stm32f4",)), store, jobs=1))
    assert given == []
    assert [model.rows for model in again] == [model.rows for model in first]
    more = list(search(models, Asked(("stm32f4", "rp2040")), store, jobs=1))
    assert len(given) == 2
    assert {row.platform for model in more for row in model.rows} == {"stm32f4", "rp2040"}
    assert [row for m in more for row in m.rows if row.platform == "stm32f4"] == [
        row for m in first for row in m.rows
    ]


@pytest.mark.emulator
def test_a_search_that_was_killed_goes_on(tmp_path: Path) -> None:
    """Killed at a row, with no warning; what was told is not measured again."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name, data in small(6).items():
        (folder / name).write_bytes(data)
    words = ["run", "--models", str(folder), "--platform", "stm32f4", "--jobs", "1"]
    command = [sys.executable, "-m", "simbench.cli.main", *words]
    environment = {**os.environ, "SIMBENCH_CACHE": str(tmp_path / "kept")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as run:
        assert run.stdout is not None
        told = [run.stdout.readline() for _ in range(3)][1:]
        os.kill(run.pid, signal.SIGKILL)
    done = subprocess.run(command, capture_output=True, env=environment, text=True, check=True)
    lines = done.stdout.splitlines(keepends=True)[1:]
    assert len(lines) == len({line.partition(",")[0] for line in lines}) == 6
    assert set(told) <= set(lines)
    assert "of them kept before" in done.stderr


@pytest.mark.emulator
def test_a_worker_that_dies_is_replaced() -> None:
    models = [Model(name, data) for name, data in small(3).items()]
    came = search(models, Asked(("stm32f4",)), None, jobs=1)
    first = next(came)
    (crew,) = [each for each in _crews_at_work() if each.size == 1]
    for worker in crew._workers.values():
        os.kill(worker._process.pid, signal.SIGKILL)
    assert [row.status for model in (first, *came) for row in model.rows] == [OK] * 3


def _crews_at_work() -> list[crews.Crew]:
    import gc

    return [each for each in gc.get_objects() if isinstance(each, crews.Crew) and each._workers]


@pytest.mark.image
def test_a_worker_that_dies_again_and_again_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise EOFError

    monkeypatch.setattr(crews, "_Worker", dies)
    monkeypatch.setattr(crews, "_WAITING", [])
    (came,) = search([Model("one", b"x")], Asked(("stm32f4",)), None, jobs=1)
    assert [(row.status, row.reason) for row in came.rows] == [
        (ERROR, "the process that measured it ended, 2 times: is there memory?")
    ]


@pytest.mark.emulator
def test_an_optimiser_asks_again_and_again_on_the_same_processes() -> None:
    pids = set()
    for name, data in small(3).items():
        rows({name: data}, platforms="stm32f4")
        (crew,) = crews._WAITING
        pids |= {worker._process.pid for worker in crew._workers.values()}
    assert len(pids) == 1
    crews.end_waiting()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and Path(f"/proc/{next(iter(pids))}/exe").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{next(iter(pids))}/exe").exists()


# ---- how it is asked for, and written ----


def test_models_are_a_folder_a_pattern_files_or_bytes(tmp_path: Path) -> None:
    for name in ("b.tflite", "a.tflite", "other.txt"):
        (tmp_path / name).touch()
    named = [str(tmp_path / "a.tflite"), str(tmp_path / "b.tflite")]
    assert [model.name for model in listed(tmp_path)] == named
    assert [model.name for model in listed(str(tmp_path / "*.tflite"))] == named
    assert [model.name for model in listed(named[0])] == named[:1]
    assert [model.name for model in listed(iter(named))] == named
    assert [model.read() for model in listed({"x": b"1"})] == [b"1"]
    with pytest.raises(NothingRun, match="has no models"):
        listed(str(tmp_path / "*.lite"))
    with pytest.raises(UsageError, match="no folder and no file"):
        listed(tmp_path / "gone")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--parquet", "x.parquet"], "--parquet is of many models: name them with --models"),
        (["--jobs", "2"], "--jobs is of many models: name them with --models"),
        (["--models", ".", "--json", "-"], "--json is not of many models"),
        (["--models", ".", "--benchmark", "kws"], "--benchmark is not of many models"),
        (["--models", "."], "no platform is named: give --platform NAME, or 'all'"),
        (["--models", "/gone", "--platform", "stm32f4"], "/gone is no folder and no file"),
    ],
)
def test_what_does_not_go_together_is_said(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code, out, err = shown(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.emulator
def test_the_rows_are_written_as_csv_or_parquet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setenv("SIMBENCH_CACHE", str(tmp_path / "store"))
    for name, data in small(2).items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "wrong.tflite").write_bytes(b"wrong")
    words = ["--models", str(tmp_path), "--platform", "stm32f4", "--jobs", "1", "--layers"]
    code, out, err = shown(capsys, *words)
    assert code == 2  # as where one model is refused
    assert "3 of 3 models" in err
    assert "rows: 2 ok, 1 unsupported" in err
    written = list(csv.DictReader(io.StringIO(out)))
    code, out, _ = shown(capsys, *words, "--parquet", str(tmp_path / "rows.parquet"))
    assert (code, out) == (2, "")
    table = parquet.read_table(tmp_path / "rows.parquet").to_pylist()
    assert [row["model"] for row in table] == [row["model"] for row in written]
    for row, line in zip(table, written, strict=True):
        layers = row.pop("layers")
        assert {k: "" if v is None else str(v) for k, v in row.items()} == line
        assert bool(layers) == (row["status"] == OK)


def test_parquet_that_is_interrupted_is_whole(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = ParquetRows(tmp_path / "rows.parquet")
    row = ModelRow("m", None, "p", "k", UNSUPPORTED, "why")
    file.write([row] * 9000)
    file.write([row])
    assert not (tmp_path / "rows.parquet").exists()
    file.close()
    assert parquet.read_table(tmp_path / "rows.parquet").num_rows == 9001
    assert [each.name for each in tmp_path.iterdir()] == ["rows.parquet"]
