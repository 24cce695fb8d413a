from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from path_without import path_without

from simbench.files.installed import DISTRIBUTION
from simbench.files.paths import build_dir

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel holds, outside the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("simbench_tinyml-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, *arguments: str, **environment: str) -> str:
    done = ended(installed, *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ended(installed: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simbench.cli.main", *arguments],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_wheel_lists_what_the_checkout_lists(installed: Path) -> None:
    here = json.loads(run(ROOT, "list", "--json"))
    assert json.loads(run(installed, "list", "--json")) == here


def test_a_wheel_has_the_sources_and_the_licence_and_nothing_built(installed: Path) -> None:
    names = {str(path.relative_to(installed)) for path in installed.rglob("*")}
    assert "simbench/data/firmware_images/CMakeLists.txt" in names
    for source in (ROOT / "simbench/backends/qemu/plugin").iterdir():
        assert str(source.relative_to(ROOT)) in names
    assert "simbench/models/verifier.cc" in names
    assert "simbench/result/schemas/result-1.schema.json" in names
    assert "simbench/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".so", ".elf", ".a", ".o"))]


def test_a_wheel_builds_in_the_users_cache(installed: Path, tmp_path: Path) -> None:
    command = "from simbench.files.paths import build_dir; print(build_dir())"
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


@pytest.mark.emulator
def test_a_wheel_runs_a_benchmark(installed: Path) -> None:
    arguments = ("run", "--platform", "stm32f4", "--benchmark", "ad", "--samples", "1")
    # what is built is keyed by its sources, so the wheel takes what the checkout has built
    told = run(installed, *arguments, "--json", "-", SIMBENCH_BUILD_DIR=str(build_dir()))
    assert json.loads(told)["results"][0]["status"] == "ok"


@pytest.mark.emulator
@pytest.mark.tool
def test_the_doctor_of_a_wheel_calls_missing_what_no_run_can_fetch(
    installed: Path, tmp_path: Path
) -> None:
    settings = {"SIMBENCH_BUILD_DIR": str(tmp_path / "build"), "CARGO_HOME": str(tmp_path)}
    settings |= {"CARGO": "", "SIMBENCH_CRATES": ""}
    without = path_without(tmp_path / "bin", "cargo")
    lacking = ended(installed, "doctor", **settings, PATH=without)
    assert lacking.returncode == 3
    said = lacking.stderr.splitlines()[-1]
    assert "pinned sources is missing: tfmicro is fetched with cargo, which is not here" in said
    named = ended(installed, "doctor", **settings | {"SIMBENCH_CRATES": "named"}, PATH=without)
    assert named.returncode == 0, named.stderr
    assert "the first run fetches it" in named.stdout
    assert "make setup" not in lacking.stdout + lacking.stderr + named.stdout


def test_the_distribution_has_a_name_of_its_own(installed: Path) -> None:
    (metadata,) = installed.glob("*.dist-info/METADATA")
    assert f"\nName: {DISTRIBUTION}\n" in metadata.read_text()
    assert "\nProvides-Extra: pandas\n" in metadata.read_text()
    entry_points = metadata.with_name("entry_points.txt").read_text()
    assert "simbench = simbench.cli.start:main" in entry_points
    assert "simbench = simbench.pytest_plugin" in entry_points


def test_nothing_says_to_install_the_other_simbench() -> None:
    told = re.compile(
        r"install\s+[\"']?simbench(?![-\w/])|(?<!/)simbench\[(?:pandas|parquet|dask)\]"
    )
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "simbench").rglob("*.py")]
    assert [page for page in pages if told.search(page.read_text())] == []


SCRIPT = """\
import simbench

outcome = simbench.run(platform="stm32f4", benchmark=["ad", "kws"], budgets={"cycles": 12e6})
cycles: float = outcome["ad"].cycles
names: list[str] = [result.id for result in outcome.results]
profile: simbench.Profile = simbench.profile(platform="stm32f4", benchmark="ad")
share: float = profile.layers[0].cost.share
sweep: simbench.Sweep = simbench.sweep(platform="stm32f4", set={"clock_hz": [80e6]})
rows: list[dict[str, object]] = [*outcome.rows(), *profile.rows(), *sweep.rows()]
comparison: simbench.Comparison = simbench.compare("base.json", outcome)
state: str = comparison.entries[0].state
read = simbench.read("base.json")
if isinstance(read, simbench.Outcome):
    energy: float = read.energy_j
simbench.run(plattform="stm32f4")
wrong: int = outcome.cycles
"""


def test_a_users_script_is_type_checked_against_the_wheel(installed: Path, tmp_path: Path) -> None:
    user = tmp_path / "user"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(user)], check=True)
    (packages,) = user.glob("lib/python*/site-packages")
    shutil.copytree(installed, packages, dirs_exist_ok=True)
    (tmp_path / "script.py").write_text(SCRIPT)
    python = user / "bin" / "python"
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python)]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert [re.sub(r".*:(\d+): error: .*\[(.*)\]", r"\1 \2", line) for line in errors] == [
        "15 call-arg",
        "16 assignment",
    ], done.stdout + done.stderr
