from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from simbench.cli.main import _run

pytestmark = pytest.mark.emulator

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "own_firmware"


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    subprocess.run(["make", "-s", f"OUT={folder}"], cwd=EXAMPLE, check=True)
    return folder / "app.elf"


def run_elf(elf: Path, *more: str) -> int:
    return _run(["run", "--platform", "stm32f4", "--elf", str(elf), "--benchmark", "kws", *more])


def test_an_own_elf_runs_at_its_real_addresses(elf: Path, tmp_path: Path) -> None:
    kept = tmp_path / "result.json"
    assert run_elf(elf, "--json", str(kept)) == 0
    result = json.loads(kept.read_text())["results"][0]
    assert result["id"] == "kws@stm32f4/own"
    assert result["coverage"] == 1.0
    # four sums over 500 inputs: a load, a load, a multiply-accumulate at least, and the loop
    assert 4 * 500 * 4 < result["instructions"] < 4 * 500 * 10
    assert result["parity"] is None
    assert "not known" in result["missing"]["parity"]
    waits = result["cycles"]["stack"]
    assert sum(waits.values()) == pytest.approx(result["cycles"]["value"])


def test_an_own_elf_without_its_symbols_is_refused(
    elf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stripped = tmp_path / "stripped.elf"
    command = ["arm-none-eabi-strip", "-o", str(stripped), str(elf)]
    subprocess.run(command, check=True)
    assert run_elf(stripped) == 2
    assert "no symbol th_pre" in capsys.readouterr().err


def test_a_firmware_that_says_nothing_is_stopped_with_the_name_of_its_function(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = (EXAMPLE / "main.c").read_text()
    hanging = source.replace("static void put", "__attribute__((noinline)) static void put")
    hanging = hanging.replace("REG(0x40011004) = (uint8_t)c;", "for (;;) (void)c;")
    (tmp_path / "main.c").write_text(hanging)
    for name in ("startup.c", "stm32f405.ld", "Makefile"):
        (tmp_path / name).write_text((EXAMPLE / name).read_text())
    subprocess.run(["make", "-s"], cwd=tmp_path, check=True)
    assert run_elf(tmp_path / "app.elf", "--time-limit", "1") == 3
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "did not answer" in said
    assert "in put" in said
