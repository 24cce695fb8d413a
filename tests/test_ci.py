"""The GitHub action and workflows: checked against GitHub's schemas, their steps run here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml

from simbench.catalog.benchmarks import load_benchmarks
from simbench.cli.init import DEFAULT_ACTION, WORKFLOW_FILE, find_models, workflow
from simbench.cli.main import _run
from simbench.exports.markdown import MARKER
from simbench.models.reference import MICRO_RELEASE
from simbench.models.source import source_bytes
from simbench.result.notice import SENTENCE
from simbench.suites.file import SUITE_FILE, read_suite

ROOT = Path(__file__).resolve().parent.parent
ACTION = ROOT / "action.yml"
MADE_OF = "Say what simbench is made of"


def check(schema: str, path: Path) -> None:
    """Check a file against one of the schemas that check-jsonschema carries."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.image
def test_the_action_is_what_github_takes() -> None:
    check("vendor.github-actions", ACTION)


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda p: p.name
)
def test_the_workflows_are_what_github_takes(path: Path) -> None:
    check("vendor.github-workflows", path)


@pytest.mark.parametrize("target", ["check", "test"])
def test_the_workflow_runs_both_doors_on_every_python_from_the_first_on(target: str) -> None:
    job = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"][target]
    assert {"run": f"make {target}"} in job["steps"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    first = int(project["requires-python"].removeprefix(">=3."))
    assert job["strategy"]["matrix"]["python"] == [f"3.{first + n}" for n in range(4)]


def test_the_advised_release_of_tflite_micro_is_the_one_that_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pinned,) = (name for name in project["dependencies"] if name.startswith("tflite-micro"))
    assert pinned.startswith(f"tflite-micro=={MICRO_RELEASE};")


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.name
)
def test_the_issue_forms_are_what_github_takes(path: Path) -> None:
    check("vendor.github-issue-forms", path)


def test_a_board_request_asks_for_what_a_board_file_needs() -> None:
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/board.yml").read_text())
    asked = {field.get("id") for field in form["body"]}
    ours = {"id", "version", "title", "model_error", "energy_reason", "chip"}
    for board in (ROOT / "platforms").glob("*.yaml"):
        assert set(yaml.safe_load(board.read_text())) - ours <= asked


def step(name: str) -> str:
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    script: str = next(step["run"] for step in steps if step["name"] == name)
    return script


def made_of(folder: Path, place: Path) -> dict[str, str]:
    """What the action's first step says of the simbench at ``place``."""
    output = folder / "github_output"
    output.unlink(missing_ok=True)
    given = {"GITHUB_ACTION_PATH": str(place), "GITHUB_OUTPUT": str(output)}
    subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(MADE_OF)],
        env={**os.environ, **given, "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64"},
        check=True,
    )
    return dict(line.split("=", 1) for line in output.read_text().splitlines())


def test_the_action_keeps_what_it_built_until_what_that_is_made_of_changes(tmp_path: Path) -> None:
    place = tmp_path / "simbench"
    for name in ("requirements/dev.txt", "firmware_images/main.cc", "simbench/a.py"):
        (place / name).parent.mkdir(parents=True)
        (place / name).write_text("one")
    for name in ("pyproject.toml", "scripts/setup.sh"):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text("one")
    before = made_of(tmp_path, place)
    assert before["folder"] == str(place)
    assert before["key"].startswith("simbench-Linux-X64-")
    (place / "docs.md").write_text("of no account")
    assert made_of(tmp_path, place) == before
    keys = {before["key"]}
    for name in ("requirements/dev.txt", "firmware_images/main.cc", "pyproject.toml"):
        (place / name).write_text("another")
        keys.add(made_of(tmp_path, place)["key"])
    assert len(keys) == 4
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    kept = next(step["with"] for step in steps if step.get("uses", "").startswith("actions/cache@"))
    assert kept["key"] == "${{ steps.made.outputs.key }}"
    folder = "${{ steps.made.outputs.folder }}"
    assert kept["path"].splitlines() == [f"{folder}/.venv", f"{folder}/build"]
    names = [step["name"] for step in steps]
    assert names.index(MADE_OF) < names.index("Set up simbench")


def run_action(folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the action's main step in ``folder``, with its other inputs empty."""
    files = {name: str(folder / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    inputs = {"ARGUMENTS": "--samples 1", "BASELINE": "base.json", "COMPARE": "", **given}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step("Run the benchmarks")],
        cwd=folder,
        env={**os.environ, **files, **inputs, "PATH": path, "RUNNER_TEMP": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def write_suite(folder: Path, budget: str) -> None:
    suite = f"platforms: [stm32f4]\nbenchmarks: [ad]\nbudgets: {{ad: {{cycles: {budget}}}}}\n"
    (folder / SUITE_FILE).write_text(suite)


@pytest.mark.emulator
@pytest.mark.parametrize(("budget", "code"), [("12e6", 0), ("1e3", 1)])
def test_the_actions_step_runs_the_suite_and_writes_the_summary(
    tmp_path: Path, budget: str, code: int
) -> None:
    write_suite(tmp_path, budget)
    done = run_action(tmp_path, ARGUMENTS="--samples 1 --benchmark ad")
    assert done.returncode == code, done.stderr
    lines = (tmp_path / "github_output").read_text().splitlines()
    outputs = dict(line.split("=") for line in lines)
    (only,) = json.loads(Path(outputs["result"]).read_text())["results"]
    assert only["parity"]["samples"] == 1
    assert only["budgets"][0]["is_met"] == (code == 0)
    assert "stm32f4" in (tmp_path / "github_step_summary").read_text()
    assert Path(outputs["comment"]).read_text().startswith(f"{MARKER}\n### simbench: 1 ok")


@pytest.mark.emulator
def test_the_actions_step_compares_with_a_baseline_and_comments_on_the_change(
    tmp_path: Path,
) -> None:
    write_suite(tmp_path, "12e6")
    assert run_action(tmp_path).returncode == 0
    assert (
        _run(["baseline", "save", f"{tmp_path}/simbench.json", "--to", f"{tmp_path}/b.json"]) == 0
    )
    assert run_action(tmp_path, BASELINE="b.json").returncode == 0
    comment = (tmp_path / "simbench.md").read_text()
    headline = "### simbench: 1 compared, 0 changed, 1 equal"
    assert comment == f"{MARKER}\n{headline}\n\n{SENTENCE}\n"
    done = run_action(tmp_path, BASELINE="b.json", COMPARE="--fail-on cycles:-5% --layers")
    assert done.returncode == 1
    assert "(--fail-on cycles:-5%)" in done.stderr.splitlines()[-1]
    assert "1 threshold breached" in (tmp_path / "simbench.md").read_text()
    refused = run_action(tmp_path, BASELINE="b.json", ARGUMENTS="--samples 2")
    assert refused.returncode == 2
    assert "samples (1 and 2)" in refused.stderr


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


class Comments(BaseHTTPRequestHandler):
    """GitHub's comments on pull request 7, as its REST API lists, makes and changes them."""

    bodies: ClassVar[list[str]] = []
    others = 3
    """So many are of somebody else."""
    place = "/repos/team/firmware/issues"

    def do_GET(self) -> None:
        self._answer(200, [self._comment(number) for number in range(len(self.bodies))])

    def do_POST(self) -> None:
        assert self._path() == f"{self.place}/7/comments"
        self.bodies.append(self._body())
        self._answer(201, self._comment(len(self.bodies) - 1))

    def do_PATCH(self) -> None:
        number = int(self._path().removeprefix(f"{self.place}/comments/"))
        self.bodies[number] = self._body()
        self._answer(200, self._comment(number))

    def log_message(self, format: str, *args: object) -> None:
        del format, args  # the tests' output is quiet

    def _path(self) -> str:
        return urlsplit(self.path).path

    def _comment(self, number: int) -> dict[str, object]:
        url = f"http://api.github.localhost{self.place}/comments/{number}"
        login = "stranger" if number < self.others else "github-actions[bot]"
        return {"url": url, "body": self.bodies[number], "user": {"login": login}}

    def _body(self) -> str:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text: str = sent["body"]
        return text

    def _answer(self, status: int, document: object) -> None:
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def github() -> Iterator[str]:
    """The address of a proxy that is GitHub's API for ``gh``, which calls it by plain HTTP."""
    Comments.bodies = ["a review", "<!-- other --> another bot's", f"{MARKER} quoted"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Comments)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.tool
def test_the_action_comments_once_and_then_changes_its_comment(tmp_path: Path, github: str) -> None:
    comment = tmp_path / "comment.md"
    environment = {
        **{"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HTTP_PROXY": github},
        **{"GH_HOST": "github.localhost", "GH_TOKEN": "made-up"},
        **{"GITHUB_REPOSITORY": "team/firmware", "NUMBER": "7", "COMMENT": str(comment)},
    }
    command = ["bash", "-eo", "pipefail", "-c", step("Comment on the pull request")]
    subprocess.run(command, env=environment, check=True)
    assert len(Comments.bodies) == Comments.others  # nothing was run, so there is nothing to say
    for text in ("first", "second"):
        comment.write_text(f"{MARKER}\n@{text}\n")
        subprocess.run(command, env=environment, check=True)
        assert Comments.bodies[3:] == [comment.read_text()]
    assert Comments.bodies[:3] == [
        "a review",
        "<!-- other --> another bot's",
        f"{MARKER} quoted",
    ]


def test_the_workflow_of_this_repository_is_the_one_that_init_writes() -> None:
    own = (ROOT / ".github/workflows/simbench.yml").read_text()
    assert own == workflow("./")
    for page in ("README.md", "docs/how-to/ci.md"):
        assert workflow(DEFAULT_ACTION) in (ROOT / page).read_text()
    assert len(own.splitlines()) < 10
    suite = read_suite(ROOT / SUITE_FILE)
    assert len(suite.platforms) == 5
    assert {benchmark.id for benchmark in suite.benchmarks} == set(load_benchmarks())


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
