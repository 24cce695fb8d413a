"""simbench from Python: what it offers, shown and as rows."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import click
import pytest
from made_runs import made_layer, made_result, made_run

import simbench
from simbench import errors
from simbench.cli.main import cli
from simbench.comparisons import compare as compare_runs
from simbench.result.metrics import METRICS
from simbench.result.tree import DOES_NOT_FIT, ERROR, FAILED, Accuracy, Budget, Prediction, Run
from simbench.runs.outcome import Outcome

AD: dict[str, Any] = {"platform": "stm32f4", "benchmark": "ad"}
ROOMS = """
import importlib, inspect, pkgutil, simbench
for found in pkgutil.iter_modules(simbench.__path__):
    importlib.import_module(f"simbench.{found.name}")
for name in simbench.__all__:
    print(name, inspect.isfunction(getattr(simbench, name)))
"""


def outcome(*ids: str) -> Outcome:
    return Outcome(made_run([made_result(id_) for id_ in ids]))


def test_functions_stay_functions_once_every_room_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", ROOMS], capture_output=True, text=True, check=True)
    functions = {line.split()[0] for line in done.stdout.splitlines() if line.endswith("True")}
    assert functions == {*("compare", "measure", "profile", "read", "run", "sweep", "sweep_study")}


def test_importing_simbench_imports_nothing_of_it() -> None:
    code = "import simbench, sys; print([m for m in sys.modules if m[:5] in ('simbe', 'numpy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['simbench']\n"


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'walk'"):
        simbench.walk  # noqa: B018
    assert set(simbench.__all__) <= set(dir(simbench))


@pytest.mark.parametrize(
    ("function", "added", "left_out"),
    [
        (
            simbench.run,
            {"budgets"},
            {
                *("port", "baud", "lock", "locked"),
                *("models", "parquet", "parity", "layers", "jobs", "executor", "scheduler"),
            },
        ),
        (simbench.profile, set(), {"top"}),
        (
            simbench.sweep,
            set(),
            {"study", "force", "executor", "scheduler", "csv", "parquet", "html"},
        ),
        (simbench.compare, {"name"}, {"layers", "as"}),  # "as" is a word of Python
    ],
)
def test_keywords_are_the_options_of_the_verb(
    function: Callable[..., object], added: set[str], left_out: set[str]
) -> None:
    verb = cli.get_command(click.Context(cli), function.__name__)
    assert verb is not None
    names = {option for parameter in verb.params for option in parameter.opts}
    options = {name.removeprefix("--").replace("-", "_") for name in names} - {"json", "export"}
    assert set(inspect.signature(function).parameters) == (options | added) - left_out


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"budgets": {"cylces": 1}}, "there is no budget for cylces: did you mean cycles?"),
        ({"time_limit": 0}, "--time-limit is 0: wait 0.1 s or more"),
        ({"time_limit": float("nan")}, "--time-limit is nan: wait"),
        ({"accuracy_on": "moon"}, "--accuracy-on is moon: choose host or emulator"),
        ({"benchmark": ["ad", "kwz"]}, "kwz"),
    ],
)
def test_what_the_command_lines_parser_would_refuse_is_refused(
    keywords: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(errors.UsageError, match=sentence.replace("?", r"\?")):
        simbench.run(**{**AD, **keywords})


def test_one_number_is_not_asked_of_several_results() -> None:
    several = outcome("kws@stm32f4/cmsis-nn", "ad@stm32f4/cmsis-nn")
    with pytest.raises(errors.UsageError, match="there are 2 results, and one is asked for"):
        several.cycles  # noqa: B018
    with pytest.raises(errors.UsageError, match="there is no result vww: there are kws@"):
        several["vww"]
    assert several["ad"].instructions == 500
    with pytest.raises(FrozenInstanceError):
        several.run = made_run()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("facts", "is_good"),
    [
        ({}, True),
        ({"status": DOES_NOT_FIT, "reason": "too big"}, True),
        ({"status": FAILED, "reason": "wrong"}, False),
        ({"status": ERROR, "reason": "it hung"}, False),
        ({"budgets": (Budget("cycles", 1.0, 1000.0, False),)}, False),
        ({"budgets": (Budget("cycles", 2e3, 1000.0, True),)}, True),
        ({"status": DOES_NOT_FIT, "budgets": (Budget("cycles", 2e3, None, False),)}, False),
        ({"accuracy": Accuracy("top1", 0.5, 9, 0.9, False, "host", 9, "")}, False),
        ({"accuracy": Accuracy("top1", 0.5, 9, None, None, "host", 9, "")}, True),
    ],
)
def test_a_run_is_good_where_the_command_line_exits_with_0(
    facts: dict[str, Any], is_good: bool
) -> None:
    assert Outcome(made_run([made_result(), made_result("a@b/c", **facts)])).is_good is is_good


def test_rows_have_every_metric_and_its_range() -> None:
    bare = made_result("a@b/c", energy_j=None, memory=None, missing={"energy_j": "no currents"})
    whole, partial = Outcome(made_run([made_result(), bare])).rows()
    assert set(METRICS) <= set(whole)
    assert list(whole) == list(partial)
    assert (whole["cycles_lower"], whole["cycles"], whole["cycles_upper"]) == (
        900.0,
        1000.0,
        1100.0,
    )
    assert [partial[name] for name in ("energy_j", "energy_j_upper", "flash_bytes")] == [None] * 3


def test_a_frame_keeps_whole_numbers_whole_and_unknown_ones_missing() -> None:
    bare = made_result("a@b/c", energy_j=None, memory=None)
    frame = Outcome(made_run([made_result(), bare])).to_pandas()
    assert str(frame["instructions"].dtype) == "Int64"
    assert str(frame["flash_bytes"].dtype) == "Int64"
    assert str(frame["energy_j"].dtype) == "float64"
    assert list(frame["flash_bytes"].isna()) == [False, True]
    assert list(frame["energy_j"].isna()) == [False, True]
    assert str(Outcome(made_run([bare])).to_pandas()["energy_j"].dtype) == "float64"


def test_a_notebook_shows_values_ranges_and_reasons_escaped() -> None:
    big = made_result(
        "<b>@stm32f4/cmsis-nn",
        status=DOES_NOT_FIT,
        reason="the arena needs <9> bytes",
        energy_j=None,
        missing={"energy_j": "no <currents>"},
    )
    seen = made_result(predictions=(Prediction("cat.png", "c&t", 0.72),))
    shown = Outcome(made_run([seen, big]), ("an entry was damaged",))._repr_html_()
    assert "says of cat.png: c&amp;t 0.72" in shown
    assert '1.00 k<br><small style="opacity:.65">0.90–1.10</small>' in shown
    assert "does-not-fit<br>" in shown
    assert "the arena needs &lt;9&gt; bytes" in shown
    assert "<p>&lt;b&gt;@stm32f4/cmsis-nn: no energy: no &lt;currents&gt;</p>" in shown
    assert "<p>an entry was damaged</p>" in shown
    assert "<b>@" not in shown
    assert "http" not in shown


def write(path: Path, run: Run) -> Path:
    Outcome(run).write_json(path)
    return path


def test_a_comparison_of_files_and_outcomes(tmp_path: Path) -> None:
    before, slow = made_run(), made_run([made_result(cycles=None, instructions=600)])
    path = write(tmp_path / "base.json", before)
    found = simbench.compare(path, Outcome(slow), fail_on="instructions:+1%")
    assert found.entries == compare_runs(before, slow).entries
    assert len(found.breaches) == len(found) == 1
    rows = {row["metric"]: row for row in found.rows()}
    assert (rows["instructions"]["base"], rows["instructions"]["relative"]) == (500, 0.2)
    assert rows["cycles"]["new"] is None
    assert list(found.to_pandas()["metric"]) == list(METRICS)
    shown = found._repr_html_()
    assert '600<br><small style="opacity:.65">+100, +20.00 %</small>' in shown
    assert "was 1,000" in shown
    assert f"<p>{found.breaches[0]}</p>" in shown
    assert found["kws@stm32f4/cmsis-nn"].state == "changed"
    with pytest.raises(errors.UsageError, match="there is no entry vww: there are kws@"):
        found["vww"]


def test_runs_that_were_not_run_alike_are_compared_by_force_alone() -> None:
    base, other = made_run(), made_run(settings={"samples": 2})
    with pytest.raises(errors.UsageError, match=r"for they differ: .*samples"):
        simbench.compare(Outcome(base), Outcome(other))
    forced = simbench.compare(Outcome(base), Outcome(other), force=True)
    assert "<p>other conditions: " in forced._repr_html_()
    with pytest.raises(errors.NothingRun, match="nothing was compared"):
        simbench.compare(Outcome(base), Outcome(base), only="vww")


def test_an_edited_file_is_said_to_be_edited(tmp_path: Path) -> None:
    path = write(tmp_path / "base.json", made_run())
    path.write_text(path.read_text().replace('"instructions": 500', '"instructions": 501'))
    found = simbench.read(path)
    assert isinstance(found, Outcome)
    assert "base.json was edited" in found.warnings[0]
    compared = simbench.compare(path, Outcome(made_run()))
    assert compared.notes == found.warnings
    assert "base.json was edited" in compared._repr_html_()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"schema": "simbench.lock/1"}, "holds schema simbench.lock/1 where simbench.result/1, "),
        ({"schema": "simbench.sweep/9"}, "this simbench reads up to simbench.sweep/1"),
        ({"schema": "simbench.sweep/1"}, "is damaged: Object missing required field `axes`"),
        ({"schema": "simbench.profile/1"}, "is damaged: Object missing required field `title`"),
        ([], "holds no result: write one with simbench run, profile or sweep --json"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, document: object, sentence: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    with pytest.raises(errors.UsageError, match=sentence):
        simbench.read(path)


def test_a_sweep_whose_columns_differ_in_length_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "sweep.json"
    content = {
        "schema": "simbench.sweep/1",
        **{key: [] for key in ("axes", "reasons", "notes")},
        **{"points": {"a": [1, None], "b": ["x"]}, "base": {}, "settings": {}, "simulations": 1},
    }
    path.write_text(json.dumps(content))
    with pytest.raises(errors.UsageError, match="its columns differ in length"):
        simbench.read(path)


def test_layers_are_shown_with_their_names_escaped() -> None:
    named = made_result(layers=(made_layer(0, "CONV_2D", "<x>", 1.0),))
    assert "<x>" not in Outcome(made_run([named]))._repr_html_()
