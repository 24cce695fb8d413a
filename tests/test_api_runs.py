"""simbench from Python, on real firmware: the answers and sentences of the command line."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import simbench
from simbench import errors
from simbench.cli.main import cli
from simbench.result.tree import FAILED
from simbench.runs.outcome import Outcome
from simbench.store import default_store

pytestmark = [pytest.mark.emulator, pytest.mark.image]

BOARD: dict[str, Any] = {"platform": "stm32f4"}
AD: dict[str, Any] = {**BOARD, "benchmark": "ad"}
ON_THE_LINE = ("--platform", "stm32f4", "--benchmark", "ad")
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "own_firmware"


def command_line(*arguments: str) -> Any:
    return CliRunner().invoke(cli, arguments, standalone_mode=False)


def test_a_run_gives_what_the_command_line_writes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ad.json"
    done = command_line("run", *ON_THE_LINE, "--samples", "1", "--json", str(path))
    assert done.return_value == 0, done.output
    capfd.readouterr()
    ad = simbench.run(**AD, samples=1)
    assert capfd.readouterr() == ("", "")
    stored = simbench.read(path)
    assert isinstance(stored, Outcome)
    assert (ad.run.results, ad.run.settings) == (stored.run.results, stored.run.settings)
    assert ad.run.document()["fingerprint"] == json.loads(path.read_text())["fingerprint"]
    assert ad.run.environment["from_store"] == ["ad@stm32f4/cmsis-nn"]
    assert simbench.run(**AD, samples=1, no_cache=True).run.environment["from_store"] == []


def test_a_profile_is_what_the_command_line_writes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ad.json"
    done = command_line("profile", *ON_THE_LINE, "--json", str(path))
    assert done.return_value == 0, done.output
    capfd.readouterr()
    found = simbench.profile(**AD)
    assert capfd.readouterr() == ("", "")
    assert simbench.read(path) == found
    assert found.status == "ok"
    assert found.memory is not None
    rows = list(found.rows())
    parts = sum(row["instructions"] for row in rows) + found.interpreter.instructions
    assert parts == found.total.instructions
    assert list(found.to_pandas()["cycles"]) == [layer.cost.cycles.value for layer in found.layers]
    shown = found._repr_html_()
    assert '<td style="text-align:left">1 FULLY_CONNECTED</td>' in shown
    assert repr(found).startswith("<profile of ad@stm32f4/cmsis-nn ok: cycles ")
    unknown = replace(found, layers=(), status=FAILED, reason="it is <wrong>")
    assert "arm_nn_vec_mat_mult_t_s8" in unknown._repr_html_()
    assert "<p>failed: it is &lt;wrong&gt;</p>" in unknown._repr_html_()


def test_a_sweep_is_what_the_command_line_writes(tmp_path: Path) -> None:
    path = tmp_path / "ad.json"
    axis = "placement.weights=flash,sram"
    done = command_line("sweep", *ON_THE_LINE, "--set", axis, "--json", str(path))
    assert done.return_value == 0, done.output
    found = simbench.sweep(**AD, set={"placement.weights": ["flash", "sram"]})
    stored = simbench.read(path)
    assert isinstance(stored, simbench.SweepPoints)
    assert list(stored.rows()) == list(found.rows())
    assert list(stored.base.rows()) == list(found.base.rows())
    assert (stored.axes, stored.settings) == (found.axes, found.settings)
    assert stored.to_pandas().equals(found.to_pandas())
    assert stored._repr_html_() == found._repr_html_()
    assert '<td style="text-align:left">sram</td>' in found._repr_html_()


def test_many_points_are_not_all_shown() -> None:
    found = simbench.sweep(**AD, set={"memories.flash.wait_states": range(15)}, zip=())
    many = replace(found, points=found.points.where(list(range(15)) * 2))  # type: ignore[arg-type]
    assert "30 points, the first 24 shown" in many._repr_html_()
    assert many._repr_html_().count("<tr>") == 25


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    subprocess.run(["make", "-s", f"OUT={folder}"], cwd=EXAMPLE, check=True)
    return folder / "app.elf"


def test_a_users_own_firmware_is_run_and_profiled(elf: Path) -> None:
    own = simbench.run(platform="stm32f4", elf=elf, benchmark="kws")
    assert (own.result.id, own.status) == ("kws@stm32f4/own", "ok")
    with pytest.raises(errors.UsageError, match="has no arena_bytes: "):
        own.arena_bytes  # noqa: B018
    profile = simbench.profile(platform="stm32f4", elf=str(elf), benchmark="kws")
    assert profile.total.instructions == own.instructions
    assert list(profile.rows()) == []
    assert profile.functions[0].name in profile._repr_html_()


def test_a_damaged_entry_of_the_store_is_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    assert simbench.run(**AD, samples=1).warnings == ()
    damage_counts()
    (warning,) = simbench.run(**AD, samples=1).warnings
    assert "damaged" in warning
    assert simbench.profile(**AD).notes == ()
    damage_counts()
    (note,) = simbench.profile(**AD).notes
    assert "damaged" in note
    assert capfd.readouterr() == ("", "")


def damage_counts() -> None:
    """And take away the results that were priced from them, which would be taken instead."""
    for entry in default_store().folder.glob("*.counts"):
        entry.write_bytes(entry.read_bytes()[:-1])
    for entry in default_store().folder.glob("*.result"):
        entry.unlink()


WRONG: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("run", {"platform": "stm32f5"}, ("--platform", "stm32f5")),
    ("run", {**AD, "samples": 0}, (*ON_THE_LINE, "--samples", "0")),
    ("run", {**AD, "kernels": ["fast"]}, (*ON_THE_LINE, "--kernels", "fast")),
    ("run", {**AD, "model": "m.tflite"}, (*ON_THE_LINE, "--model", "m.tflite")),
    ("run", {**AD, "section": "begin=a,end=b"}, (*ON_THE_LINE, "--section", "begin=a,end=b")),
    ("run", {**AD, "backend": "qemo"}, (*ON_THE_LINE, "--backend", "qemo")),
    ("run", {**AD, "accuracy_on": "emulator"}, (*ON_THE_LINE, "--accuracy-on", "emulator")),
    ("run", {**AD, "dataset": "gone"}, (*ON_THE_LINE, "--dataset", "gone")),
    ("run", {"suite": "gone.yaml"}, ("--suite", "gone.yaml")),
    ("run", {**BOARD, "input": "a.npy"}, (*ON_THE_LINE[:2], "--input", "a.npy")),
    ("run", {**BOARD, "model": "gone.tflite"}, (*ON_THE_LINE[:2], "--model", "gone.tflite")),
    ("run", {**BOARD, "elf": "a.elf"}, (*ON_THE_LINE[:2], "--elf", "a.elf")),
    ("profile", BOARD, ON_THE_LINE[:2]),
    ("profile", {**AD, "input": "gone.npy"}, (*ON_THE_LINE, "--input", "gone.npy")),
    ("profile", {**AD, "backend": "renode"}, (*ON_THE_LINE, "--backend", "renode")),
    ("sweep", {**AD, "model": "m.tflite"}, (*ON_THE_LINE, "--model", "m.tflite")),
    ("sweep", {"platform": "stm32f5"}, ("--platform", "stm32f5")),
    ("compare", {"base": "gone.json", "new": "gone.json"}, ("gone.json", "gone.json")),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "keywords", "options"), WRONG)
def test_a_mistake_is_told_in_the_sentence_of_the_command_line(
    verb: str,
    keywords: dict[str, Any],
    options: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    told = command_line(verb, *options).exception
    capfd.readouterr()
    with pytest.raises(simbench.SimbenchError) as caught:
        getattr(simbench, verb)(**keywords)
    assert (type(caught.value), str(caught.value)) == (type(told), str(told))
    assert capfd.readouterr() == ("", "")


def test_several_results_are_in_the_order_asked_for() -> None:
    found = simbench.run(platform=["stm32f4", Path("nrf52840")], benchmark=["ad"], samples=1)
    assert [one.result.platform for one in found] == ["stm32f4", "nrf52840"]
    assert len(found) == 2
    assert found["*@nrf52840"].cycles == found.results[1].cycles.value  # type: ignore[union-attr]
    assert found.is_good
