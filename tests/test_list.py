from __future__ import annotations

import json
from typing import Any

import pytest

from simbench.cli.main import _run


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert _run(["list", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.image
def test_ops_are_those_of_the_firmware(capsys: pytest.CaptureFixture[str]) -> None:
    ops = listed(capsys, "ops")["ops"]
    versions = {op["name"]: op["highest_version"] for op in ops}
    assert versions["CONV_2D"] == 8
    assert versions["MEAN"] == 3
    assert len(versions) == len(ops) > 90
    assert [op["name"] for op in ops] == sorted(versions)
    by_board = listed(capsys, "ops", "--platform", "stm32f4", "--kernels", "reference")
    assert {op["name"] for op in by_board["ops"]} == set(versions)
    dense = next(op for op in ops if op["name"] == "FULLY_CONNECTED")
    assert "per-channel" in dense["features"]
    assert "int16" in dense["types"]
    assert dense["kernels"].startswith("CMSIS-NN")
    assert all("CMSIS-NN" not in op["kernels"] for op in by_board["ops"])


@pytest.mark.image
def test_ops_are_shown_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["list", "ops", "--core", "cortex-m4"]) == 0
    said = capsys.readouterr().out
    heading = ["name", "version", "types", "features", "kernels"]
    assert any(line.split() == heading for line in said.splitlines())
    assert any(line.split()[:3] == ["CONV_2D", "8", "int8,"] for line in said.splitlines())


def test_ops_are_listed_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(listed(capsys)) == {"platforms", "benchmarks", "kernels", "backends"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--core", "cortex-m4"], "'simbench list ops' alone"),
        (["kernels", "--platform", "stm32f4"], "'simbench list ops' alone"),
        (["ops", "--core", "cortex-m4", "--platform", "stm32f4"], "exclude each other"),
        (["ops", "--core", "cortex-m44"], "did you mean cortex-m4"),
        (["ops", "--kernels", "fast"], "kernel set fast"),
        (["ops", "--platform", "stm32f44"], "stm32f4"),
    ],
)
def test_a_wrong_question_is_answered_with_what_to_ask(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["list", *arguments]) == 2
    assert said in capsys.readouterr().err
