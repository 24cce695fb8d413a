from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from simbench.catalog.benchmarks import load_benchmarks
from simbench.files.paths import data_dir
from simbench.models.source import source_bytes

pytest_plugins = ("pytester",)

TESTS = """
import pytest

AD = {"platform": "stm32f4", "benchmark": "ad", "samples": 1}

def test_the_fixture_gives_numbers(simbench):
    ad = simbench.run(**AD)
    assert ad.cycles < 12e6
    assert ad.result.cycles.lower <= ad.cycles <= ad.result.cycles.upper
    assert 0 < ad.time_s < 0.1
    assert 0 < ad.energy_j < 5e-3
    assert isinstance(ad.instructions, int)
    assert ad.arena_bytes < ad.ram_bytes < 128 * 1024 < ad.flash_bytes
    assert 0 < ad.stack_bytes < ad.ram_bytes
    assert (ad.status, ad.parity) == ("ok", True)

def test_a_users_model_by_its_path(simbench):
    own = simbench.run(platform="nrf52840", model="models/own.tflite", samples=1)
    assert own.result.id == "own@nrf52840/cmsis-nn"

@pytest.mark.simbench(**AD, cycles="12e6", energy_j="5mJ", arena_bytes="64KiB", parity=True)
def test_budgets_that_are_met():
    pass

@pytest.mark.simbench(**AD, cycles="8e5")
def test_a_breached_budget():
    raise AssertionError("the body shall not run")

def test_a_comparison_that_fails(simbench):
    assert simbench.run(**AD).energy_j < 1e-6

def test_a_budget_as_an_argument(simbench):
    simbench.run(**AD, arena_bytes="1KiB")

def test_an_energy_that_is_not_known(simbench):
    simbench.run(platform="apollo3", benchmark="ad", samples=1).energy_j

def test_what_does_not_fit(simbench):
    simbench.run(platform="small.yaml", benchmark="ad", samples=1)

@pytest.mark.simbench(**AD, cylces=1)
def test_a_budget_spelt_wrong():
    pass

@pytest.mark.simbench("stm32f4")
def test_a_marker_without_a_platform():
    pass

def test_an_unknown_board(simbench):
    simbench.run(platform="stm32f5", benchmark="ad")

def test_neither_model_nor_benchmark(simbench):
    simbench.run(platform="stm32f4")

def test_no_such_model(simbench):
    simbench.run(platform="stm32f4", model="models/gone.tflite")
"""


@pytest.mark.emulator
def test_tests_pass_and_fail_by_what_the_firmware_does(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    models = pytester.mkdir("models")
    (models / "own.tflite").write_bytes(source_bytes(load_benchmarks()["ad"].model))
    board = (data_dir("platforms") / "stm32f4.yaml").read_text().replace("id: stm32f4", "id: small")
    (pytester.path / "small.yaml").write_text(board.replace("value: 128KiB", "value: 2KiB"))
    # two workers at once: they may build, run and store the same things
    done = pytester.runpytest_subprocess("-n", "2", "--strict-markers", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=3, failed=10)
    said = done.stdout.str()
    for sentence in (
        "k over its budget of 800 k, +",
        "most cycles go into",
        "layer 10: FULLY_CONNECTED",
        "<ad@stm32f4/cmsis-nn ok: instructions",
        "over its budget of 1,024 bytes",
        "ad@small/cmsis-nn is does-not-fit: the arena",
        "apollo3/cmsis-nn has no energy_j: ",
        "there is no budget for cylces: did you mean cycles?",
        "the marker simbench needs a platform='...', by keyword",
        "there is no platform stm32f5: did you mean stm32f4",
        "give a model or a benchmark: one of the two",
        "cannot read the model",
    ):
        assert sentence in said
    assert "the body shall not run" not in said.split("short test summary")[1]
    assert "During handling" not in said


def test_the_plugin_costs_a_session_that_does_not_use_it_no_imports(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\ndef test_nothing():\n"
        "    loaded = [name for name in sys.modules if name.startswith('simbench')]\n"
        "    assert loaded == ['simbench', 'simbench.pytest_plugin']\n"
        "    assert 'numpy' not in sys.modules\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_marker_is_listed(pytester: pytest.Pytester) -> None:
    done = pytester.runpytest_subprocess("--markers")
    assert "@pytest.mark.simbench(platform, model=None" in done.stdout.str()
