"""A result that is kept: the same to the last bit, and made anew where what decides it changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest
from made_runs import MEMORY, made_result
from made_tasks import NoEmulator, as_elf, unexpected

from simbench.backends import Backend, backend
from simbench.backends.qemu.backend import QemuBackend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.cost.residuals import load_target
from simbench.firmware import recall as firmware_recall
from simbench.firmware.build import build_image
from simbench.firmware.recall import recalled_firmware
from simbench.firmware.section import Section
from simbench.result.tree import Accuracy, Budget, Parity, Prediction, Result
from simbench.runs import priced as priced_module
from simbench.runs.priced import _DECIDES_NOTHING, _key, priced
from simbench.runs.runner import run_task
from simbench.store import Store, encode
from simbench.store.encoding import decode
from simbench.task.labelled import DataSet
from simbench.task.tasks import ModelTask, Task, suite_task

pytestmark = [pytest.mark.emulator, pytest.mark.image]

QEMU = backend("qemu")
MAKES = {"capstone", "elftools", "filelock", "simbench.cost.price", "simbench.backends.qemu.board"}
RARE = {"serial", "simbench.accuracy", "simbench.exports.html"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", 10**8)


@pytest.fixture(scope="module")
def task() -> ModelTask:
    board = load_platform("stm32f4")
    scenario = Scenario("ad", board.id)
    return suite_task(scenario, board, load_benchmarks()["ad"], QEMU.machine(board.core), 2)


def written(result: Result) -> str:
    return json.dumps(asdict(result), sort_keys=True)


def test_a_kept_result_is_the_one_that_was_made(
    task: ModelTask, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = run_task(task, QEMU)
    first = priced(task, QEMU, store, None)
    monkeypatch.setattr("simbench.runs.assemble.assembled", unexpected)
    second = priced(task, NoEmulator(), store, None)
    assert (first.is_cached, second.is_cached) == (False, True)
    assert first.notes == second.notes == ()
    assert written(first.result) == written(second.result) == written(fresh)


def test_another_price_is_made_from_the_counts_that_are_kept(task: ModelTask, store: Store) -> None:
    priced(task, QEMU, store, None)
    slower = replace(task, platform=replace(task.platform, clock_hz=task.platform.clock_hz / 2))
    again = priced(slower, NoEmulator(), store, None)
    assert again.is_cached
    assert written(again.result) == written(run_task(slower, QEMU))


def test_a_damaged_result_is_told_and_made_anew(task: ModelTask, store: Store) -> None:
    whole = priced(task, QEMU, store, None)
    (kept,) = store.folder.glob("*.result")
    kept.write_bytes(kept.read_bytes()[:-1])
    again = priced(task, NoEmulator(), store, None)
    assert again.notes == (f"{kept} is damaged: it is not used, and made anew",)
    assert again.result == whole.result
    assert priced(task, NoEmulator(), store, None).notes == ()


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "failed", "reason": "wrong", "parity": Parity(2, 1, 2, "near")},
        {"status": "does-not-fit", "reason": "too large", "memory": replace(MEMORY, ram=None)},
        {"cycles": None, "energy_j": None, "memory": None, "missing": None, "model": None},
        {"accuracy": Accuracy("top1", 0.5, 2, None, None, "host", 2, "0" * 64)},
        {"predictions": (Prediction("cat", "cat", None), Prediction("dog", "dog", 1.0))},
        {"budgets": (Budget("cycles", 1e6, None, False),), "is_simulated": False},
    ],
)
def test_every_result_comes_back_as_it_was_kept(facts: dict[str, Any]) -> None:
    result = made_result(**facts)
    back = decode(encode(result), Result)
    assert back == result
    assert written(back) == written(result)


def changed(task: ModelTask) -> Iterator[Task]:
    """Tasks with another result, each for one reason."""
    flash = task.platform.memories["flash"]
    memories = {**task.platform.memories, "flash": replace(flash, size_bytes=flash.size_bytes * 2)}
    yield replace(task, scenario=replace(task.scenario, variant=Variant("reference")))
    yield replace(task, platform=replace(task.platform, clock_hz=1e6))
    yield replace(task, platform=replace(task.platform, memories=memories))
    yield replace(task, image=replace(task.image, sha256="another"))
    yield replace(task, image=replace(task.image, segments={}))
    yield replace(task, machine="another")
    yield replace(task, model=replace(task.model, changes=("another",)))
    yield as_elf(task)
    yield replace(task, inputs=task.inputs[:1])
    yield replace(task, real=1)
    yield as_elf(task, Section(0x100, 0x200))
    yield replace(task, notes=("another",))
    yield replace(task, benchmark=replace(task.benchmark, title="another"))
    yield replace(task, benchmark=replace(task.benchmark, labels=("another",)))


def test_a_key_holds_what_decides_the_result(
    task: ModelTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OtherVersion(QemuBackend):
        def version(self) -> str:
            return "10.0.0"

    class Other(QemuBackend):
        name = "other"

    class Coarse(QemuBackend):
        capabilities = replace(QEMU.capabilities, caches=False)

    backends: list[Backend] = [QEMU, OtherVersion(), Other(), Coarse()]
    keys = [_key(task, each) for each in backends] + [_key(each, QEMU) for each in changed(task)]
    known = load_target(task.platform)
    core = replace(known.core, version="another")
    for name, value in (
        ("load_target", lambda _: replace(known, off=known.off + 0.1)),
        ("load_target", lambda _: replace(known, core=core)),
        ("interpreter_versions", lambda: ("another",)),
        ("demangler", lambda: None),
        ("version_of", lambda _: "another"),
        ("sources_hash", lambda *_: "another"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(priced_module, name, value)
            keys.append(_key(task, QEMU))
    assert len(set(keys)) == len(keys) == 4 + 14 + 6


def test_a_key_leaves_out_what_does_not(task: ModelTask) -> None:
    key = _key(task, QEMU)
    assert _key(replace(task, time_limit_s=1.0), QEMU) == key
    assert _key(replace(task, data=DataSet(()), judge_on="emulator"), QEMU) == key
    assert set(_DECIDES_NOTHING) <= {field.name for field in fields(ModelTask)}


def test_an_image_is_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = recalled_firmware("cortex-m4", Variant(), store)
    monkeypatch.setattr(firmware_recall, "_read", unexpected)
    second = recalled_firmware("cortex-m4", Variant(), store)
    assert first == second
    assert list(first.ops.items()) == list(second.ops.items())
    assert first.image == build_image("cortex-m4", Variant())


def test_a_run_of_what_is_kept_loads_nothing_that_makes_it() -> None:
    words = ["run", "--platform", "stm32f4", "--benchmark", "ad", "--samples", "2"]
    said = f"import sys; from simbench.cli.main import _run; _run({words}); print(*sys.modules)"
    command = [sys.executable, "-c", said]
    first, second = (
        set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
        for _ in range(2)
    )
    assert (MAKES | RARE) & first == MAKES
    assert (MAKES | RARE) & second == set()


def test_a_users_own_elf_needs_no_reference(
    task: ModelTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(priced_module, "interpreter_versions", unexpected)
    assert _key(as_elf(task), QEMU) != _key(as_elf(task, Section(0x100, 0x200)), QEMU)
