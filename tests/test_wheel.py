from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from simbench.paths import build_dir

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel holds, outside the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("simbench-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "simbench.cli.main", *arguments],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_lists_what_the_checkout_lists(installed: Path) -> None:
    here = json.loads(run(ROOT, "list", "--json"))
    assert json.loads(run(installed, "list", "--json")) == here


def test_a_wheel_has_the_sources_and_the_licence_and_nothing_built(installed: Path) -> None:
    names = {str(path.relative_to(installed)) for path in installed.rglob("*")}
    assert "simbench/data/firmware_images/CMakeLists.txt" in names
    for source in (ROOT / "simbench/backends/qemu/plugin").iterdir():
        assert str(source.relative_to(ROOT)) in names
    assert "simbench/models/verifier.cc" in names
    assert "simbench/schemas/result-1.schema.json" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".so", ".elf", ".a", ".o"))]


def test_a_wheel_builds_in_the_users_cache(installed: Path, tmp_path: Path) -> None:
    command = "from simbench.paths import build_dir; print(build_dir())"
    environment = {**os.environ, "PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("SIMBENCH_BUILD_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(tmp_path / "simbench")


def test_a_wheel_runs_a_benchmark(installed: Path) -> None:
    arguments = ("run", "--platform", "stm32f4", "--benchmark", "ad", "--samples", "1")
    # what is built is keyed by its sources, so the wheel takes what the checkout has built
    told = run(installed, *arguments, "--json", "-", SIMBENCH_BUILD_DIR=str(build_dir()))
    assert json.loads(told)["results"][0]["status"] == "ok"
