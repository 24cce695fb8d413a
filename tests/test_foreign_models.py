"""Models that nobody made for simbench: what docs/reference/models.md says of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from scripted import ROOT, script

from simbench.cli.main import _run
from simbench.models.prepare import prepare

SCRIPT = script("foreign_models")
PAGE = (ROOT / "docs" / "reference" / "models.md").read_text()
RUN = PAGE.split(SCRIPT.RUN_HEADING)[1].split(SCRIPT.END)[0]
EXACT = 4  # the cell of a row
SMALL = [
    "examples/autoencoder_example.tflite",
    "examples/autoencoder_example.float32.tflite",
    "siliconlabs/fingerprint_signature_generator.tflite",
    "tflite_micro/tflite_micro_magic_wand.tflite",
]


@cache
def files() -> dict[str, bytes]:
    return dict(SCRIPT.wheel_models())


def kept(name: str, folder: Path) -> Path:
    path = folder / name.rpartition("/")[2]
    path.write_bytes(files()[name])
    return path


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def documented(name: str) -> list[str]:
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| {name} |"))
    return cells(line)


def test_the_page_has_every_model_once() -> None:
    assert len(files()) > 20
    for name in files():
        assert documented(name)


def test_every_model_that_runs_is_right() -> None:
    for line in RUN.splitlines():
        right, of = cells(line)[EXACT].removeprefix("≈").split("/")
        assert right == of, line


@pytest.mark.emulator
@pytest.mark.parametrize("name", SMALL)
def test_the_page_says_what_becomes_of_a_model(name: str, tmp_path: Path) -> None:
    found = cells(SCRIPT.row(name, SCRIPT.ran(kept(name, tmp_path))))
    # the instructions and cycles are those of the toolchain that the page was made with
    assert found[: EXACT + 1] == documented(name)[: EXACT + 1]
    assert found[-1] == documented(name)[-1] == "stm32f4"


def test_no_model_is_refused() -> None:
    assert len(RUN.splitlines()) == len(files())


@pytest.mark.emulator
def test_what_preparation_changed_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = kept(SMALL[-1], tmp_path)
    assert _run(["run", "--platform", "stm32f4", "--model", str(model), "--samples", "1"]) == 0
    said = capsys.readouterr().err
    assert f"{model.name} was prepared:\n  " in said
    assert "\n  removed QUANTIZE after the float32 input conv2d_input: 48 bytes saved\n" in said
    prepared = tmp_path / "prepared.tflite"
    prepared.write_bytes(prepare(model.read_bytes()).data)
    assert _run(["profile", "--platform", "stm32f4", "--model", str(prepared), "--json", "-"]) == 0
    assert "prepared.tflite is run as it is" in capsys.readouterr().err
