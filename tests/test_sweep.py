from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import chromium
from click.testing import CliRunner, Result
from test_report import colours_of, shown

import simbench
from simbench.backends import backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario
from simbench.cli.main import _run
from simbench.cli.sweep import command
from simbench.cost.price import estimate
from simbench.errors import InfrastructureError, ModelError, UsageError
from simbench.exports.html.figures import INK, LINE, PALETTE
from simbench.exports.html.sweep import sweep_page
from simbench.exports.html.sweep_lines import line_axis
from simbench.models.source import source_bytes
from simbench.runs.runner import run_task
from simbench.session.measure import Observation, measure
from simbench.session.observe import observe
from simbench.store import default_store
from simbench.sweeps.answers import pareto
from simbench.sweeps.api import Values
from simbench.sweeps.axes import crossed, group, parse_axis
from simbench.sweeps.points import Points, column_of
from simbench.sweeps.sheet import sheet
from simbench.sweeps.simulate import Executor
from simbench.sweeps.sweep import Sweep
from simbench.task.tasks import ModelTask, Task, suite_task


def on_ad(
    axes: Mapping[str, Values] | None = None,
    *,
    together: Sequence[Mapping[str, Values]] = (),
    kernels: str = "cmsis-nn",
) -> Sweep:
    return simbench.sweep(
        platform="stm32f4", benchmark="ad", kernels=kernels, set=axes, zip=together
    )


def task(platform: str = "stm32f4") -> ModelTask:
    board = load_platform(platform)
    emulator = backend("qemu")
    scenario = Scenario("ad", board.id)
    return suite_task(scenario, board, load_benchmarks()["ad"], emulator.machine(board.core), 1)


@pytest.fixture
def waits() -> Sweep:
    """Numbers that are prices alone, and a placement."""
    return on_ad(
        {
            "clock_hz": "40MHz..160MHz:40MHz",
            "memories.flash.wait_states": range(4),
            "placement.weights": ["flash", "sram"],
            "core.pipeline.split_access": ["1", "2"],
        },
    )


@pytest.mark.emulator
def test_points_are_prices_of_the_machines_that_they_say(waits: Sweep) -> None:
    files, emulator = sheet("stm32f4"), backend("qemu")
    seen = {}
    for place in ("flash", "sram"):
        board = files.target({"placement.weights": place}).platform
        placed = replace(task(), platform=board)
        seen[place] = observe(placed, emulator, default_store()).observation.counts
    assert len(waits) == 4 * 4 * 2 * 2
    for row in waits.rows():
        setting = {
            "clock": f"{row['clock']:.0f}",
            "memories.flash.wait_states": f"{row['memories.flash.wait_states']:g}",
            "placement.weights": row["placement.weights"],
            "core.pipeline.split_access": f"{row['core.pipeline.split_access']:g}",
        }
        counts = seen[row["placement.weights"]]
        price = estimate(counts, counts.inference, files.target(setting))
        for name, said in (
            ("cycles", price.cycles),
            ("time_s", price.time_s),
            ("energy_j", price.energy_j),
        ):
            assert said is not None
            assert row[name] == pytest.approx(said.value, rel=1e-12)
            assert row[f"{name}_lower"] == pytest.approx(said.lower, rel=1e-12)
            assert row[f"{name}_upper"] == pytest.approx(said.upper, rel=1e-12)
        stack = sum(row[name] for name in waits.columns if name.startswith("cycles."))
        assert stack == pytest.approx(row["cycles"], rel=1e-12)


@pytest.mark.emulator
def test_numbers_need_no_simulation_of_their_own(waits: Sweep) -> None:
    assert waits.simulations == 2  # the weights in SRAM do not go through the flash's cache
    again = on_ad({"clock_hz": "50MHz..99MHz:1MHz"})
    assert (again.simulations, again.from_store, len(again)) == (1, 1, 50)


@pytest.mark.emulator
def test_the_base_is_what_run_says() -> None:
    found = on_ad()
    result = run_task(task(), backend("qemu"))
    (row,) = found.rows()
    assert result.cycles is not None
    assert result.energy_j is not None
    assert result.memory is not None
    assert row["instructions"] == result.instructions
    assert row["cycles"] == pytest.approx(result.cycles.value, rel=1e-12)
    assert row["energy_j_upper"] == pytest.approx(result.energy_j.upper, rel=1e-12)
    assert row["arena_bytes"] == result.memory.arena_bytes
    assert row["flash_bytes"] == result.memory.flash_bytes


@pytest.mark.emulator
def test_another_cache_core_or_kernel_set_is_simulated() -> None:
    caches = on_ad(
        together=[
            {
                "memories.flash.data_cache.lines": [4, 8],
                "memories.flash.data_cache.ways": [4, 8],
            }
        ],
    )
    assert caches.simulations == 2
    assert caches.columns["cycles.data_wait"][0] > caches.columns["cycles.data_wait"][1]
    cores = on_ad({"core": ["cortex-m4", "cortex-m33"]}, kernels="*")
    assert cores.simulations == 4
    assert len(set(cores.columns["instructions"].tolist())) == 4


@pytest.mark.emulator
def test_what_does_not_fit_is_a_point_that_says_so() -> None:
    found = on_ad({"memories.sram.size": ["2KiB", "128KiB"]})
    assert found.columns["status"].tolist() == ["does-not-fit", "ok"]
    assert found.columns["time_s"][0] == found.columns["time_s"][1]


@pytest.mark.emulator
def test_a_board_without_energy_has_none() -> None:
    found = simbench.sweep(platform="stm32f746", benchmark="ad")
    (row,) = found.rows()
    assert row["energy_j"] is None
    assert row["time_s"] > 0
    assert any(note.startswith("stm32f746: no energy: ") for note in found.notes)


@pytest.mark.emulator
def test_a_goal_of_what_is_not_known_is_answered_by_nothing() -> None:
    done = sweep_command(
        *("--platform", "stm32f746", "--benchmark", "ad", "--set", "clock=99MHz,216MHz"),
        *("--goal", "energy_j<=1mJ"),
    )
    assert done.return_value == 0
    assert "smallest change" not in done.stdout
    assert "no energy" in done.stdout


@pytest.mark.emulator
def test_a_users_model_is_priced_on_many_boards(tmp_path: Path) -> None:
    path = tmp_path / "My Model.tflite"
    path.write_bytes(source_bytes(load_benchmarks()["ad"].model))
    found = simbench.sweep(platform=["stm32f4", "stm32u575"], model=path)
    assert found.columns["benchmark"].tolist() == ["my-model"] * 2
    assert found.columns["status"].tolist() == ["ok"] * 2


@pytest.mark.emulator
def test_a_change_that_no_board_can_make_alone_is_left_out_of_the_answers() -> None:
    lines, ways = "memories.flash.data_cache.lines", "memories.flash.data_cache.ways"
    found = on_ad({lines: [4, 8], ways: [1, 4]})
    assert [row["value"] for row in found.changes.rows()] == ["8", "1", "4"]


@pytest.mark.emulator
def test_every_number_is_made_lower_and_higher() -> None:
    found = simbench.sweep(platform="stm32g0b1", benchmark="ad", sensitivity="10%")
    rows = [row for row in found.sensitivities.rows() if row["axis"] == "clock"]
    base = next(found.base.rows())
    assert [row["time_s"] / base["time_s"] for row in rows] == pytest.approx([1 / 0.9, 1 / 1.1])
    axes = {row["axis"] for row in found.sensitivities.rows()}
    assert {"energy.static", "core.cycles.load", "memories.flash.wait_states"} <= axes


@pytest.mark.emulator
def test_the_page_holds_every_point_and_fetches_nothing(waits: Sweep) -> None:
    page = sweep_page(waits)
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", markup)
    drawn = figures_of(page)
    assert drawn.count('"placement.weights", [') == 1  # what the mouse is told of all points
    assert drawn.count('"sram"') >= len(waits) // 2
    assert "Time against energy" in page
    assert page == sweep_page(waits)


@pytest.mark.emulator
def test_of_very_many_points_the_page_draws_some_and_all_that_are_marked(
    waits: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simbench.exports.html.sweep._MOST_DOTS", 10)
    page = sweep_page(waits)
    assert "One in 7 of 64 points is drawn" in page
    assert 10 <= figures_of(page).count('"stm32f4"') <= 10 + pareto(waits.points).sum()


def figures_of(page: str) -> str:
    """The documents of a page's figures."""
    packed = re.findall(r'<script type="application/gzip">([^<]*)</script>', page)
    return json.dumps([json.loads(gzip.decompress(base64.b64decode(text))) for text in packed])


@pytest.mark.emulator
def test_one_or_two_axes_are_lines_with_bands() -> None:
    found = on_ad({"memories.flash.wait_states": range(4), "placement.weights": ["flash", "sram"]})
    along = line_axis(found.points, found.study.groups)
    assert along == "memories.flash.wait_states"
    page = sweep_page(found)
    assert "Time along memories.flash.wait_states, with its range" in page
    assert "Energy along memories.flash.wait_states, with its range" in page
    assert "weights sram" in page
    assert "Time against energy" not in page
    assert figures_of(page).count('"VArea"') == 2 * 2
    few = on_ad({"memories.flash.wait_states": range(2)})
    assert line_axis(few.points, few.study.groups) is None


def test_axes_that_go_together_are_one_line() -> None:
    groups = (
        group([parse_axis("a=1,2,3"), parse_axis("b=4,5,6")]),
        group([parse_axis("c=x,y")]),
    )
    settings = crossed(groups)
    columns = {name: column_of([s[name] for s in settings]) for name in "abc"}
    names = {name: np.full(6, "same") for name in ("benchmark", "platform", "kernels")}
    table = Points({**names, **columns})
    assert line_axis(table, groups) == "a"
    assert line_axis(table, (*groups, group([parse_axis("d=1,2,3")]))) is None


def sweep_command(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(command, arguments, standalone_mode=False)


@pytest.mark.emulator
def test_the_table_fits_eighty_columns_and_says_what_was_done() -> None:
    done = sweep_command(
        *("--platform", "stm32f4", "--benchmark", "ad", "--kernels", "cmsis-nn"),
        *("--set", "clock_hz=40MHz..100MHz:20MHz", "--set", "memories.flash.wait_states=0..5"),
        *("--set", "placement.weights=flash,sram", "--goal", "time_s<=5ms"),
    )
    assert done.return_value == 0
    assert "2 simulated, 0 from the store; 48 points priced" in done.stderr
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert "ad: 48 points, * " in done.stdout
    assert "on the Pareto front of time and energy" in done.stdout
    assert "ad@stm32f4/cmsis-nn: the smallest change to time_s <= 5.00 ms" in done.stdout
    assert "no change of the core's voltage" in done.stdout


@pytest.mark.image
def test_a_damaged_model_is_refused_with_its_file(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(bytes(1000))
    done = sweep_command("--platform", "stm32f4", "--model", str(broken))
    assert isinstance(done.exception, ModelError)
    assert str(done.exception).startswith("broken.tflite: ")


@pytest.mark.emulator
def test_a_damaged_entry_is_simulated_anew_with_a_warning() -> None:
    first = sweep_command("--platform", "stm32f4", "--benchmark", "ad")
    assert "1 simulated, 0 from the store; 1 point priced" in first.stderr
    for entry in default_store().folder.glob("*.counts"):
        entry.write_bytes(entry.read_bytes()[:-1])
    again = sweep_command("--platform", "stm32f4", "--benchmark", "ad")
    assert ".counts is damaged: it is not used, and made anew" in again.stderr
    assert "1 simulated, 0 from the store" in again.stderr
    assert again.stdout == first.stdout


@pytest.mark.emulator
def test_a_frame_without_pandas_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"install simbench-tinyml\[pandas\], or use rows\(\)"):
        on_ad().to_pandas()


@pytest.mark.emulator
def test_the_document_has_points_and_answers() -> None:
    done = sweep_command(
        *("--platform", "stm32f4", "--benchmark", "ad", "--json", "-"),
        *("--zip", "clock=60MHz,90MHz memories.flash.wait_states=1,2", "--goal", "cycles<=9e5"),
    )
    document = json.loads(done.stdout)
    assert document["schema"] == "simbench.sweep/1"
    assert document["axes"] == ["clock", "memories.flash.wait_states"]
    assert document["points"]["memories.flash.wait_states"] == [1, 2]
    assert document["pareto"] == [1]
    assert document["reached"][0]["value"] == "90MHz"
    assert len(document["fingerprint"]) == 64


@pytest.mark.emulator
def test_files_are_written_as_a_study_says_and_options_go_before(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(
        "platforms: [stm32f4]\nbenchmarks: [ad]\ncross: {clock: '40MHz, 80MHz'}\n"
        "outputs: {csv: points.csv, parquet: points.parquet}\n"
    )
    other = tmp_path / "other.csv"
    done = sweep_command(str(tmp_path / "study.yaml"), "--csv", str(other), "--set", "clock=1MHz")
    assert done.return_value == 0
    assert not (tmp_path / "points.csv").exists()
    assert len(other.read_text().splitlines()) == 2
    assert (tmp_path / "points.parquet").read_bytes()[:4] == b"PAR1"


@pytest.mark.emulator
def test_a_study_replaces_no_file_but_with_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, there = tmp_path / "study.yaml", tmp_path / "points.csv"
    study.write_text("platforms: [stm32f4]\nbenchmarks: [ad]\noutputs: {csv: points.csv}\n")
    there.write_text("mine")
    assert _run(["sweep", str(study)]) == 2
    assert "points.csv, an output of the study, is there already" in capsys.readouterr().err
    assert there.read_text() == "mine"
    assert _run(["sweep", str(study), "--csv", str(there)]) == 0
    there.write_text("mine")
    assert _run(["sweep", str(study), "--force"]) == 0
    assert there.read_text().startswith("benchmark,platform")


@pytest.mark.parametrize(
    ("axis", "says"),
    [
        ("clok: 1MHz", ":4: cross.clok: stm32f4.yaml has no number or flag clok"),
        ("clock_hz: 1MHz, 5foo", ":4: cross.clock_hz: stm32f4 with clock=5foo: "),
        ("core.cycles.lod: 1", ":4: cross.core.cycles.lod: "),
        ("core.cycles.load: x", ":4: cross.core.cycles.load: "),
    ],
)
def test_a_wrong_axis_of_a_study_is_told_by_file_and_line(
    tmp_path: Path, axis: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(f"platforms: [stm32f4]\nbenchmarks: [ad]\ncross:\n  {axis}\n")
    assert _run(["sweep", str(study)]) == 2
    assert f"{study}{says}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 4, "nothing to price: name at least one platform"),
        (("--platform", "stm32f5"), 2, "there is no platform stm32f5"),
        (("--platform", "stm32f4", "--set", "clock"), 2, "is not path=values"),
        (("--platform", "stm32f4", "--set", "clok=1MHz"), 2, "no number or flag clok"),
        (("--platform", "stm32f4", "--zip", "clock=1MHz supply=1,2"), 2, "supply has 2 values"),
        (("--platform", "*", "--set", "memories.ccm.size=1KiB"), 2, "apollo3.yaml has no"),
        (("--platform", "stm32f4", "--goal", "speed<=1"), 2, "is not METRIC<=NUMBER"),
        (("--platform", "stm32f4", "--executor", "dask"), 2, "needs the --scheduler"),
        (("--platform", "stm32f4", "--scheduler", "x"), 2, "is of --executor dask"),
        (("--platform", "stm32f4", "--csv", "-", "--json", "-"), 2, "only one file"),
        (("--platform", "stm32f4", "--csv", "/no/such/x.csv"), 2, "there is no folder /no/such"),
        (("no-study.yaml",), 2, "no-study.yaml cannot be read"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: tuple[str, ...], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["sweep", *arguments]) == code
    said = capsys.readouterr().err.strip()
    assert words in said
    assert "\n" not in said


@pytest.mark.emulator
def test_a_simulation_that_fails_is_told_and_the_others_are_priced(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(task: Task, *rest: object) -> Observation:
        if task.platform.core == "cortex-m33":
            raise InfrastructureError("the emulator crashed")
        return measure(task, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("simbench.cli.sweep.LOCAL", Executor(failing))
    arguments = ("--benchmark", "ad", "--platform", "stm32f4", "--platform", "stm32u575")
    assert _run(["sweep", *arguments]) == 3
    said = capsys.readouterr()
    assert said.err.strip().endswith("ad@stm32u575/cmsis-nn: the emulator crashed")
    assert "error" in said.out
    assert _run(["sweep", "--benchmark", "ad", "--platform", "stm32u575"]) == 3
    assert "–\nerror" in re.sub(" +", "", capsys.readouterr().out)


@pytest.mark.emulator
def test_a_browser_draws_the_page_on_a_desk_and_on_a_phone_in_the_dark(
    waits: Sweep, tmp_path: Path
) -> None:
    path = tmp_path / "sweep.html"
    path.write_text(sweep_page(waits))
    with chromium(tmp_path / "profile") as tab:
        light = colours_of(shown(tab, path, 1280, "light", mobile=False))
        dark = colours_of(shown(tab, path, 390, "dark", mobile=True))
        assert tab.complaints() == []
        assert {url.split("#")[0] for url in tab.requests()} == {path.as_uri()}
    assert {INK, LINE} <= set(light)
    assert {INK, LINE}.isdisjoint(dark)
    for picture in (light, dark):
        assert picture.get(PALETTE[0], 0) > 100, "no bar is drawn"
