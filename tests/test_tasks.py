"""Tasks of an RTOS: whose each instruction is, on every QEMU, by the RTOS's own pointer."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from firmware_stub import programs

from simbench.backends.records import Kind, RecordReader, record
from simbench.catalog.platforms import load_platform
from simbench.cli.main import _run
from simbench.cost.price import Price
from simbench.cost.residuals import load_target
from simbench.counts import ACCESS, EDGE, PASSAGE, Block, Counts, Passage, SectionCounts, TaskId
from simbench.firmware.image import Image
from simbench.firmware.read import read_image
from simbench.firmware.rtos import CurrentTask, current_task
from simbench.profiles import Cost
from simbench.profiles.tasks import task_costs

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "own_firmware"
CORES = {"stm32g0b1": "cortex-m0plus", "stm32f4": "cortex-m4", "stm32u575": "cortex-m33"}
NOP = b"\x00\xbf"

# An RTOS in small, with FreeRTOS's names and layout: two tasks that yield to each other by PendSV.
# An interrupt comes before the first starts, when there is a current task already, but the main
# stack is in use.
PROGRAM = """
struct tskTaskControlBlock {
    unsigned *top;
#ifdef MOVED
    char pcTaskName[16];
#endif
    struct tskTaskControlBlock *next;
    unsigned items[11];
#ifndef MOVED
    char pcTaskName[16];
#endif
};
extern unsigned stack_top;
struct tskTaskControlBlock first, second, *volatile pxCurrentTCB;
static unsigned stacks[2][64];
__attribute__((naked)) void alpha(void)
{
    __asm__ volatile(".syntax unified; .global opened; opened: movs r3, #3;"
                     "1: movs r0, #10; 2: subs r0, #1; bne 2b;"
                     "ldr r1, =0xE000ED04; movs r2, #1; lsls r2, #28; str r2, [r1]; dsb; isb;"
                     "subs r3, #1; bne 1b; .global closed; closed: nop; b .");
}
__attribute__((naked)) void beta(void)
{
    __asm__ volatile(".syntax unified;"
                     "1: movs r0, #20; 2: subs r0, #1; bne 2b;"
                     "ldr r1, =0xE000ED04; movs r2, #1; lsls r2, #28; str r2, [r1]; dsb; isb;"
                     "b 1b");
}
__attribute__((naked)) void svc(void)
{
    __asm__ volatile(".syntax unified;"
                     "ldr r0, =first; ldr r0, [r0]; msr psp, r0;"
                     "movs r0, #4; mov r1, lr; orrs r1, r0; bx r1");
}
__attribute__((naked)) void vTaskSwitchContext(void)
{
    __asm__ volatile(".syntax unified;"
                     "mrs r0, psp; ldr r1, =pxCurrentTCB; ldr r2, [r1]; str r0, [r2];"
                     "ldr r3, [r2, %0]; str r3, [r1]; ldr r0, [r3]; msr psp, r0; bx lr"
                     :: "i"(__builtin_offsetof(struct tskTaskControlBlock, next)));
}
__attribute__((naked)) void systick(void) { __asm__ volatile("bx lr"); }
static void make(struct tskTaskControlBlock *task, const char *name, unsigned *stack,
                 void (*run)(void), struct tskTaskControlBlock *next)
{
    for (unsigned i = 0; name[i]; i++)
        task->pcTaskName[i] = name[i];
    task->next = next;
    task->top = stack + 56;
    task->top[6] = (unsigned)run;
    task->top[7] = 0x01000000;
}
int main(void)
{
    make(&first, "alpha", stacks[0], alpha, &second);
    make(&second, SECOND, stacks[1], beta, &first);
    pxCurrentTCB = &second;
    *(volatile unsigned *)0xE000ED04 = 1 << 26;
    __asm__ volatile("dsb; isb; nop; nop");
    pxCurrentTCB = &first;
    __asm__ volatile("svc #0");
    for (;;)
        ;
}
__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    [0] = &stack_top, [1] = (void *)main, [11] = (void *)svc,
    [14] = (void *)vTaskSwitchContext, [15] = (void *)systick,
};
"""
ALPHA = 1 + 3 * (1 + 2 * 10 + 6 + 2)
BETA = 3 * (1 + 2 * 20 + 6 + 1) - 1  # less its last branch, and what it has left to do of a yield
SWITCH = 9


def built(folder: Path, platform: str, *flags: str, name: str = "beta") -> Path:
    core = CORES[platform]
    (folder / "main.c").write_text(PROGRAM.replace("SECOND", f'"{name}"'))
    always = (f"-mcpu={core}", "-mthumb", "-O1", "-nostdlib", "-ffreestanding", "-Wl,--entry=main")
    script = ("-T", str(EXAMPLE / "stm32f405.ld"))
    command = ["arm-none-eabi-gcc", *always, *flags, *script, "main.c", "-o", "app.elf"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "app.elf"


def profiled(elf: Path, platform: str, begin: str = "opened") -> dict[str, Any]:
    kept = elf.with_name("profile.json")
    words = ["profile", "--platform", platform, "--elf", str(elf), "--no-cache"]
    assert _run([*words, "--section", f"begin={begin},end=closed", "--json", str(kept)]) == 0
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def rows(found: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """By name: how often resumed, and instructions."""
    return {
        task["name"]: (task["resumed"], task["cost"]["instructions"]) for task in found["tasks"]
    }


@pytest.mark.emulator
@pytest.mark.parametrize("platform", CORES)
def test_each_instruction_is_a_task_s_or_an_exception_s_on_every_qemu(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elf = built(tmp_path, platform)
    found = []
    for program in programs():
        monkeypatch.setenv("SIMBENCH_QEMU", program)
        found.append(profiled(elf, platform))
    assert all(each["tasks"] == found[0]["tasks"] for each in found)
    counted = rows(found[0])
    assert counted["alpha"] == (3, ALPHA)
    assert counted["interrupts"] == (0, 6 * SWITCH)
    resumed, executed = counted["beta"]
    assert resumed == 3
    assert BETA - 2 <= executed <= BETA  # an interrupt may come before the barriers
    total, costs = found[0]["total"], [task["cost"] for task in found[0]["tasks"]]
    assert sum(cost["instructions"] for cost in costs) == total["instructions"]
    assert sum(cost["cycles"]["value"] for cost in costs) == pytest.approx(total["cycles"]["value"])


@pytest.mark.emulator
def test_what_ran_before_the_first_task_is_none_s(tmp_path: Path) -> None:
    found = profiled(built(tmp_path, "stm32f4"), "stm32f4", "main")
    counted = rows(found)
    assert set(counted) == {"alpha", "beta", "interrupts", "no task"}
    assert counted["alpha"] == (1 + 3, ALPHA)
    assert counted["no task"][0] == 1
    assert [task["address"] is None for task in found["tasks"]] == [False, False, True, True]


@pytest.mark.emulator
def test_the_price_is_that_of_the_same_program_whose_tasks_are_not_known(tmp_path: Path) -> None:
    elf = built(tmp_path, "stm32f4")
    known = profiled(elf, "stm32f4")
    renamed = ("--redefine-sym", "pxCurrentTCB=current")
    subprocess.run(["arm-none-eabi-objcopy", *renamed, str(elf)], check=True)
    unknown = profiled(elf, "stm32f4")
    assert unknown["tasks"] == []
    assert known["total"]["instructions"] == unknown["total"]["instructions"]
    cycles = [each["total"]["cycles"] for each in (known, unknown)]
    assert cycles[0]["value"] == pytest.approx(cycles[1]["value"])
    assert cycles[0]["stack"] == pytest.approx(cycles[1]["stack"])


@pytest.mark.emulator
def test_the_debug_information_says_where_a_name_is(tmp_path: Path) -> None:
    elf = built(tmp_path, "stm32f4", "-g", "-DMOVED")
    assert current_task(read_image(elf)) == CurrentTask(read_image(elf).symbols["pxCurrentTCB"], 4)
    assert {"alpha", "beta"} <= set(rows(profiled(elf, "stm32f4")))


@pytest.mark.emulator
def test_a_task_without_a_name_that_is_text_is_called_by_its_place(tmp_path: Path) -> None:
    elf = built(tmp_path, "stm32f4", name=r"\1")
    assert {"alpha", "second"} <= set(rows(profiled(elf, "stm32f4")))


@pytest.mark.emulator
def test_the_table_has_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["profile", "--platform", "stm32f4", "--elf", str(built(tmp_path, "stm32f4"))]
    assert _run([*words, "--no-cache", "--section", "begin=opened,end=closed"]) == 0
    shown = capsys.readouterr().out
    assert "Tasks, each with all that it calls" in shown
    assert f"alpha            3    {ALPHA}" in shown


# ---- by hand ----


def image(symbols: dict[str, int]) -> Image:
    return Image(Path("app.elf"), "", symbols, {}, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        ({}, None),
        ({"pxCurrentTCB": 0x20000010}, CurrentTask(0x20000010, 52)),
        ({"pxCurrentTCBs": 0x20000010}, CurrentTask(0x20000010, 52)),
        ({"_kernel": 0x20000010}, CurrentTask(0x20000018)),
        ({"_tx_thread_current_ptr": 0x20000010}, CurrentTask(0x20000010, 40, True)),
        ({"osRtxInfo": 0x20000010}, CurrentTask(0x20000024, 4, True)),
    ],
)
def test_an_rtos_is_known_by_its_symbol(
    symbols: dict[str, int], expected: CurrentTask | None
) -> None:
    found = current_task(image(symbols))
    assert found == expected
    if found is not None:
        assert len(found.as_numbers()) == (3 if found.name_offset is not None else 1)


def counts() -> Counts:
    """Two tasks of one address, as where the first ended, a third without a name, an exception."""
    owners = (TaskId(0x2000, "old"), TaskId(0x2000, "new"), TaskId(0x3000))
    blocks = (
        *(Block(0x100, NOP * 2, 2, task=owner) for owner in owners),
        Block(0x200, NOP * 4, 4, context=15),
        Block(0x300, NOP, 1),
    )
    passages = [(3, n, 15, int(Passage.RETURNED), n + 1) for n in range(3)]
    section = SectionCounts(
        np.array([5, 7, 11, 6, 0]),
        np.array([], EDGE),
        np.array([], ACCESS),
        {},
        passages=np.array(passages, PASSAGE),
    )
    return Counts(blocks, section, (), ())


def cost_of(instructions: int, price: Price) -> Cost:
    return Cost(instructions, price.cycles, price.energy_j, 0.0)


def test_tasks_are_told_by_address_and_name() -> None:
    target = load_target(load_platform("stm32f4"))
    costs = task_costs(counts(), target, image({}), cost_of)
    assert [(row.name, row.address, row.resumed, row.cost.instructions) for row in costs] == [
        ("0x00003000", 0x3000, 3, 22),
        ("new", 0x2000, 2, 14),
        ("old", 0x2000, 1, 10),
        ("interrupts", None, 0, 24),
    ]
    named = task_costs(counts(), target, image({"idle": 0x3000}), cost_of)
    assert [row.name for row in named] == ["idle", "new", "old", "interrupts"]


@pytest.mark.parametrize(
    ("padded", "name"),
    [(b"busy", "busy"), (b"", ""), (b"\x01\x02", ""), (b"\xff\xfe", ""), ("é".encode(), "é")],
)
def test_a_name_that_is_no_text_is_none(padded: bytes, name: str) -> None:
    reader = RecordReader(())
    block = np.array([3, 0x100, 1], "<u4").tobytes()
    task = np.array([3, 0x2000], "<u4").tobytes()
    used = np.array([3, 0], "<u4").tobytes() + b"\0" * 4
    reader.feed(record(Kind.BLOCK, block + NOP) + record(Kind.TASK, task + padded.ljust(32, b"\0")))
    reader.feed(record(Kind.EXECUTIONS, used))
    reader.feed(b"".join(record(kind) for kind in (Kind.EDGES, Kind.ACCESSES)))
    reader.feed(record(Kind.INTERVAL, bytes(4)) + record(Kind.WINDOW))
    assert reader.windows[0].blocks[0].task == TaskId(0x2000, name)
