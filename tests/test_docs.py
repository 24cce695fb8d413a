from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from scripted import script

import simbench
from simbench.firmware.toolchain import toolchain_version

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


RUNS_NOTHING = r"--help$|^cat |^simbench list platforms$|simbench compare examples/|^model error$"
COMPILER = "12.2.1"  # what the pages' firmware was built with: another's has other counts


def check_shown(pattern: str) -> None:
    """Compare the shown output of each command that ``pattern`` is in with what it prints."""
    command = [sys.executable, str(ROOT / "scripts" / "refresh_outputs.py"), "--check"]
    done = subprocess.run([*command, f"--only={pattern}"], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}run scripts/refresh_outputs.py"


def test_what_is_shown_of_commands_that_run_nothing_is_what_they_print() -> None:
    check_shown(RUNS_NOTHING)


@pytest.mark.emulator
@pytest.mark.tool
def test_what_is_shown_of_all_others_is_what_they_print() -> None:
    """They share the store of this test, so that each simulation is made once."""
    if COMPILER not in (toolchain_version() or ""):
        pytest.skip(f"the pages show counts of arm-none-eabi-gcc {COMPILER}")
    # the words of the page are those that Debian 12's espeak-ng says
    spoken = "" if b" 1.51" in espeak_version() else "|--dataset smoke"
    check_shown(f"^(?!.*(?:{RUNS_NOTHING}{spoken}))")


def espeak_version() -> bytes:
    return subprocess.run(["espeak-ng", "--version"], capture_output=True, check=True).stdout


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


def test_every_format_has_its_history() -> None:
    from simbench.backends.records import Kind

    history = (ROOT / "docs" / "developing" / "formats.md").read_text()
    files = [p for p in (ROOT / "simbench").rglob("*") if p.suffix in (".py", ".json")]
    schemas = {name for p in files for name in re.findall(r"simbench\.\w+/\d+", p.read_text())}
    assert len(schemas) > 5
    for schema in schemas:
        assert f"## {schema}\n" in history
    for kind in Kind:
        assert re.search(rf"\b{kind.name}\b", history)


def test_every_key_of_a_result_is_in_the_reference_or_the_history() -> None:
    """So that who adds a key comes to the pages that say when and what."""
    schema = json.loads((ROOT / "simbench/result/schemas/result-1.schema.json").read_text())
    pages = ("docs/developing/formats.md", "docs/reference/result-json.md")
    said = "".join((ROOT / page).read_text() for page in pages)
    missing = [key for key in keys_of(schema) if not re.search(rf"\b{key}\b", said)]
    assert not missing, f"say in the reference or the history what these are: {missing}"


def keys_of(schema: object) -> Iterator[str]:
    """Every property that a JSON schema names, at any depth."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from keys_of(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from keys_of(part)


def test_what_is_stale_is_told_and_made_anew(capsys: pytest.CaptureFixture[str]) -> None:
    refresh = script("refresh_outputs")
    blocks = {"echo now": "before", "echo b": "b"}
    page = "".join(f"<!-- output: {c} -->\n```text\n{said}\n```\n" for c, said in blocks.items())
    assert refresh.refreshed(page, "b$") == page
    assert capsys.readouterr().out == ""
    assert refresh.refreshed(page, "") == page.replace("before", "now")
    assert capsys.readouterr().out == "shows what is not so: echo now\n"


def test_the_citation_is_of_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0"
    assert cited["version"] == simbench.__version__
    assert {"message", "title", "authors", "license"} <= cited.keys()
