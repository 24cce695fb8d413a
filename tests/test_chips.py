"""A chip's own map: what its registers read as, what is loaded, and firmware that sets it up."""

from __future__ import annotations

import json
import struct
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simbench.catalog.chips import Follow, Register
from simbench.catalog.platforms import load_platform, platform_files, read_platform
from simbench.catalog.set_up import as_set_up, controlling, differences
from simbench.cli.main import _run
from simbench.counts import Segment
from simbench.errors import UsageError
from simbench.firmware.load import Load, Skip, raw_loads, with_skips
from simbench.task.own import own_image

STACK, RESET = 0x20000400, 0x08000009
VECTORS = struct.pack("<II", STACK, RESET)
STM32L4R5 = next(path for name, path in platform_files().items() if name == "stm32l4r5")

# what a vendor's set-up of clocks does, by board: where it asks for the PLL, and its core
BOARDS = {
    "stm32l4r5": ("cortex-m4", 0x40021000),
    "stm32f4": ("cortex-m4", 0x40023800),
    "stm32f746": ("cortex-m7", 0x40023800),
    "stm32h7": ("cortex-m7", 0x58024400),
    "stm32g0b1": ("cortex-m0plus", 0x40021000),
    "stm32u575": ("cortex-m33", 0x46020C00),
}
FIRMWARE = """
#include <stdint.h>
#define REG(address) (*(volatile uint32_t *)(address))
extern uint32_t stack_top;
uint32_t sum;
__attribute__((noinline)) int set_clock_up(void)
{
    REG(RCC) |= 1u << 24;
    while (!(REG(RCC) & 1u << 25)) {
    }
    return 5;
}
__attribute__((noinline)) void work(void)
{
    for (uint32_t i = 0; i < 100; i++)
        *(volatile uint32_t *)&sum += i;
}
__attribute__((noinline)) void done(void)
{
    for (;;) {
    }
}
void reset(void)
{
    REG(RCC + 0x10) = (uint32_t)set_clock_up();
    SET_UP;
    work();
    done();
}
__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &stack_top, (void *)reset, (void *)done, (void *)done,
};
"""
SCRIPT = """
ENTRY(reset)
SECTIONS
{
    . = CODE;
    .text : { KEEP(*(.vectors)) *(.text* .rodata*) }
    . = DATA;
    .bss (NOLOAD) : { *(.bss* COMMON) }
    stack_top = DATA + 0x1000;
}
"""


def built(
    folder: Path,
    board: str,
    *,
    ready: str = "1u << 25",
    core: str | None = None,
    set_up: str = "(void)0",
) -> Path:
    platform = load_platform(board)
    cpu, clocks = BOARDS[board]
    source, script, elf = folder / "main.c", folder / "app.ld", folder / "app.elf"
    source.write_text(FIRMWARE.replace("1u << 25", ready).replace("SET_UP", set_up))
    data = platform.memory_of(Segment.STATIC).address
    code = platform.memory_of(Segment.CODE).address
    script.write_text(SCRIPT.replace("CODE", f"{code:#x}").replace("DATA", f"{data:#x}"))
    flags = [f"-mcpu={core or cpu}", "-mthumb", "-O1", "-ffreestanding", "-nostdlib"]
    command = ["arm-none-eabi-gcc", *flags, f"-DRCC={clocks:#x}", f"-T{script}", str(source)]
    subprocess.run([*command, "-o", str(elf)], check=True, capture_output=True)
    return elf


def copied(elf: Path, form: str) -> Path:
    target = elf.with_suffix(".hex" if form == "ihex" else ".bin")
    subprocess.run(["arm-none-eabi-objcopy", "-O", form, str(elf), str(target)], check=True)
    return target


def section(elf: Path) -> str:
    listed = subprocess.run(
        ["arm-none-eabi-nm", str(elf)], check=True, capture_output=True, text=True
    ).stdout
    places = {name: int(at, 16) for at, _, name in map(str.split, listed.splitlines())}
    return f"begin={places['work']:#x},end={places['done']:#x}"


def run(board: str, image: Path, *more: str) -> int:
    return _run(["run", "--platform", board, "--elf", str(image), *more])


# ---- the platform's file ----


def test_every_platform_says_what_its_chip_is() -> None:
    assert all(load_platform(name).chip is not None for name in platform_files())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("address: 0x40021008", "address: 0x20021008"), "0x20021008 is outside of the chip's"),
        (("address: 0x40021008", "address: 0x4002100A"), "0x4002100a is not a multiple of 4"),
        (("[0-1 to 2]", "[0-1 at 2]"), "'0-1 at 2' is not bits"),
        (("[0-1 to 2]", "[0-9 to 30]"), "'0-9 to 30' is beyond the 32 bits"),
        (("{kind: stm32, address: 0x40013800", "{kind: 8250, address: 0x40013800"), "8250 is not"),
        (("interrupt: 37", "interrupt: 1000"), "1000 is impossible"),
        (("RCC_CSR: {address", "RCC_CSR: {adress"), "address: is missing"),
        (
            ("memory: flash, prefetch: 8", "memory: rom, prefetch: 8"),
            "rom is not one of flash, sram",
        ),
        (("prefetch: 8", "prefetch: 32"), "32 is impossible"),
        ((", prefetch: 8, instruction_cache: 9, data_cache: 10", ""), "controls nothing of it"),
    ],
)
def test_a_wrong_chip_is_named_with_line_and_key(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    text = STM32L4R5.read_text()
    assert change[0] in text
    path = tmp_path / "stm32l4r5.yaml"
    path.write_text(text.replace(*change))
    with pytest.raises(UsageError, match=r"stm32l4r5\.yaml:\d+: chip(\.\w+){3,4}: ") as caught:
        read_platform(path)
    assert said in str(caught.value)


def test_bits_follow_others_of_their_register() -> None:
    chip = load_platform("stm32l4r5").chip
    assert chip is not None
    clocks = {register.name: register for register in chip.registers}
    assert clocks["RCC_CFGR"] == Register("RCC_CFGR", 0x40021008, follows=(Follow(3, 2),))
    assert Follow(1 << 24, 1) in clocks["RCC_CR"].follows
    assert chip.register_at(0x40021001) == "RCC_CR (0x40021001)"
    assert chip.register_at(0x40013820) == "USART1+0x20 (0x40013820)"
    assert chip.register_at(0x50000000) == "0x50000000"


def test_a_board_is_as_its_firmware_set_it_up() -> None:
    filed = load_platform("stm32u575")
    acr, cache = 0x40022000, 0x40030400
    assert [register.address for register in controlling(filed)] == [acr, cache]
    assert as_set_up(filed, {acr: 0x104, cache: 5}) is filed
    assert as_set_up(filed, {}) is filed
    # as after a reset: nothing was set up
    assert as_set_up(filed, {acr: 0, cache: 4}) is filed
    found = as_set_up(filed, {acr: 4, cache: 1})
    flash = found.memories["flash"]
    assert flash.instruction_cache is not None
    assert flash.data_cache is not None
    assert (flash.prefetch, flash.instruction_cache.ways, flash.data_cache.ways) == (False, 1, 1)
    assert differences(filed, found) == (
        "priced with the prefetch off and the instruction cache of 1 way and the data cache of 1 "
        "way at flash, as the firmware set it up: the file of stm32u575 says otherwise",
    )
    bare = as_set_up(filed, {acr: 0x104, cache: 6}).memories["flash"]
    assert (bare.instruction_cache, bare.data_cache) == (None, None)


# ---- what is loaded ----


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5), st.integers(0, 2**31))
def test_a_hex_file_is_read_as_it_is_written(parts: list[bytes], start: int) -> None:
    loads, address = [], start
    for part in parts:
        loads.append(Load(address, part))
        address += len(part) + 1
    with tempfile.TemporaryDirectory() as folder:  # hypothesis has no folder of its own
        path = Path(folder) / "image.hex"
        path.write_text(hex_file(loads))
        assert raw_loads(path, None) == tuple(loads)


def hex_file(loads: list[Load]) -> str:
    lines = []
    for load in loads:
        for i, byte in enumerate(load.data):  # a record a byte: what adjoins is put together again
            address = load.address + i
            lines.append(record(4, 0, (address >> 16).to_bytes(2, "big")))
            lines.append(record(0, address & 0xFFFF, bytes([byte])))
    return "\n".join((*lines, ":00000001FF", ""))


def record(kind: int, address: int, data: bytes) -> str:
    body = bytes([len(data), *address.to_bytes(2, "big"), kind, *data])
    return ":" + (body + bytes([-sum(body) & 0xFF])).hex().upper()


@pytest.mark.parametrize(
    ("content", "base", "said"),
    [
        (b"", 0x8000000, "is empty"),
        (b"\0\1", None, "give its first as --base"),
        (b":0400000008000020D4\n:00000001FF\n", 0x8000000, "leave out --base"),
        (b":0400000008000020D4\n", None, "it was cut short"),
        (b":0400000008000020D5\n:00000001FF\n", None, "bad:1: is no record"),
        (b":04000000080000\n", None, "bad:1: is no record"),
    ],
)
def test_a_raw_image_that_cannot_be_is_refused(
    tmp_path: Path, content: bytes, base: int | None, said: str
) -> None:
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        raw_loads(path, base)


@pytest.mark.parametrize(
    ("skip", "code"),
    [
        (Skip(0x104, None), "7047"),
        (Skip(0x104, 5), "0048704705000000"),
        (Skip(0x106, 5), "0148704700bf05000000"),
    ],
)
def test_a_skipped_function_returns_at_once(skip: Skip, code: str) -> None:
    (load,) = with_skips([Load(0x100, bytes(0x20))], [skip])
    at = skip.address - 0x100
    assert load.data[at : at + len(code) // 2].hex() == code
    assert load.data[:at] + load.data[at + len(code) // 2 :] == bytes(0x20 - len(code) // 2)


def test_what_is_not_in_the_image_cannot_be_skipped() -> None:
    with pytest.raises(UsageError, match="0x00000200 is not in the image"):
        with_skips([Load(0x100, bytes(0x20))], [Skip(0x200, None)])


# ---- where an image belongs ----


def binary(folder: Path, data: bytes) -> Path:
    path = folder / "app.bin"
    path.write_bytes(data)
    return path


def test_accesses_are_told_apart_by_memory(tmp_path: Path) -> None:
    own = own_image(binary(tmp_path, VECTORS + bytes(64)), load_platform("stm32f746"), 0x08000000)
    assert own.platform.placement == {
        Segment.CODE: "flash",
        Segment.STATIC: "dtcm",
        Segment.ARENA: "sram",
        Segment.WEIGHTS: "flash",
    }
    code = own.image.segments[Segment.CODE]
    assert {(r.start, r.size) for r in code} == {(0x08000000, 1 << 20), (0x00200000, 1 << 20)}
    assert own.board.aliases[-1].span.address == 0  # where the emulated core begins


def test_an_image_behind_a_boot_loader_is_begun_where_it_is(tmp_path: Path) -> None:
    vectors = struct.pack("<II", 0x20000400, 0xC009)
    own = own_image(binary(tmp_path, vectors + bytes(64)), load_platform("nrf52840"), 0xC000)
    assert [blob.address for blob in own.blobs] == [0xC000, 0]
    assert own.blobs[1].data == vectors


@pytest.mark.parametrize(
    ("data", "base", "said"),
    [
        (VECTORS + bytes(64), 0x10000000, "stm32l4r5 has no memory for all of it"),
        (VECTORS + bytes(64), 0x081FFFF0, "stm32l4r5 has no memory for all of it"),
        (bytes(64), 0x08000000, "no vector table at 0x08000000"),
        (struct.pack("<II", 0x10, RESET) + bytes(64), 0x08000000, "and --base right"),
    ],
)
def test_an_image_for_another_map_is_refused(
    tmp_path: Path, data: bytes, base: int, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        own_image(binary(tmp_path, data), load_platform("stm32l4r5"), base)


@pytest.mark.parametrize("text", ["set=up=5", "0x8000008=0x100000000", "main"])
def test_a_skip_that_cannot_be_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"--skip|no symbols"):
        own_image(
            binary(tmp_path, VECTORS + bytes(64)), load_platform("stm32l4r5"), 0x08000000, [text]
        )


def test_base_and_skip_are_of_own_firmware(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["run", "--platform", "stm32f4", "--base", "0x08000000"]) == 2
    assert "name it with --elf" in capsys.readouterr().err


# ---- on the emulated chip ----


@pytest.mark.emulator
@pytest.mark.image
@pytest.mark.parametrize("board", BOARDS)
def test_firmware_that_waits_for_its_clock_runs(board: str, tmp_path: Path) -> None:
    elf, kept = built(tmp_path, board), tmp_path / "result.json"
    assert run(board, elf, "--section", "begin=work,end=done", "--json", str(kept)) == 0
    result = json.loads(kept.read_text())["results"][0]
    # a loop of 100 turns, each a load, an addition to it, a store, and its own counting
    assert 600 <= result["instructions"] <= 900
    assert result["cycles"]["value"] > result["instructions"] / 2


@pytest.mark.emulator
@pytest.mark.image
def test_firmware_is_priced_on_the_board_as_it_set_it_up(tmp_path: Path) -> None:
    """A flash that is switched to no cache at all waits for each line, and twice alike."""
    found = {}
    for name, set_up in {
        "as filed": "REG(0x40022000) = 0x705",
        "bare": "REG(0x40022000) = 0x005",
        "bare again": "REG(0x40022000) = 0x005",
    }.items():
        elf, kept = built(tmp_path, "stm32l4r5", set_up=set_up), tmp_path / "result.json"
        assert run("stm32l4r5", elf, "--section", "begin=work,end=done", "--json", str(kept)) == 0
        result = json.loads(kept.read_text())["results"][0]
        found[name] = (result["cycles"]["value"], [n for n in result["notes"] if "set it up" in n])
    assert found["as filed"][1] == [
        "priced with the prefetch on at flash, as the firmware set it up: the file of stm32l4r5 "
        "says otherwise"
    ]
    assert "the instruction cache off and the data cache off" in found["bare"][1][0]
    assert found["bare"] == found["bare again"]
    # each of 100 turns jumps to a line that no cache has: five wait states
    assert found["bare"][0] >= found["as filed"][0] + 99 * 5


@pytest.mark.emulator
@pytest.mark.image
@pytest.mark.parametrize("form", ["binary", "ihex"])
def test_a_raw_image_runs_as_its_elf(form: str, tmp_path: Path) -> None:
    elf = built(tmp_path, "stm32l4r5")
    base = ["--base", "0x08000000"] if form == "binary" else []
    counted = []
    for image, more in ((elf, []), (copied(elf, form), base)):
        kept = tmp_path / "result.json"
        assert run("stm32l4r5", image, "--section", section(elf), "--json", str(kept), *more) == 0
        result = json.loads(kept.read_text())["results"][0]
        counted.append((result["instructions"], result["cycles"]["value"]))
    assert counted[0] == counted[1]


@pytest.mark.emulator
@pytest.mark.image
def test_a_wait_for_ever_names_the_register_and_can_be_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elf = built(tmp_path, "stm32l4r5", ready="1u << 3")
    window = ("--section", "begin=work,end=done")
    assert run("stm32l4r5", elf, *window, "--time-limit", "1") == 3
    said = capsys.readouterr().err.replace("\n", " ")
    assert "in set_clock_up" in said
    assert "it kept reading RCC_CR (0x40021000)" in said
    assert run("stm32l4r5", elf, *window, "--skip", "set_clock_up=5") == 0


@pytest.mark.image
def test_an_image_for_another_core_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elf = built(tmp_path, "stm32l4r5", core="cortex-m33")
    assert run("stm32l4r5", elf, "--section", "begin=work,end=done") == 2
    assert "built for another core than cortex-m4" in capsys.readouterr().err


@pytest.mark.image
def test_an_elf_has_its_own_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elf = built(tmp_path, "stm32l4r5")
    assert run("stm32l4r5", elf, "--base", "0x0", "--section", "begin=work,end=done") == 2
    assert "leave out --base" in capsys.readouterr().err


NORDIC = """
static volatile char byte;
static void start_uart(void)
{
    REG(0x40002500) = 8; /* ENABLE: with DMA */
    REG(0x40002534) = (uint32_t)&byte;
    REG(0x40002538) = 1;
    REG(0x40002000) = 1; /* STARTRX */
}
static void put(char c)
{
    static volatile char sent;
    sent = c;
    REG(0x40002544) = (uint32_t)&sent;
    REG(0x40002548) = 1;
    REG(0x40002120) = 0;
    REG(0x40002008) = 1; /* STARTTX */
    while (!REG(0x40002120)) {
    }
}
static char get(void)
{
    while (!REG(0x40002110)) { /* ENDRX */
    }
    REG(0x40002110) = 0;
    char came = byte;
    REG(0x40002000) = 1;
    return came;
}
"""
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "own_firmware"


@pytest.mark.emulator
@pytest.mark.image
def test_a_uart_with_dma_speaks_the_protocol(tmp_path: Path) -> None:
    """The example, on a Nordic chip."""
    source = (EXAMPLE / "main.c").read_text()
    start, end = (source.index(f"static void {name}(") for name in ("start_uart", "start_timer"))
    (tmp_path / "main.c").write_text(source[:start] + NORDIC + source[end:])
    (tmp_path / "startup.c").write_text((EXAMPLE / "startup.c").read_text())
    (tmp_path / "Makefile").write_text((EXAMPLE / "Makefile").read_text())
    script = (EXAMPLE / "stm32f405.ld").read_text().replace("0x08000000", "0x00000000")
    (tmp_path / "stm32f405.ld").write_text(script)
    subprocess.run(["make", "-s"], cwd=tmp_path, check=True)
    kept = tmp_path / "result.json"
    assert run("nrf52840", tmp_path / "app.elf", "--benchmark", "kws", "--json", str(kept)) == 0
    result = json.loads(kept.read_text())["results"][0]
    assert 4 * 500 * 4 < result["instructions"] < 4 * 500 * 10


def test_a_board_without_a_chip_has_no_firmware_of_its_own(tmp_path: Path) -> None:
    from simbench.catalog.scenario import Scenario, Variant
    from simbench.task.tasks import own_elf_task

    bare = replace(load_platform("stm32l4r5"), chip=None)
    with pytest.raises(UsageError, match="says nothing of its chip"):
        own_elf_task(Scenario("kws", "stm32l4r5", Variant("own")), bare, None, tmp_path / "app.elf")
