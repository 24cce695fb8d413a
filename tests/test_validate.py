"""Published silicon results, and the model against them."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from simbench.backends import backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform, platform_caches
from simbench.catalog.scenario import Scenario
from simbench.cli.main import _run
from simbench.cost.cores.core import load_core
from simbench.cost.price import estimate
from simbench.cost.residuals import load_target, residual
from simbench.counts import ACCESS, CACHE_EVENT, EDGE, Block, Counts, SectionCounts
from simbench.errors import EXIT_GOOD, EXIT_USAGE, UsageError
from simbench.exports.validation import Validated, model_error_page, render_json, residuals_file
from simbench.files.paths import data_dir
from simbench.result.estimate import Estimate
from simbench.session.measure import measure
from simbench.task.tasks import suite_task
from simbench.validation.basis import EnergyBasis, energy_basis, spread
from simbench.validation.silicon import LIKE, OTHER_STACK, silicon_rows
from simbench.validation.validate import Comparison, compare, summary

BOARD = load_platform("stm32l4r5")
ROW = next(r for r in silicon_rows() if r.submitter == "OctoML" and r.likeness == LIKE)
NOP = bytes.fromhex("00bf")


# ---- the published rows ----


def test_every_published_row_is_whole() -> None:
    rows = silicon_rows()
    benchmarks = load_benchmarks()
    assert len(rows) == 103
    assert all(row.benchmark in benchmarks and row.source for row in rows)
    # fewer than one cycle in three for a multiply-accumulate, or more than thirty, is a slip
    for row in rows:
        macs = benchmarks[row.benchmark].macs
        assert macs is not None
        assert 0.3 < row.cycles / macs < 30


def test_rows_are_like_ours_by_kernels_stack_and_compiler() -> None:
    like = Counter((r.submitter, r.platform) for r in silicon_rows() if r.likeness == LIKE)
    assert like == {
        ("OctoML", "stm32l4r5"): 4,
        ("OctoML", "nrf5340"): 4,
        ("Krai", "stm32l4r5"): 4,
        ("renesas", "ra6m4"): 4,
        ("dippmatt (thesis)", "stm32l4r5"): 2,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"kernels": "TVM native schedules"},
        {"compiler": "mbed develop profile -Os -fno-builtin"},
        {"stack": "ONNC (generated C calling CMSIS-NN)"},
    ],
)
def test_another_stack_is_not_like_ours(change: dict[str, str]) -> None:
    assert replace(ROW, **change).likeness == OTHER_STACK  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("cycles", "many", "many"),
        ("cycles", "-3", "-3 is not a positive number"),
        ("energy_uj", "0", "0.0 is not a positive number"),
        ("weights", "moon", "moon"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, column: str, value: str, said: str) -> None:
    with (data_dir("platforms") / "silicon.csv").open(newline="") as file:
        head, first, *_ = csv.reader(file)
    wrong = [value if name == column else cell for name, cell in zip(head, first, strict=True)]
    path = tmp_path / "own.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, first, wrong])
    with pytest.raises(UsageError, match=rf"own\.csv:3: .*{re.escape(said)}"):
        silicon_rows(path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("round,submitter\n1.0,me\n")
    with pytest.raises(UsageError, match=r"own\.csv:2: board is missing"):
        silicon_rows(path)


# ---- comparing ----


def counted(executions: int) -> Counts:
    """A thousand times as many cycles, and nothing else."""
    block = Block(0, NOP * 1000, 1000)
    caches = platform_caches(BOARD)
    section = SectionCounts(
        np.array([executions], np.int64),
        np.zeros(0, EDGE),
        np.zeros(0, ACCESS),
        {cache.name: np.zeros(0, CACHE_EVENT) for cache in caches},
    )
    return Counts((block,), section, (), caches)


def test_errors_are_the_model_s_over_silicon() -> None:
    found = compare(replace(ROW, cycles=100_000), BOARD, counted(110))
    assert found.error == pytest.approx(0.1)
    assert found.modelled_cycles.value == 110_000


def energy_error(**row: object) -> tuple[float | None, str]:
    found = compare(replace(ROW, cycles=100_000, **row), BOARD, counted(110))  # type: ignore[arg-type]
    return found.energy_error, found.energy_reason


def test_energy_is_compared_a_cycle_at_the_platform_s_supply() -> None:
    modelled = compare(ROW, BOARD, counted(110)).modelled_energy_j
    assert modelled is not None
    alike = modelled.value / 1.1  # of a hundred thousand cycles
    error, reason = energy_error(energy_j=alike, supply_v=1.8, regulator="LDO")
    assert error == pytest.approx(0)
    assert reason == ""
    # an LDO's current is the same from 3.6 V
    error, reason = energy_error(energy_j=2 * alike, supply_v=3.6, regulator="LDO")
    assert error == pytest.approx(0)
    assert "brought to 1.8 V" in reason
    assert energy_error(energy_j=alike, supply_v=3.0, regulator="external SMPS") == (
        None,
        "measured at 3 V, external SMPS",
    )
    assert energy_error(energy_j=alike, supply_v=None)[1] == "supply not stated"
    assert energy_error(energy_j=None) == (None, "not measured")


def made(platform: str, error: float, calibrates: str = "") -> Comparison:
    row = replace(ROW, platform=platform, cycles=1_000_000, calibrates=calibrates)
    value = 1e6 * (1 + error)
    return Comparison(
        row, Estimate(value, value * 0.9, value * 1.1, "made"), None, error, 1e-3, error, ""
    )


def test_the_summary_is_over_rows_like_ours() -> None:
    rows = [made("a", 0.05), made("a", -0.15), made("b", 0.1, "energy")]
    other = replace(made("a", 0.9), row=replace(ROW, stack="another"))
    figures = summary([*rows, other])
    assert figures.rows == 3
    assert figures.mean_abs_error == pytest.approx(0.1)
    assert figures.max_abs_error == pytest.approx(0.15)
    assert figures.covered == pytest.approx(2 / 3)
    # what calibrated the energy does not prove it
    assert figures.energy_rows == 2
    assert figures.energy_mean_abs_error == pytest.approx(0.1)


def test_no_rows_are_no_error_of_zero() -> None:
    figures = summary([])
    assert (figures.rows, figures.mean_abs_error, figures.covered) == (0, None, None)


def test_residuals_are_written_as_they_are_read() -> None:
    text = residuals_file({"elsewhere": 0.10001, "a": 0.05})
    assert text.endswith("cycles:\n  elsewhere: 0.101\n  a: 0.050\n")


def test_the_page_shows_every_row() -> None:
    rows = [made("a", 0.05), made("b", -0.15, "energy")]
    page = model_error_page(rows, summary(rows))
    figure = page[page.index("<figure>") : page.index("</figure>") + len("</figure>")]
    assert len(ElementTree.fromstring(figure).findall(".//{*}circle")) == 2
    assert "mean difference **10.0%**" in page
    assert "⚙" in page


def priced(system: str, measured_pj: float, modelled_pj: float, calibrates: str) -> Comparison:
    """A row of the board whose energy a cycle was measured, and is modelled, so."""
    row = replace(ROW, submitter=system, platform=BOARD.id, cycles=10**6, calibrates=calibrates)
    row = row if not calibrates else replace(row, stack="another", round=f"{system}.0")
    cycles, energy = (Estimate(v, v, v, "made") for v in (1e6, 1e6 * modelled_pj))
    return Comparison(row, cycles, energy, 0.0, None, modelled_pj / measured_pj - 1, "")


def test_the_basis_of_an_energy_is_its_systems() -> None:
    calibrating = [priced("1", 300, 400, "energy"), priced("2", 500, 400, "energy")]
    newer = replace(calibrating[1], row=replace(calibrating[1].row, stack="another 2.0.1"))
    like = [priced("3", 400, 400, ""), priced("3", 500, 400, "")]
    # three quarters of the model's 400 pJ are 300
    assert energy_basis([*like, newer, *calibrating], BOARD.id) == EnergyBasis(2, (0.25, 0.4))
    assert energy_basis(calibrating, BOARD.id) is None
    assert energy_basis(like, BOARD.id) is None
    page = model_error_page([*like, *calibrating], summary(like))
    assert "is the mean of 2 published systems" in page
    assert "25 to 40 % below" in " ".join(page.split())


def test_the_spread_of_a_submitter_is_over_its_rows() -> None:
    rows = [replace(ROW, benchmark="kws", submitter="Skymizer", cycles=n) for n in (100, 114, 107)]
    both = [replace(made("a", 0.0), row=row) for row in rows]
    assert spread(both, "Skymizer", "kws") == pytest.approx(0.14)
    assert spread(both[:1], "Skymizer", "kws") is None
    assert spread(both, "Skymizer", "ad") is None
    said = " ".join(model_error_page(both, summary(both)).split())
    assert "differ by 14 % in kws" in said
    assert "takes 50 frames" in said
    assert "differ by" not in model_error_page(both[:1], summary(both[:1]))


def test_the_json_says_what_it_is() -> None:
    rows = [made("a", 0.05)]
    document = json.loads(render_json(Validated(rows, summary(rows))))
    assert document["schema"] == "simbench.validation/1"
    assert document["summary"]["rows"] == 1
    row = document["rows"][0]
    assert row["likeness"] == "like"
    assert row["calibrates"] is False
    assert row["modelled_cycles"]["value"] == pytest.approx(1.05e6)


# ---- the model against silicon ----


def test_a_platform_without_published_results_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _run(["validate", "--platform", "stm32f4"]) == EXIT_USAGE
    assert "stm32l4r5" in capsys.readouterr().err


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, object]]]:
    path = tmp_path_factory.mktemp("validate") / "validation.json"
    assert _run(["validate", "--platform", BOARD.id, "--json", str(path)]) == EXIT_GOOD
    found: dict[str, list[dict[str, object]]] = json.loads(path.read_text())
    return found


@pytest.mark.emulator
def test_cycles_are_as_near_to_silicon_as_promised(
    validated: dict[str, dict[str, float]],
) -> None:
    figures = validated["summary"]
    assert figures["rows"] == 10
    assert figures["mean_abs_error"] <= 0.08
    assert figures["max_abs_error"] <= 0.15


@pytest.mark.emulator
def test_what_weights_in_flash_cost_is_as_measured(
    validated: dict[str, list[dict[str, object]]],
) -> None:
    """The share of the cycles of ad that goes when its weights are in RAM, within a fifth."""
    rows = [r for r in validated["rows"] if r["submitter"] == "bosch" and r["benchmark"] == "ad"]
    by_weights = {r["weights"]: r for r in rows}
    measured, modelled = (
        1 - cycles(by_weights["ram"]) / cycles(by_weights["flash"])
        for cycles in (_measured, _modelled)
    )
    assert modelled == pytest.approx(measured, rel=0.2)


def _measured(row: dict[str, object]) -> float:
    assert isinstance(row["measured_cycles"], int)
    return row["measured_cycles"]


def _modelled(row: dict[str, object]) -> float:
    assert isinstance(row["modelled_cycles"], dict)
    return float(row["modelled_cycles"]["value"])


@pytest.mark.emulator
def test_every_cache_of_the_board_is_watched_and_every_instruction_known() -> None:
    emulator = backend("qemu")
    scenario = Scenario("kws", BOARD.id)
    benchmark = load_benchmarks()["kws"]
    task = suite_task(scenario, BOARD, benchmark, emulator.machine(BOARD.core), 1)
    counts = measure(task, emulator).counts
    price = estimate(counts, counts.inference, load_target(BOARD, load_core(BOARD.core)))
    assert price.notes == ()
    assert price.coverage == 1.0


def test_the_stated_residuals_are_those_of_the_boards() -> None:
    assert 0 < residual("elsewhere", "none") < 0.2
    assert residual("no-such-board", "cortex-m85") == residual("elsewhere", "none")
    assert residual("nrf5340", "cortex-m33") == residual("no-such-board", "cortex-m33")
    assert residual("stm32u575", "cortex-m33") != residual("nrf5340", "cortex-m33")
