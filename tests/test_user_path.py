"""Platforms, benchmarks and cores in a user's own folders, which SIMBENCH_PATH names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.cores import built_in_records, core_files, core_record
from simbench.catalog.platforms import load_platform, platform_files, platform_path
from simbench.catalog.scenario import Variant
from simbench.cli.main import _run
from simbench.cost.cores.core import load_core
from simbench.cost.cores.pipelines import pipeline
from simbench.cost.residuals import load_target
from simbench.errors import UsageError
from simbench.files.paths import cores_dir, data_dir
from simbench.firmware.build import build_elf


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with a core, a platform that has it, and a benchmark, named my_*."""
    folder = tmp_path / "mine"
    core = (cores_dir() / "cortex-m4.yaml").read_text().replace("id: cortex-m4", "id: my_core")
    _write(folder / "cores" / "my_core.yaml", core)
    board = platform_path("stm32f4").read_text().replace("id: stm32f4", "id: my_board")
    _write(
        folder / "platforms" / "my_board.yaml", board.replace("core: cortex-m4", "core: my_core")
    )
    benchmark = (data_dir("benchmarks") / "ad.yaml").read_text().replace("id: ad", "id: my_ad")
    _write(folder / "benchmarks" / "my_ad.yaml", benchmark)
    monkeypatch.setenv("SIMBENCH_PATH", str(folder))
    return folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_what_a_user_has_is_found_by_name(mine: Path) -> None:
    assert platform_files()["my_board"] == mine / "platforms" / "my_board.yaml"
    assert core_files()["my_core"] == mine / "cores" / "my_core.yaml"
    assert load_benchmarks()["my_ad"].macs == load_benchmarks()["ad"].macs
    assert load_platform("my_board").core == "my_core"


@pytest.mark.image
@pytest.mark.usefixtures("mine")
def test_a_users_core_is_priced_and_built_as_the_one_that_it_names() -> None:
    core = load_core("my_core")
    assert type(pipeline(core)) is type(pipeline(load_core("cortex-m4")))
    assert build_elf("my_core", Variant()) == build_elf("cortex-m4", Variant())
    ours, theirs = load_target(load_platform("my_board")), load_target(load_platform("stm32f4"))
    assert ours.identity["core"] == theirs.identity["core"]


def test_several_folders_and_what_they_lack(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tmp_path / "second"
    board = platform_path("stm32f4").read_text().replace("id: stm32f4", "id: other")
    _write(second / "platforms" / "other.yaml", board)
    monkeypatch.setenv("SIMBENCH_PATH", os.pathsep.join((str(second), "", str(mine))))
    assert {"other", "my_board", "stm32f4"} <= set(platform_files())
    assert "my_core" in core_files()


@pytest.mark.usefixtures("mine")
def test_names_that_are_nearly_those_of_a_user_are_hinted_at() -> None:
    with pytest.raises(UsageError, match="no platform my_bord: did you mean my_board"):
        load_platform("my_bord")
    with pytest.raises(UsageError, match="no core my_cor: did you mean my_core"):
        load_core("my_cor")


@pytest.mark.usefixtures("mine")
def test_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert "my_board" in {row["name"] for row in listed["platforms"]}
    assert "my_ad" in {row["name"] for row in listed["benchmarks"]}


@pytest.mark.usefixtures("mine")
@pytest.mark.emulator
def test_a_run_of_all_three_counts_and_costs_what_the_built_in_ones_do(tmp_path: Path) -> None:
    cycles = []
    for platform, benchmark in (("my_board", "my_ad"), ("stm32f4", "ad")):
        path = tmp_path / f"{platform}.json"
        asked = ["--platform", platform, "--benchmark", benchmark, "--samples", "1"]
        assert _run(["run", *asked, f"--export=json={path}"]) == 0
        (result,) = json.loads(path.read_text())["results"]
        cycles.append({key: result["cycles"][key] for key in ("value", "lower", "upper")})
    assert cycles[0] == cycles[1]


@pytest.mark.usefixtures("mine")
@pytest.mark.emulator
def test_a_sweep_varies_a_users_core(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    axis = ["--set", "core.cycles.load=1,2"]
    asked = ["--platform", "my_board", "--benchmark", "my_ad"]
    assert _run(["sweep", *asked, *axis, f"--export=csv={path}"]) == 0
    assert path.read_text().count("my_board") >= 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("firmware: mps2-an386", "firmware: mps2-an387", r"my_core\.yaml:\d+: firmware: there is"),
        ("machine: mps2-an386", "machine: mps2-an385", r"machine: .* runs on mps2-an386 alone"),
        ("id: my_core", "id: another", r"id: another must be the file's name, my_core"),
        ("pipeline_class: CortexM4\n", "", r"pipeline_class: is missing"),
    ],
)
def test_a_wrong_core_is_one_sentence(mine: Path, old: str, new: str, said: str) -> None:
    path = mine / "cores" / "my_core.yaml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UsageError, match=said):
        core_record("my_core")


def test_a_path_that_is_no_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIMBENCH_PATH", str(tmp_path / "absent"))
    assert _run(["list", "platforms"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "SIMBENCH_PATH names" in line


def test_a_pipeline_class_that_nobody_has_is_refused(mine: Path) -> None:
    path = mine / "cores" / "my_core.yaml"
    path.write_text(path.read_text().replace("CortexM4", "CortexM99"))
    with pytest.raises(UsageError, match="names the pipeline_class CortexM99"):
        pipeline(load_core("my_core"))


def test_each_built_in_core_has_firmware_of_its_own_but_the_cortex_m85() -> None:
    boards = [record.firmware for record in built_in_records() if record.id != "cortex-m85"]
    assert len(boards) == len(set(boards)) == len(list(cores_dir().glob("*.yaml"))) - 1
    assert core_record("cortex-m85").firmware == core_record("cortex-m55").firmware
    assert all((data_dir("firmware_images") / "boards" / f"{b}.cmake").is_file() for b in boards)
    assert {r.machine for r in built_in_records() if r.has_mve} == {"mps3-an547"}
