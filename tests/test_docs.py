from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_help_shown_in_the_docs_is_what_the_command_prints() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "refresh_outputs.py"), "--check"]
    done = subprocess.run([*command, "--only=help$"], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}run scripts/refresh_outputs.py"


def test_python_shown_in_the_docs_runs_and_prints_what_is_shown() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "refresh_outputs.py"), "--check"]
    done = subprocess.run([*command, "--only=^python "], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}run scripts/refresh_outputs.py"


def test_every_shown_output_is_there() -> None:
    for page in PAGES:
        for block in re.finditer(
            r"<!-- output: (.+?) -->\n```\w*\n(.*?)```", page.read_text(), re.S
        ):
            assert block[2].strip(), f"{page.name} shows nothing for {block[1]}"


def test_every_verb_has_its_help_in_the_reference() -> None:
    from simbench.cli.main import VERBS

    reference = (ROOT / "docs" / "reference" / "cli.md").read_text()
    for verb in VERBS:
        assert f"<!-- output: simbench {verb} --help -->" in reference
