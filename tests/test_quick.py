"""The quick check leaves out what is marked, and fails what should be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from quick import NEEDED

PROGRAMS = {marker: names[0] for marker, names in NEEDED.items()}
TESTS = f"""
import subprocess

import pytest

from simbench.catalog.scenario import Variant
from simbench.firmware.build import built_image


@pytest.mark.parametrize("program", {["true", *PROGRAMS.values()]})
def test_that_runs(program):
    subprocess.run([program, "--version"], check=False)


@pytest.mark.browser
def test_that_says_what_it_needs():
    subprocess.run(["chromium", "--version"], check=False)


def test_that_asks_for_an_image():
    assert built_image("cortex-m4", Variant()) is None
"""


def test_what_is_not_marked_may_not_run_what_a_marker_is_for(tmp_path: Path) -> None:
    (tmp_path / "test_made_up.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "--quick"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    for marker, program in PROGRAMS.items():
        assert f"a test without the marker '{marker}' runs {program}" in done.stdout
    # each passes by itself, and fails after that if it called what is hidden
    assert "6 passed, 1 deselected, 4 errors in" in done.stdout
