"""A board begun from another's file, and the schemas that editors check such files by."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

import simbench
from simbench.catalog.drafts import check_name, draft
from simbench.catalog.platforms import load_platform, platform_files, read_platform
from simbench.catalog.schema import platform_schema
from simbench.cli.main import _run
from simbench.errors import UsageError
from simbench.files.jsonschema import render
from simbench.sweeps.schema import study_schema
from simbench.sweeps.study import read_study

SCHEMAS = Path(simbench.__file__).parent / "result" / "schemas"
STUDIES = sorted((Path(__file__).resolve().parent.parent / "docs" / "studies").glob("*.yaml"))


def is_valid(schema: dict[str, object], text: str) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("like", sorted(platform_files()))
def test_a_draft_runs_and_claims_nothing_of_the_board_it_began_as(
    like: str, tmp_path: Path
) -> None:
    text = draft("mine", platform_files()[like], "schema.json")
    (tmp_path / "mine.yaml").write_text(text)
    made, known = read_platform(tmp_path / "mine.yaml"), load_platform(like)
    assert (made.id, made.core) == ("mine", known.core)
    assert made.memories.keys() == known.memories.keys()
    assert made.energy is None
    assert made.model_error.startswith("not validated")
    assert "validated" not in text.replace("not validated", "")
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    for memory in made.memories.values():
        assert memory.wait_states.source in (
            None,
            f"of {like}, to be replaced by a source of this board",
        )
    comments = [line for line in text.splitlines() if line.startswith("# ")]
    assert max(map(len, comments)) <= 100
    assert is_valid(platform_schema(), text)


def test_the_energy_of_a_draft_is_a_table_to_fill_in(tmp_path: Path) -> None:
    text = draft("mine", platform_files()["stm32l4r5"], None)
    begin = text.index("# energy:\n")
    table = text[begin:].partition("\n\n")[0]
    filled = text.replace(table, "\n".join(line.removeprefix("# ") for line in table.splitlines()))
    filled = "\n".join(line for line in filled.splitlines() if not line.startswith("energy_reason"))
    filled = filled.replace("energy: null\n", "")
    (tmp_path / "mine.yaml").write_text(filled)
    energy, known = read_platform(tmp_path / "mine.yaml").energy, load_platform("stm32l4r5").energy
    assert energy is not None
    assert known is not None
    assert energy.static_w.value == known.static_w.value
    assert is_valid(platform_schema(), filled)


def test_a_platform_is_begun_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(["platform", "new", "STM32G474", "--like", "STM32L4R5"]) == 0
    assert "stm32g474.yaml is STM32G474, Cortex-M4F" in capsys.readouterr().err
    board = read_platform(tmp_path / "stm32g474.yaml")
    assert board.title == "STM32G474, Cortex-M4F at 120 MHz"
    beside = json.loads((tmp_path / ".simbench-platform.schema.json").read_text())
    assert is_valid(beside, (tmp_path / "stm32g474.yaml").read_text())
    assert _run(["platform", "new", "stm32g474", "--like", "stm32f4"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert _run(["platform", "new", "stm32g474", "--like", "stm32f4", "--force"]) == 0
    assert _run(["platform", "new", "x", "--like", "stm32f5"]) == 2
    assert "did you mean" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "a b", "../x", "ä", "x" * 32, "-x"])
def test_a_name_that_can_be_no_boards_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="can be no board's name"):
        check_name(name)


@pytest.mark.parametrize(
    ("name", "schema"), [("platform", platform_schema()), ("study", study_schema())]
)
def test_the_shipped_schema_is_the_generated_one(name: str, schema: dict[str, object]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:simbench:{name}:1"
    shipped = (SCHEMAS / f"{name}-1.schema.json").read_text()
    assert shipped == render(schema), "write it anew with scripts/schemas.py"


@pytest.mark.parametrize("name", sorted(platform_files()))
def test_the_schema_accepts_every_board(name: str) -> None:
    assert is_valid(platform_schema(), platform_files()[name].read_text())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: flash", "kind: flush"),
        ("clock: {", "clok: {"),
        ("value: 120MHz", "value: 120Mhz"),
        ("value: 2MiB", "value: 2MHz"),
        ("  arena: sram\n", ""),
        ("prefetch: false", "prefetch: maybe"),
        ("ways: {value: 32", "wys: {value: 32"),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(old: str, new: str, tmp_path: Path) -> None:
    text = platform_files()["stm32l4r5"].read_text()
    assert old in text
    wrong = text.replace(old, new)
    (tmp_path / "stm32l4r5.yaml").write_text(wrong)
    with pytest.raises(UsageError):
        read_platform(tmp_path / "stm32l4r5.yaml")
    assert not is_valid(platform_schema(), wrong)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_the_schema_accepts_the_studies(path: Path) -> None:
    assert is_valid(study_schema(), path.read_text())


STUDY = """\
platforms: [stm32f4]
benchmarks: [ad]
cross: {memories.flash.wait_states: 0..2, clock: 40MHz}
zip: {a: {core.cycles.load: "1, 2"}}
goal: time_s <= 20ms
sensitivity: 10%
pareto: time, ram
outputs: {csv: points.csv}
"""


@pytest.mark.parametrize(
    ("old", "new", "is_read"),
    [
        ("ad", "ad", True),
        ("time, ram", "speed", False),
        ("20ms", "", False),
        ("10%", "10", False),
        ("csv:", "xls:", False),
        ("goal:", "gaol:", False),
        ("platforms: [stm32f4]\n", "", False),
        ("[ad]", "[add]", False),
        ("[ad]", "['a*']", True),
    ],
)
def test_the_study_schema_goes_with_the_reader(
    old: str, new: str, is_read: bool, tmp_path: Path
) -> None:
    text = STUDY.replace(old, new, 1)
    (tmp_path / "study.yaml").write_text(text)
    try:
        read_study(tmp_path / "study.yaml")
        read = True
    except UsageError:
        read = False
    assert read == is_read
    assert is_valid(study_schema(), text) == is_read
