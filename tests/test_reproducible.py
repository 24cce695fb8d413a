"""Equal inputs give an equal fingerprint, whatever machine, place and order they are run in."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import simbench
from simbench.catalog.scenario import Variant
from simbench.exports import formats
from simbench.files.paths import build_dir
from simbench.firmware.build import build_image
from simbench.result.tree import Result, Run

RUN_FORMATS = formats("run")

ROOT = Path(simbench.__file__).parent.parent
IN_ORDER = ("--platform", "stm32f4", "--platform", "nrf52840")
REVERSED = ("--platform", "nrf52840", "--platform", "stm32f4")


def run(
    choice: Sequence[str] = IN_ORDER,
    *,
    program: str = "from simbench.cli.main import main; main()",
    before: str = "",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The fingerprint of one sample of ad, emulated and not recalled; ``before`` is Python."""
    arguments = ["run", *choice, "--benchmark", "ad", "--samples", "1", "--no-cache"]
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\n{program}", *arguments, "--json", "-"],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    mark: str = json.loads(done.stdout)["fingerprint"]
    return mark


@pytest.fixture(scope="module")
def expected() -> str:
    return run()


@pytest.mark.emulator
@pytest.mark.parametrize(
    "environment",
    [
        {"TZ": "Pacific/Chatham", "LC_ALL": "C", "LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "1"},
        {"TZ": "UTC", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "2", "SOURCE_DATE_EPOCH": "0"},
    ],
    ids=["chatham", "turkish"],
)
def test_time_zone_locale_and_hash_seed_change_nothing(
    expected: str, environment: dict[str, str]
) -> None:
    assert run(environment=environment) == expected


@pytest.mark.emulator
def test_the_order_that_platforms_are_named_in_changes_nothing(expected: str) -> None:
    assert run(REVERSED) == expected


@pytest.mark.emulator
@pytest.mark.parametrize("cores", [1, 7])
def test_the_number_of_workers_changes_nothing(expected: str, cores: int) -> None:
    assert run(before=f"import os; os.cpu_count = lambda: {cores}") == expected


@pytest.mark.emulator
def test_umask_home_and_working_directory_change_nothing(expected: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "a folder"
    elsewhere.mkdir()
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    before = "import os; os.umask(0o077)"
    assert run(before=before, cwd=elsewhere, environment=home) == expected


@pytest.mark.emulator
def test_another_place_of_the_repository_changes_nothing(expected: str, tmp_path: Path) -> None:
    copy = tmp_path / "another place"
    for name in ("simbench", "platforms", "benchmarks", "firmware_images"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    # the images of this place are current there too, as all that decides them is equal
    environment = {"PYTHONPATH": str(copy), "SIMBENCH_BUILD_DIR": str(build_dir())}
    before = f"import simbench; assert simbench.__file__.startswith({str(copy)!r})"
    assert run(before=before, cwd=tmp_path, environment=environment) == expected


@pytest.mark.emulator
def test_an_image_does_not_say_where_it_was_built() -> None:
    image = build_image("cortex-m4", Variant()).path.read_bytes()
    for place in (ROOT, build_dir()):
        assert str(place).encode() not in image


@pytest.mark.emulator
def test_another_kernel_set_changes_the_fingerprint(expected: str) -> None:
    assert run((*IN_ORDER, "--kernels", "reference")) != expected


def test_the_order_of_the_results_changes_nothing() -> None:
    results = tuple(Result(f"{b}@p/k", b, "p", "k", "ok") for b in ("ad", "ic", "kws"))
    one = Run({"name": "simbench", "version": "1"}, {}, {}, results)
    other = replace(one, results=results[::-1])
    assert one.document()["fingerprint"] == other.document()["fingerprint"]
    fewer = replace(one, results=results[:2])
    assert one.document()["fingerprint"] != fewer.document()["fingerprint"]


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


def test_nothing_that_is_written_can_hold_a_date() -> None:
    """No module knows the calendar, so there is no date for SOURCE_DATE_EPOCH to replace."""
    sources = sorted((ROOT / "simbench").rglob("*.py"))
    assert len(sources) > 50
    dated = [path for path in sources if {"datetime", "calendar"} & imported(path)]
    dated += [path for path in sources if ".strftime(" in path.read_text()]
    assert dated == []


@pytest.mark.parametrize("form", RUN_FORMATS)
def test_an_export_is_the_same_in_another_process(form: str, tmp_path: Path) -> None:
    stored = tmp_path / "run.json"
    result = Result("ad@p/k", "ad", "p", "k", "error", reason="it is not there")
    found = Run({"name": "simbench", "version": "1"}, {"version": "1"}, {}, (result,))
    stored.write_text(json.dumps(found.document()))
    program = (
        "import sys; from pathlib import Path; from simbench.result.stored import read_run;"
        "from simbench.exports import formats;"
        "sys.stdout.write(formats('run')[sys.argv[2]](read_run(Path(sys.argv[1]))))"
    )
    seen = {
        hashlib.sha256(
            subprocess.run(
                [sys.executable, "-c", program, str(stored), form],
                env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
                capture_output=True,
                check=True,
            ).stdout
        ).hexdigest()
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(seen) == 1
