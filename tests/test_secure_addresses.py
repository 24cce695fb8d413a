"""Memories with a secure address beside the other: an ELF linked there runs, fits or does not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from simbench.catalog.platforms import load_platform
from simbench.cli.main import _run

pytestmark = pytest.mark.emulator

SOURCE = """
__attribute__((section(".first"))) unsigned char here[HERE];
__attribute__((section(".second"))) unsigned char there[THERE];
extern unsigned stack_top;
__attribute__((noinline)) void work(void)
{
    for (unsigned i = 0; i < 100; i++) {
        ((volatile unsigned char *)here)[i] = (unsigned char)i;
        ((volatile unsigned char *)there)[i]++;
    }
}
__attribute__((noinline)) void done(void) { for (;;) { } }
void reset(void) { work(); done(); }
__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &stack_top, (void *)reset, (void *)done, (void *)done,
};
"""
SCRIPT = """
ENTRY(reset)
SECTIONS
{
    .text CODE : { KEEP(*(.vectors)) *(.text* .rodata*) }
    .first FIRST (NOLOAD) : { *(.first) }
    .second SECOND (NOLOAD) : { *(.second) }
    stack_top = FIRST + HERE + 0x1000;
}
"""
SECURE = 0x10000000
BOARDS = {
    # code and data, as the board has them, and at their secure addresses
    "stm32u575": ("cortex-m33", 0x08000000, 0x0C000000, 0x20000000),
    "stm32u385": ("cortex-m33", 0x08000000, 0x0C000000, 0x20000000),
    "corstone-300": ("cortex-m55", 0x00000000, 0x10000000, 0x20000000),
}


def built(
    folder: Path, core: str, code: int, first: int, second: int, here: int = 256, there: int = 256
) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "main.c").write_text(SOURCE)
    script, numbers = SCRIPT, {"CODE": code, "FIRST": first, "SECOND": second, "HERE": here}
    for name, number in numbers.items():
        script = script.replace(name, f"{number:#x}")
    (folder / "app.ld").write_text(script)
    flags = [f"-mcpu={core}", "-mthumb", "-O1", "-ffreestanding", "-nostdlib", "-Tapp.ld"]
    sizes = [f"-DHERE={here}", f"-DTHERE={there}"]
    command = ["arm-none-eabi-gcc", *flags, *sizes, "main.c", "-o", "app.elf"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "app.elf"


def ran(elf: Path, board: str, code: int = 0) -> dict[str, Any]:
    kept = elf.with_name("result.json")
    words = ["run", "--platform", board, "--elf", str(elf), "--json", str(kept), "--no-cache"]
    assert _run([*words, "--section", "begin=work,end=done"]) == code
    found: dict[str, Any] = json.loads(kept.read_text())["results"][0]
    return found


@pytest.mark.parametrize("board", BOARDS)
def test_an_image_runs_at_its_secure_addresses_as_at_the_others(board: str, tmp_path: Path) -> None:
    core, code, secure_code, data = BOARDS[board]
    usual = built(tmp_path / "usual", core, code, data, data + 0x8000)
    secure = built(tmp_path / "secure", core, secure_code, data + SECURE, data + SECURE + 0x8000)
    mixed = built(tmp_path / "mixed", core, secure_code, data + SECURE, data + 0x8000)
    one, other, third = (ran(elf, board) for elf in (usual, secure, mixed))
    assert one["status"] == other["status"] == third["status"] == "ok"
    assert one["instructions"] == other["instructions"] == third["instructions"]
    assert one["cycles"]["stack"] == other["cycles"]["stack"] == third["cycles"]["stack"]


@pytest.mark.parametrize("board", BOARDS)
def test_what_is_too_long_for_a_secure_address_does_not_fit(board: str, tmp_path: Path) -> None:
    core, _, secure_code, data = BOARDS[board]
    size = load_platform(board).memories["dtcm" if core == "cortex-m55" else "sram"].size_bytes
    elf = built(tmp_path, core, secure_code, data + SECURE, data + 0x100, here=16, there=size)
    found = ran(elf, board)
    assert found["status"] == "does-not-fit"
    larger = built(tmp_path, core, secure_code, data + SECURE, data + 0x200, here=size + 16)
    found = ran(larger, board)
    assert found["status"] == "does-not-fit"
    assert f"static at {data + SECURE:#010x}" in found["reason"]


def test_one_place_at_two_addresses_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    core, _, code, data = BOARDS["stm32u575"]
    elf = built(tmp_path, core, code, data + SECURE, data + 0x1000, here=0x2000)
    words = ["run", "--platform", "stm32u575", "--elf", str(elf), "--section"]
    assert _run([*words, "begin=work,end=done"]) == 2
    said = capsys.readouterr().err
    assert "256 bytes at 0x20001000 and 8,192 at 0x30000000" in said
    assert "same place in sram, seen twice" in said
