from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from simbench.cli.main import _run
from simbench.firmware.cycle_counter import holds_address

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
    sizes = subprocess.run(
        ["arm-none-eabi-size", str(elf)], check=True, capture_output=True, text=True
    )
    text, data, bss = map(int, sizes.stdout.splitlines()[1].split()[:3])
    memory = result["memory"]
    assert (memory["flash_bytes"], memory["ram_bytes"]) == (text + data, data + bss)
    assert memory["arena_bytes"] is None
    assert not result["notes"]


def built(folder: Path, *changes: tuple[str, str]) -> Path:
    """The example with ``changes`` in its sources and its linker script."""
    for name in ("main.c", "startup.c", "stm32f405.ld", "Makefile"):
        text = (EXAMPLE / name).read_text()
        for old, new in changes:
            text = text.replace(old, new)
        (folder / name).write_text(text)
    subprocess.run(["make", "-s"], cwd=folder, check=True)
    return folder / "app.elf"


def test_a_firmware_that_asks_the_cycle_counter_is_told_that_it_gets_0(tmp_path: Path) -> None:
    counting = ("input_bytes = 0;", "input_bytes = REG(0xE0001004) & 0;")
    assert counting[0] in (EXAMPLE / "main.c").read_text()
    kept = tmp_path / "result.json"
    assert run_elf(built(tmp_path, counting), "--json", str(kept)) == 0
    (note,) = json.loads(kept.read_text())["results"][0]["notes"]
    assert "DWT CYCCNT" in note


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (
            ('"m-init-done', '"m-init-done\\r\\ne-[no model]'),
            3,
            "the firmware complained when it started: no model",
        ),
        (
            ("input_bytes = 0;", "input_bytes = 0; REG(0xE000ED0C) = 0x05FA0004;"),
            3,
            "the firmware reset the board, and nothing is measured across a reset",
        ),
    ],
)
def test_a_firmware_that_complains_or_resets_is_told(
    tmp_path: Path,
    change: tuple[str, str],
    code: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert change[0] in (EXAMPLE / "main.c").read_text()
    assert run_elf(built(tmp_path, change)) == code
    assert says in capsys.readouterr().err


MOVW, MOVT, NOP = b"\x41\xf2\x00\x03", b"\xce\xf2\x00\x03", b"\x00\xbf"
"""``movw r3, #0x1000``, ``movt r3, #0xe000`` and ``nop``."""


@pytest.mark.parametrize(
    ("code", "asks"),
    [
        (bytes.fromhex("001000e0"), True),  # 0xe0001000, a constant
        (bytes.fromhex("921100e0"), False),  # asrs r2, r2, #6; b over one: __divsi3 of a Cortex-M0+
        (bytes.fromhex("9a1800e0"), False),  # adds r2, r3, r2; b over one
        (MOVW + MOVT, True),
        (MOVW + 3 * NOP + MOVT, True),
        (b"\x4f\xf4\x80\x53" + NOP + MOVT, True),  # mov.w r3, #0x1000
        (MOVW + NOP + MOVT[:-1] + b"\x04", False),  # into another register
        (MOVT + MOVW, False),
        (b"", False),
    ],
)
def test_the_cycle_counter_is_known_by_its_address(code: bytes, *, asks: bool) -> None:
    assert holds_address(code) == asks


def test_static_data_beyond_the_boards_memory_does_not_fit(tmp_path: Path) -> None:
    larger = ("96 * 96 * 3", "150 * 1024"), ("LENGTH = 128K", "LENGTH = 256K")
    elf = built(tmp_path, *larger)
    kept = tmp_path / "result.json"
    assert run_elf(elf, "--json", str(kept)) == 0
    result = json.loads(kept.read_text())["results"][0]
    assert result["status"] == "does-not-fit"
    assert "the static at 0x20000000 (in sram) needs" in result["reason"]
    assert result["instructions"] is None


def test_static_data_where_the_board_has_no_memory_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_elf(built(tmp_path, ("0x20000000", "0x24000000"))) == 2
    assert "at 0x24000000, where stm32f4 has no memory" in capsys.readouterr().err


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
