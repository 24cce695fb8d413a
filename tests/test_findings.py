"""The findings: their form. What they find is others' and needs a package index: see the README."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "findings"
SCRIPTS = sorted(path for path in FOLDER.glob("*.sh") if path.name != "common.sh")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_finding_pins_its_packages_and_gives_a_verdict(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True)
    assert os.access(script, os.X_OK)
    text = script.read_text()
    wheels = re.findall(r"^environment \w+ (.+)$", text, re.M)
    debian = re.findall(r"^debian (.+)$", text, re.M)
    assert wheels or debian
    for package in " ".join(wheels).split():
        assert re.fullmatch(r"[\w-]+==[\w.]+", package), package
    for package in " ".join(debian).split():
        assert re.fullmatch(r"[\w-]+=[\w.+-]+", package), package
    assert text.count("\nverdict ") == 1
    assert "simbench" not in text


def test_the_readme_has_every_finding_once() -> None:
    rows = re.findall(r"^\| \[([\w-]+)\]\(([\w.-]+)\)", (FOLDER / "README.md").read_text(), re.M)
    assert sorted(rows) == [(path.stem, path.name) for path in SCRIPTS]


@pytest.mark.parametrize(("now", "code"), [("seen", 0), ("another", 1)])
def test_a_verdict_is_by_what_was_seen(tmp_path: Path, now: str, code: int) -> None:
    finding = tmp_path / "finding.sh"
    finding.write_text(f'. "{FOLDER}/common.sh"\nverdict wanted seen {now}\n')
    done = subprocess.run(["sh", str(finding)], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert ("has changed" in done.stdout) == (code == 1)
