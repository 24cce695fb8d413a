"""Backends and pipelines of other distributions, end to end, in distributions on the path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_plugins import install, site

from simbench.catalog.platforms import load_platform, platform_path
from simbench.cli.main import _run
from simbench.cost import identity
from simbench.cost.cores.core import load_core
from simbench.cost.cores.pipelines import Pairing, Predicting, pipeline
from simbench.cost.residuals import load_target
from simbench.files.paths import cores_dir

__all__ = ["site"]  # a fixture

BACKEND = """
from simbench.backends.qemu.backend import QemuBackend

class Mine(QemuBackend):
    name = "another"

def make(where):
    return Mine(where)
"""
PIPELINE = """
from simbench.cost.cores.cortex_m4 import CortexM4

class Mine(CortexM4):
    def cycles(self, instructions, address):
        return 2 * super().cycles(instructions, address)
"""


def run(folder: Path, *options: str) -> dict[str, Any]:
    path = folder / "run.json"
    asked = ["run", "--benchmark", "ad", "--samples", "1", *options, f"--export=json={path}"]
    assert _run(asked) == 0
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def plugged(site: Path, module: str, code: str) -> None:
    """A distribution with the backend ``module``."""
    install(site, module, code, module, "simbench.backends", "make")


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user's platform whose core names the pipeline of a plug-in: all three have one name."""
    name = f"mine_{tmp_path.name[-20:]}"
    folder = tmp_path / "mine"
    for kind in ("cores", "platforms"):
        (folder / kind).mkdir(parents=True)
    core = (cores_dir() / "cortex-m4.yaml").read_text().replace("id: cortex-m4", f"id: {name}")
    core = core.replace("pipeline_class: CortexM4", f"pipeline_class: {name}")
    (folder / "cores" / f"{name}.yaml").write_text(core)
    text = platform_path("stm32f4").read_text().replace("id: stm32f4", f"id: {name}")
    text = text.replace("core: cortex-m4", f"core: {name}")
    (folder / "platforms" / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("SIMBENCH_PATH", str(folder))
    return name


@pytest.mark.emulator
def test_a_backend_of_a_plugin_counts_as_what_it_wraps_and_is_told_apart(
    site: Path, tmp_path: Path
) -> None:
    plugged(site, "simbench_mine_qemu", BACKEND)
    ours = run(tmp_path, "--platform", "stm32f4", "--backend", "simbench_mine_qemu")
    theirs = run(tmp_path, "--platform", "stm32f4")
    assert ours["results"][0]["instructions"] == theirs["results"][0]["instructions"]
    assert ours["results"][0]["cycles"]["value"] == theirs["results"][0]["cycles"]["value"]
    assert "(simbench_mine_qemu 1.0)" in json.dumps(ours)
    assert "simbench_mine_qemu" not in json.dumps(theirs)


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("raise ValueError('no')\n", 2, "cannot be imported: ValueError: no"),
        ("make = 1\n", 2, "is no function, but int"),
        ("def make(where):\n    return 1\n", 2, "makes no backend, but int: it lacks version"),
        ("def make(where):\n    return 1 / 0\n", 3, "failed: ZeroDivisionError"),
        (
            f"{BACKEND}    \nMine.launch = lambda self, spec: 1\n",
            2,
            "starts no board, but int: it lacks write",
        ),
        (
            f"{BACKEND}    \nMine.machine = lambda self, core: 1 / 0\n",
            3,
            "failed: ZeroDivisionError",
        ),
    ],
    ids=["raises", "number", "empty", "fails", "boardless", "machineless"],
)
def test_a_bad_backend_is_one_sentence(
    site: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
    code: str,
    status: int,
    said: str,
) -> None:
    name = f"simbench_backend_{request.node.callspec.id}"
    plugged(site, name, code)
    asked = ["run", "--platform", "stm32f4", "--benchmark", "ad", "--no-cache"]
    assert _run([*asked, "--backend", name]) == status
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_a_backend_that_nobody_has_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["run", "--platform", "stm32f4", "--backend", "nobody"]) == 2
    assert "no backend is called 'nobody'" in capsys.readouterr().err


@pytest.mark.emulator
def test_a_pipeline_of_a_plugin_prices_a_users_core(site: Path, board: str, tmp_path: Path) -> None:
    install(site, f"simbench_p_{board}", PIPELINE, board, "simbench.pipelines", "Mine")
    ours = run(tmp_path, "--platform", board)["results"][0]
    theirs = run(tmp_path, "--platform", "stm32f4")["results"][0]
    assert ours["instructions"] == theirs["instructions"]
    assert ours["cycles"]["value"] > 1.5 * theirs["cycles"]["value"]


def test_a_pipeline_keeps_its_optional_parts(site: Path, board: str) -> None:
    install(site, f"simbench_q_{board}", PIPELINE, board, "simbench.pipelines", "Mine")
    pricing, built_in = pipeline(load_core(board)), pipeline(load_core("cortex-m4"))
    for part in (Pairing, Predicting):
        assert isinstance(pricing, part) == isinstance(built_in, part)


def test_the_version_of_a_pipelines_distribution_is_part_of_the_price(
    site: Path, board: str
) -> None:
    module = f"simbench_v_{board}"
    install(site, module, PIPELINE, board, "simbench.pipelines", "Mine")
    before = _fresh_identity(board)
    assert before["core"] != load_target(load_platform("stm32f4")).identity["core"]
    assert _fresh_identity(board) == before
    metadata = site / f"{module}-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.0", "Version: 1.1"))
    after = _fresh_identity(board)
    assert {part for part in before if before[part] != after[part]} == {"core"}


def _fresh_identity(board: str) -> dict[str, str]:
    identity._plugin_of.cache_clear()  # a process sees one version only
    return dict(load_target(load_platform(board)).identity)


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("raise ValueError('no')\n", 2, "cannot be imported: ValueError: no"),
        ("Mine = 1\n", 2, "is no function, but int"),
        ("def Mine(core):\n    return 1\n", 2, "makes no pipeline, but int"),
        ("def Mine(core):\n    return 1 / 0\n", 3, "failed: ZeroDivisionError"),
        (f"{PIPELINE.replace('2 *', '1 / 0 *')}", 3, "failed: ZeroDivisionError"),
        (f"{PIPELINE.replace('2 * super', '[] and super')}", 2, "gave cycles of the shape (0,)"),
        ("", 2, "cannot be imported: AttributeError"),
    ],
    ids=["raises", "number", "empty", "fails", "divides", "shape", "absent"],
)
def test_a_bad_pipeline_is_one_sentence(
    site: Path,
    board: str,
    capsys: pytest.CaptureFixture[str],
    code: str,
    status: int,
    said: str,
) -> None:
    install(site, f"simbench_b_{board}", code, board, "simbench.pipelines", "Mine")
    assert _run(["run", "--platform", board, "--benchmark", "ad", "--samples", "1"]) == status
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
