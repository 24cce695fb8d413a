"""The GitHub action and workflows: checked against GitHub's schemas, their steps run here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from simbench.benchmarks import load_benchmarks
from simbench.cli.init import DEFAULT_ACTION, WORKFLOW_FILE, find_models
from simbench.cli.main import _run
from simbench.models.source import source_bytes
from simbench.suites.file import SUITE_FILE, read_suite

ROOT = Path(__file__).resolve().parent.parent
ACTION = ROOT / "action.yml"


def check(schema: str, path: Path) -> None:
    """Check a file against one of the schemas that check-jsonschema carries."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_action_is_what_github_takes() -> None:
    check("vendor.github-actions", ACTION)


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda p: p.name
)
def test_the_workflows_are_what_github_takes(path: Path) -> None:
    check("vendor.github-workflows", path)


def step(name: str) -> str:
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    script: str = next(step["run"] for step in steps if step["name"] == name)
    return script


@pytest.mark.parametrize(("budget", "code"), [("12e6", 0), ("1e3", 1)])
def test_the_actions_step_runs_the_suite_and_writes_the_summary(
    tmp_path: Path, budget: str, code: int
) -> None:
    suite = f"platforms: [stm32f4]\nbenchmarks: [ad]\nbudgets: {{ad: {{cycles: {budget}}}}}\n"
    (tmp_path / SUITE_FILE).write_text(suite)
    given = {name: tmp_path / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step("Run the benchmarks")],
        cwd=tmp_path,
        env={
            **os.environ,
            **{name: str(path) for name, path in given.items()},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(tmp_path),
            "ARGUMENTS": "--samples 1 --benchmark ad",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    result = Path(given["GITHUB_OUTPUT"].read_text().strip().removeprefix("result="))
    (only,) = json.loads(result.read_text())["results"]
    assert only["parity"]["samples"] == 1
    assert only["budgets"][0]["is_met"] == (code == 0)
    assert "stm32f4" in given["GITHUB_STEP_SUMMARY"].read_text()


def test_the_actions_set_up_puts_simbench_on_the_path(tmp_path: Path) -> None:
    action = tmp_path / "action"
    action.mkdir()
    (action / "Makefile").write_text("setup:\n\t@echo made\n")
    path = tmp_path / "path"
    environment = {**os.environ, "GITHUB_ACTION_PATH": str(action), "GITHUB_PATH": str(path)}
    command = ["bash", "-eo", "pipefail", "-c", step("Set up simbench")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "made" in done.stdout
    assert path.read_text() == f"{action}/.venv/bin\n"


def test_init_writes_a_suite_of_the_models_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = source_bytes(load_benchmarks()["ad"].model)
    for place in ("my models/Wake: word.tflite", "b/wake-word.tflite", ".venv/x.tflite"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_bytes(model)
    assert _run(["init", "--platform", "nrf52840", "--schema", "schema.json"]) == 0
    assert DEFAULT_ACTION.partition("/")[0] in capsys.readouterr().out
    suite = read_suite(Path(SUITE_FILE))
    assert [platform.id for platform in suite.platforms] == ["nrf52840"]
    assert [benchmark.id for benchmark in suite.benchmarks] == ["wake-word", "wake-word-2"]
    check("vendor.github-workflows", tmp_path / WORKFLOW_FILE)
    text = (tmp_path / SUITE_FILE).read_text()
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    schema = json.loads((tmp_path / "schema.json").read_text())
    # the commented budgets are right as they stand
    for suite_text in (text, re.sub("(?m)^# (budgets:|  wake)", r"\1", text)):
        jsonschema.validate(yaml.safe_load(suite_text), schema)
        (tmp_path / SUITE_FILE).write_text(suite_text)
        limits = read_suite(Path(SUITE_FILE)).limits
    assert [limit.metric for limit in limits] == ["cycles", "energy_j", "arena_bytes"]


def test_init_without_models_names_the_benchmarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(["init"]) == 0
    assert {b.id for b in read_suite(Path(SUITE_FILE)).benchmarks} == set(load_benchmarks())


@pytest.mark.parametrize("there", [SUITE_FILE, WORKFLOW_FILE])
def test_init_overwrites_nothing_unless_told_to(
    there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / there).write_text("mine")
    assert _run(["init"]) == 2
    assert "--force" in capsys.readouterr().err
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / there]
    assert (tmp_path / there).read_text() == "mine"
    assert _run(["init", "--force"]) == 0
    assert (tmp_path / there).read_text() != "mine"


def test_models_are_found_in_order_and_not_in_hidden_or_build_folders(tmp_path: Path) -> None:
    for name in ("z.tflite", "a/b.tflite", "a/c.txt", "build/no.tflite", ".git/no.tflite"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_models(tmp_path)]
    assert found == ["z.tflite", "a/b.tflite"]
