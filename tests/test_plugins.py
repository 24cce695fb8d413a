"""Formats of other distributions, found by their entry points in distributions on the path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_runs import made_result, made_run

from simbench.cli.main import _run
from simbench.exports import formats
from simbench.exports import json as json_export
from simbench.files.plugins import load_plugin

MINE = "def render(run):\n    return ' '.join(result.id for result in run.results)\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of distributions on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "run.json"
    path.write_text(json_export.render(made_run([made_result()])))
    return path


def install(
    site: Path,
    module: str,
    code: str,
    name: str = "run.mine",
    group: str = "simbench.exports",
    made: str = "render",
) -> None:
    """A distribution of one module, ``code``, whose ``made`` is the entry point ``name``."""
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}:{made}\n")
    (site / f"{module}.py").write_text(code)


def test_a_report_is_written_in_the_format_of_a_plugin(
    site: Path, stored: Path, tmp_path: Path
) -> None:
    install(site, "simbench_mine_good", MINE)
    written = tmp_path / "mine"
    assert _run(["report", str(stored), f"--export=mine={written}"]) == 0
    assert written.read_text() == "kws@stm32f4/cmsis-nn"


@pytest.mark.emulator
def test_a_run_is_written_in_the_format_of_a_plugin(site: Path, tmp_path: Path) -> None:
    install(site, "simbench_mine_run", MINE)
    written = tmp_path / "mine"
    arguments = ["run", "--platform", "stm32f4", "--benchmark", "ad", "--samples", "1"]
    assert _run([*arguments, f"--export=mine={written}"]) == 0
    assert written.read_text() == "ad@stm32f4/cmsis-nn"


def test_a_comparison_is_written_in_the_format_of_a_plugin(
    site: Path, stored: Path, tmp_path: Path
) -> None:
    code = "def render(comparison):\n    return str(len(comparison.entries))\n"
    install(site, "simbench_mine_comparison", code, "comparison.mine")
    written = tmp_path / "mine"
    assert _run(["compare", str(stored), str(stored), f"--export=mine={written}"]) == 0
    assert written.read_text() == "1"


def test_a_plugin_is_of_one_subject(site: Path) -> None:
    install(site, "simbench_mine_subject", MINE)
    assert "mine" in formats("run")
    assert "mine" not in formats("profile")
    assert "mine" not in formats("comparison")


def test_a_built_in_format_goes_before_a_plugin(site: Path) -> None:
    install(site, "simbench_mine_csv", MINE, "run.csv")
    assert load_plugin("simbench.exports", "run.csv") is not None
    assert formats("run")["csv"](made_run([made_result()])).startswith("id,")


def test_a_format_is_listed_without_being_loaded(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "simbench_mine_listed", "raise ValueError\n")
    assert _run(["list", "formats", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["formats"]
    of_plugin = {"subject": "run", "name": "mine", "distribution": "simbench_mine_listed 1.0"}
    assert of_plugin in listed
    assert {row["name"] for row in listed if row["subject"] == "profile"} == set(formats("profile"))


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("raise ValueError('no\\nluck')\n", 2, "cannot be imported: ValueError: no"),
        ("raise SystemExit(0)\n", 2, "cannot be imported: SystemExit: 0"),
        ("import simbench_is_not_there\n", 2, "cannot be imported: ModuleNotFoundError"),
        ("reader = 1\n", 2, "cannot be imported: AttributeError"),
        ("render = 1\n", 2, "is no function, but int"),
        ("def render(run):\n    return 1 / 0\n", 3, "failed: ZeroDivisionError: division by zero"),
        ("def render(run):\n    return 1\n", 2, "gave no text, but int"),
    ],
    ids=["raises", "exits", "imports", "lacks", "number", "fails", "textless"],
)
def test_a_bad_plugin_is_one_sentence(
    site: Path,
    stored: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
    code: str,
    status: int,
    said: str,
) -> None:
    install(site, f"simbench_bad_{request.node.callspec.id}", code)
    assert _run(["report", str(stored), "--export=mine=-"]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert said in line


def test_two_plugins_of_one_name_are_refused(
    site: Path, stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "simbench_mine_one", MINE)
    install(site, "simbench_mine_two", MINE)
    assert _run(["report", str(stored), "--export=mine=-"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "simbench_mine_one:render, simbench_mine_two:render" in line


def test_a_name_that_nobody_has_is_refused(
    stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["report", str(stored), "--export=nobody=-"]) == 2
    assert "formats are json, html, csv" in capsys.readouterr().err
