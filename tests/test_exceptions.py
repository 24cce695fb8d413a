"""Exceptions: each entry, chain and return counted, by hand and on every QEMU, and priced."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from firmware_stub import programs

from simbench.backends.pieces import joined
from simbench.backends.records import Kind, RecordReader
from simbench.catalog.platforms import load_platform
from simbench.cli.main import _run
from simbench.cost.cores.core import load_core
from simbench.cost.effects.exceptions import PARAMETER, UNPRICED
from simbench.cost.price import estimate
from simbench.cost.residuals import load_target
from simbench.cost.target import Target
from simbench.counts import ACCESS, EDGE, PASSAGE, Block, Counts, Passage, SectionCounts
from simbench.profiles.interrupts import exception_name

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "own_firmware"
SVC, PENDSV, SYSTICK = 11, 14, 15
NOP = b"\x00\xbf"

# One turn: a call of the supervisor, in whose handler SysTick, of a higher priority, is taken, and
# once more right behind itself; then PendSV, of a lower one, follows the supervisor's end. The
# handlers are of so many instructions: 10, 11 and then 7, 2.
PROGRAM = """
#define REGISTER(address) (*(volatile unsigned *)(address))
extern unsigned stack_top;
volatile unsigned again;
__attribute__((naked)) void svc(void)
{
    __asm__ volatile(".syntax unified;"
                     "ldr r0, =0xE000ED04; movs r1, #1; lsls r1, #26; str r1, [r0]; dsb; isb;"
                     "movs r1, #1; lsls r1, #28; str r1, [r0]; bx lr");
}
__attribute__((naked)) void systick(void)
{
    __asm__ volatile(".syntax unified;"
                     "ldr r2, =again; ldr r1, [r2]; movs r3, #1; eors r1, r3; str r1, [r2];"
                     "beq 1f; ldr r0, =0xE000ED04; movs r1, #1; lsls r1, #26; str r1, [r0];"
                     "1: bx lr");
}
__attribute__((naked)) void pendsv(void) { __asm__ volatile("FLOAT; bx lr"); }
__attribute__((noinline)) void done(void) { __asm__ volatile("nop"); }
__attribute__((noinline)) void work(void)
{
    for (unsigned turn = 0; turn < 5; turn++)
        __asm__ volatile("FLOAT; svc #0; isb" ::: "memory");
}
int main(void)
{
    REGISTER(0xE000ED88) = 0xF00000;
    REGISTER(0xE000ED1C) = 0x80000000;
    REGISTER(0xE000ED20) = 0x40C00000;
    work();
    done();
    for (;;)
        __asm__ volatile("nop");
}
__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    [0] = &stack_top, [1] = (void *)main, [11] = (void *)svc,
    [14] = (void *)pendsv, [15] = (void *)systick,
};
"""
FLOATING = {"stm32f4": "cortex-m4", "stm32h7": "cortex-m7", "stm32u575": "cortex-m33"}
CORES = {"stm32g0b1": "cortex-m0plus", **FLOATING}


def built(folder: Path, platform: str) -> Path:
    core = CORES[platform]
    floats = platform in FLOATING
    (folder / "main.c").write_text(PROGRAM.replace("FLOAT", "vmov s1, s0" if floats else "nop"))
    machine = (f"-mcpu={core}", "-mthumb", *(("-mfpu=fpv4-sp-d16", "-mfloat-abi=hard") * floats))
    flags = (*machine, "-O1", "-nostdlib", "-ffreestanding", "-Wl,--entry=main")
    script = EXAMPLE / "stm32f405.ld"
    command = ["arm-none-eabi-gcc", *flags, "-T", str(script), "main.c", "-o", "app.elf"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "app.elf"


def profiled(elf: Path, platform: str, begin: str = "work", end: str = "done") -> dict[str, Any]:
    kept = elf.with_name("profile.json")
    words = ["profile", "--platform", platform, "--elf", str(elf), "--no-cache"]
    assert _run([*words, "--section", f"begin={begin},end={end}", "--json", str(kept)]) == 0
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


@pytest.mark.emulator
@pytest.mark.parametrize("platform", [*FLOATING, "stm32g0b1"])
def test_every_entry_chain_and_return_is_counted_on_every_qemu(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elf = built(tmp_path, platform)
    found = []
    for program in programs():
        monkeypatch.setenv("SIMBENCH_QEMU", program)
        found.append(profiled(elf, platform))
    assert all(each["interrupts"] == found[0]["interrupts"] for each in found)
    outside, *rows = found[0]["interrupts"]
    counted = {
        row["handler"]: (
            *(row[name] for name in ("number", "taken", "chained", "returned", "saved_floats")),
            row["cost"]["instructions"],
        )
        for row in rows
    }
    saved = 5 * (platform in FLOATING)
    assert counted == {
        "svc": (SVC, 5, 0, 0, 0, 5 * 10),
        "systick": (SYSTICK, 5, 5, 5, 0, 5 * (11 + 7)),
        "pendsv": (PENDSV, 0, 5, 5, saved, 5 * 2),
    }
    total = found[0]["total"]
    costs = [row["cost"] for row in (outside, *rows)]
    assert sum(cost["instructions"] for cost in costs) == total["instructions"]
    assert sum(cost["cycles"]["value"] for cost in costs) == pytest.approx(total["cycles"]["value"])
    core = load_core(CORES[platform]).pipeline
    times = {"entry": 10, "chain": 10, "return": 10, "floats": saved}
    worth = sum(n * core[f"exception_{kind}"].value for kind, n in times.items() if n)
    assert total["cycles"]["stack"]["exceptions"] == worth


@pytest.mark.emulator
def test_no_call_and_no_branch_is_made_of_an_interruption(tmp_path: Path) -> None:
    found = profiled(built(tmp_path, "stm32f4"), "stm32f4")
    handlers = {f["address"] for f in found["functions"] if f["name"] in ("svc", "systick")}
    assert len(handlers) == 2
    assert not any(call["callee"] in handlers for call in found["calls"])


@pytest.mark.emulator
def test_a_section_that_begins_in_a_handler_knows_where_it_is(tmp_path: Path) -> None:
    found = profiled(built(tmp_path, "stm32f4"), "stm32f4", "svc", "pendsv")
    rows = {row["name"]: row for row in found["interrupts"]}
    assert set(rows) == {"SVCall", "SysTick"}
    assert (rows["SVCall"]["handler"], rows["SVCall"]["taken"]) == (None, 0)
    assert rows["SVCall"]["cost"]["instructions"] == 10


@pytest.mark.emulator
def test_firmware_without_interrupts_says_nothing_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = profiled(built(tmp_path, "stm32f4"), "stm32f4", "main", "work")
    assert found["interrupts"] == []
    assert found["total"]["cycles"]["stack"]["exceptions"] == 0
    assert "Interrupts" not in capsys.readouterr().out


@pytest.mark.emulator
def test_the_table_names_handlers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elf = built(tmp_path, "stm32f4")
    words = ["profile", "--platform", "stm32f4", "--elf", str(elf), "--no-cache"]
    assert _run([*words, "--section", "begin=work,end=done"]) == 0
    shown = capsys.readouterr().out
    assert "Interrupts" in shown
    assert re.search(r"SysTick +systick +5 +5 +90 ", shown)
    assert re.search(r"outside +\d", shown)


# ---- by hand ----


def counts(passages: list[tuple[int, int, int, int, int]], handler: int = 3) -> Counts:
    """Four NOPs, interrupted behind the second by a handler of four."""
    blocks = (
        Block(0x100, NOP * 2, 2),
        Block(0x104, NOP * 2, 2),
        Block(0x200, NOP * 4, 4, handler),
        Block(0x100, NOP * 2, 2, handler),
    )
    rows = np.array(passages, PASSAGE)
    executions = np.array([7, 7, 3, 1])
    edges, accesses = np.array([], EDGE), np.array([], ACCESS)
    section = SectionCounts(executions, edges, accesses, {}, passages=rows)
    return Counts(blocks, section, (), ())


ALL_KINDS = [(0, 2, 3, int(kind), n) for kind, n in zip(Passage, (3, 2, 4, 1), strict=True)]


def test_passages_are_in_the_price_and_in_the_groups_of_the_handler() -> None:
    target = load_target(load_platform("stm32f4"))
    run = counts(ALL_KINDS)
    price = estimate(run, run.inference, target)
    assert price.cycles.stack["exceptions"] == 3 * 12 + 2 * 6 + 4 * 10 + 1 * 34
    assert UNPRICED not in price.notes


def test_a_core_that_does_not_say_what_an_exception_takes_is_noted() -> None:
    target = load_target(load_platform("stm32f4"))
    rest = {n: q for n, q in target.core.pipeline.items() if n not in PARAMETER.values()}
    bare = Target(**{**_fields(target), "core": replace(target.core, pipeline=rest)})
    run = counts(ALL_KINDS)
    price = estimate(run, run.inference, bare)
    assert price.cycles.stack["exceptions"] == 0
    assert UNPRICED in price.notes
    quiet = counts([])
    assert UNPRICED not in estimate(quiet, quiet.inference, bare).notes


def _fields(target: Target) -> dict[str, Any]:
    return {name: getattr(target, name) for name in target.__dataclass_fields__}


def test_an_interrupted_block_is_one_block_again_and_a_handler_s_is_its_own() -> None:
    whole = joined(counts(ALL_KINDS))
    assert whole.blocks == (
        Block(0x100, NOP * 4, 4),
        Block(0x200, NOP * 4, 4, 3),
        Block(0x100, NOP * 2, 2, 3),
    )
    assert whole.inference.executions.tolist() == [7, 3, 1]
    assert whole.inference.passages["source"].tolist() == [0] * 4
    assert whole.inference.passages["target"].tolist() == [1] * 4


def test_records_say_in_which_exception_a_block_was_executed() -> None:
    def record(kind: Kind, *words: int, tail: bytes = b"") -> bytes:
        data = np.array(words, "<u4").tobytes() + tail
        return np.array([kind, len(data)], "<u4").tobytes() + data

    row = np.array([(0, 1, 15, 0, 4)], PASSAGE).tobytes()
    reader = RecordReader(())
    reader.feed(
        record(Kind.BLOCK, 0, 0x100, 1, tail=NOP)
        + record(Kind.BLOCK, 1, 0x100, 1, tail=NOP)
        + record(Kind.CONTEXT, 1, 15)
        + record(Kind.EXECUTIONS, 0, 4, 0, 1, 4, 0)
        + record(Kind.EDGES)
        + record(Kind.ACCESSES)
        + record(Kind.PASSAGES, tail=row)
        + record(Kind.INTERVAL, 0)
        + record(Kind.WINDOW)
    )
    (window,) = reader.windows
    assert [block.context for block in window.blocks] == [0, 15]
    assert window.inference.passages.tolist() == [(0, 1, 15, 0, 4)]


@pytest.mark.parametrize(
    ("number", "name"), [(0, "none"), (3, "HardFault"), (15, "SysTick"), (16, "interrupt 0")]
)
def test_exceptions_are_called_as_arm_does(number: int, name: str) -> None:
    assert exception_name(number) == name
