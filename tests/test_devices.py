"""Firmware that reaches devices while it is counted: every instruction once, on every QEMU.

QEMU leaves a translated block at an access to a device and enters the rest of it as another block:
7.2 where time passes by instructions, as it does for a board's own firmware, and 10 always.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from firmware_stub import programs
from other_qemus import OTHERS, other_qemu

from simbench.cli.main import _run

pytestmark = pytest.mark.emulator

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "own_firmware"
UART_STATUS, SYSTICK_VALUE = 0x40011000, 0xE000E018
TURN = {
    "the access first": ("ldr r3, [%0]", "adds r3, #1", "eors r3, r2"),
    "the access between": ("adds r2, #1", "ldr r3, [%0]", "eors r3, r2", "lsls r3, #2"),
    "two accesses": ("ldr r3, [%0]", "adds r3, #1", "str r3, [%0, #4]", "eors r3, r2"),
    "the access last": ("adds r2, #1", "eors r3, r2", "ldr r3, [%0]"),
}


TICK = 10_000
TICKING = """
#define REGISTER(address) (*(volatile unsigned *)(address))
extern unsigned stack_top;
void tick(void) { __asm__ volatile("nop"); }
int main(void)
{
    REGISTER(0xE000E014) = %d - 1;
    REGISTER(0xE000E018) = 0;
    REGISTER(0xE000E010) = 7;
    for (;;)
        __asm__ volatile("nop");
}
__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    [0] = &stack_top, [1] = (void *)main, [15] = (void *)tick,
};
"""
CORES = {
    "stm32g0b1": "cortex-m0plus",
    "stm32f4": "cortex-m4",
    "stm32h7": "cortex-m7",
    "stm32u575": "cortex-m33",
}


@pytest.mark.parametrize("platform", CORES)
def test_a_tick_takes_about_the_instructions_of_its_cycles_on_every_qemu(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main.c").write_text(TICKING % TICK)
    flags = (f"-mcpu={CORES[platform]}", "-mthumb", "-Os", "-nostdlib", "-ffreestanding")
    script, elf = EXAMPLE / "stm32f405.ld", tmp_path / "tick.elf"
    command = ["arm-none-eabi-gcc", *flags, "-T", str(script), "main.c", "-o", str(elf)]
    subprocess.run([*command, "-Wl,--entry=main"], cwd=tmp_path, check=True)
    found = set()
    for program in programs():
        monkeypatch.setenv("SIMBENCH_QEMU", program)
        kept = tmp_path / "result.json"
        run = ["run", "--platform", platform, "--elf", str(elf), "--no-cache", "--json", str(kept)]
        assert _run([*run, "--section", "begin=tick,end=tick"]) == 0
        found.add(int(json.loads(kept.read_text())["results"][0]["instructions"]))
    (instructions,) = found
    assert TICK / 2 < instructions < 2 * TICK


def counted(folder: Path, body: tuple[str, ...], address: int, turns: int) -> int:
    """The instructions of a section of ``turns`` turns of ``body``, a subtraction and a branch."""
    lines = "".join(f'"{line}\\n"' for line in ("1:", *body, "subs %1, #1", "bne 1b"))
    (folder / "main.c").write_text(
        "#define ASIDE __attribute__((noinline)) void\n"
        f'ASIDE turn(unsigned n) {{ unsigned a = {address}u; __asm__ volatile({lines} : "+r"(a), '
        '"+r"(n) : : "r2", "r3", "cc", "memory"); }\n'
        'ASIDE done(void) { __asm__ volatile("nop"); }\n'
        f"int main(void) {{ for (;;) {{ turn({turns}u); done(); }} }}\n"
    )
    for name in ("startup.c", "stm32f405.ld", "Makefile"):
        (folder / name).write_text((EXAMPLE / name).read_text())
    subprocess.run(["make", "-s", "-B"], cwd=folder, check=True)
    kept = folder / "result.json"
    run = ["run", "--platform", "stm32f4", "--elf", str(folder / "app.elf"), "--no-cache"]
    assert _run([*run, "--section", "begin=turn,end=done", "--json", str(kept)]) == 0
    return int(json.loads(kept.read_text())["results"][0]["instructions"])


@pytest.mark.parametrize("qemu", ["installed", *OTHERS])
@pytest.mark.parametrize("address", [UART_STATUS, SYSTICK_VALUE], ids=["uart", "systick"])
@pytest.mark.parametrize("body", TURN.values(), ids=list(TURN))
def test_every_instruction_of_a_poll_is_counted_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    body: tuple[str, ...],
    address: int,
    qemu: str,
) -> None:
    if qemu in OTHERS:
        monkeypatch.setenv("SIMBENCH_QEMU", other_qemu(qemu))
    few, many = (counted(tmp_path, body, address, turns) for turns in (100, 400))
    assert many - few == 300 * (len(body) + 2)
    assert few < 100 * (len(body) + 2) + 20
