"""Real profiles against the JSON Schema that ships in the package."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

import simbench
from simbench.cli.main import _run
from simbench.result.tree import fingerprint

FOLDER = Path(simbench.__file__).parent / "result" / "schemas"
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "own_section"


def schema(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def validator() -> jsonschema.Draft202012Validator:
    results = Resource.from_contents(schema("result-1.schema.json"))
    registry: Registry[Any] = Registry().with_resources([("result-1.schema.json", results)])
    return jsonschema.Draft202012Validator(schema("profile-1.schema.json"), registry=registry)


def written(folder: Path, *arguments: str) -> dict[str, Any]:
    kept = folder / "profile.json"
    assert _run(["profile", *arguments, "--json", str(kept)]) == 0
    document: dict[str, Any] = json.loads(kept.read_text())
    return document


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    subprocess.run(["make", "-s", f"OUT={folder}"], cwd=EXAMPLE, check=True)
    return folder / "loudest.elf"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema("profile-1.schema.json"))


@pytest.mark.emulator
@pytest.mark.parametrize("platform", ["stm32f4", "ra6m4"])  # with energy, and without
def test_the_profile_of_a_benchmark_is_what_the_schema_says(platform: str, tmp_path: Path) -> None:
    document = written(tmp_path, "--platform", platform, "--benchmark", "ad")
    validator().validate(document)
    assert document["fingerprint"] == fingerprint(document)


@pytest.mark.emulator
def test_the_profile_of_a_section_is_what_the_schema_says(elf: Path, tmp_path: Path) -> None:
    section = ("--section", "begin=correlate_all,end=show")
    validator().validate(written(tmp_path, "--platform", "stm32f4", "--elf", str(elf), *section))


@pytest.mark.emulator
def test_the_schema_refuses_what_is_no_profile(elf: Path, tmp_path: Path) -> None:
    section = ("--section", "begin=correlate_all,end=show")
    good = written(tmp_path, "--platform", "stm32f4", "--elf", str(elf), *section)
    for bad in (
        {k: v for k, v in good.items() if k != "frames"},
        {**good, "what": 1},
        {**good, "status": "fine"},
        {**good, "total": {**good["total"], "instructions": 1.5}},
        {**good, "functions": [{**good["functions"][0], "accesses": [{"segment": "moon"}]}]},
    ):
        assert not validator().is_valid(bad)
