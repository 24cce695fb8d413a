from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from simbench.catalog.cores import core_files
from simbench.catalog.platforms import (
    load_platform,
    platform_caches,
    platform_files,
    read_platform,
)
from simbench.cost.cores.core import load_core, read_core
from simbench.counts import Segment
from simbench.errors import EXIT_USAGE, UsageError
from simbench.files.datafile import UNITS, parse_number
from simbench.files.paths import cores_dir, data_dir

BUILT_IN = sorted(data_dir("platforms").glob("*.yaml"))
STM32F4 = data_dir("platforms") / "stm32f4.yaml"


@pytest.mark.parametrize("path", BUILT_IN, ids=lambda p: p.stem)
def test_built_in_platform_loads_with_its_core(path: Path) -> None:
    platform = load_platform(path.stem)
    assert load_core(platform.core).id == platform.core
    assert {platform.memory_of(s).name for s in Segment} <= set(platform.memories)


def leaves(node: yaml.Node, path: str = "") -> Iterator[tuple[str, str, bool]]:
    """Each scalar: where it is, its text, and whether a source stands beside it."""
    if not isinstance(node, yaml.MappingNode):
        return
    keys = {key.value for key, _ in node.value}
    for key, value in node.value:
        if isinstance(value, yaml.ScalarNode):
            yield f"{path}{key.value}", value.value, "source" in keys
        else:
            yield from leaves(value, f"{path}{key.value}.")


@pytest.mark.parametrize("path", [*BUILT_IN, *core_files().values()], ids=lambda p: p.stem)
def test_every_number_has_a_source(path: Path) -> None:
    top = yaml.compose(path.read_text())
    assert top is not None
    bare = []
    for where, text, sourced in leaves(top):
        if where in ("version", "id", "title") or where.startswith("sources."):
            continue
        if text[:1].isdigit() and not sourced:
            bare.append(where)
    assert not bare


def test_stm32f4_is_the_chip_of_the_manuals() -> None:
    platform = load_platform("stm32f4")
    assert platform.clock_hz == 168e6
    assert platform.memory_of(Segment.CODE).wait_states.value == 5
    assert platform.memory_of(Segment.ARENA).size_bytes == 131072
    assert platform.memory_of(Segment.STATIC).size_bytes == 65536
    *instructions, data = platform_caches(platform)
    instruction = instructions[0]
    assert (instruction.kind, instruction.lines, instruction.line_bytes) == ("instruction", 64, 16)
    assert instruction.segments == (Segment.CODE,)
    assert (data.kind, data.lines, data.ways) == ("data", 8, 8)
    assert data.segments == (Segment.CODE, Segment.WEIGHTS)


def test_unknown_platform_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no platform stm32f5: did you mean stm32f") as caught:
        load_platform("stm32f5")
    assert caught.value.exit_code == EXIT_USAGE


def test_own_folder_goes_first(tmp_path: Path) -> None:
    text = STM32F4.read_text()
    (tmp_path / "mine.yaml").write_text(text.replace("id: stm32f4", "id: mine"))
    (tmp_path / "stm32f4.yaml").write_text(text.replace("168MHz, source", "84MHz, source"))
    assert platform_files((tmp_path,))["mine"] == tmp_path / "mine.yaml"
    assert load_platform("mine", (tmp_path,)).id == "mine"
    assert load_platform("stm32f4", (tmp_path,)).clock_hz == 84e6


def test_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        load_platform("stm32f4", (tmp_path / "nowhere",))


# what is replaced, by what, and what the error says after file and line
MISTAKES = {
    "missing number": (
        "    size: {value: 128KiB, source: map}\n",
        "",
        "memories.sram.size: is miss",
    ),
    "no number": ("value: 168MHz", "value: fast", "clock.value: 'fast' is not a number"),
    "negative": ("value: 202pJ", "value: -1pJ", "energy.clock.value: -1pJ is impossible"),
    "impossible": ("value: 168MHz", "value: 168GHz", "clock.value: 168GHz is impossible"),
    "unknown unit": ("value: 128KiB", "value: 128KB", "memories.sram.size.value: '128KB' has an"),
    "wrong kind of unit": (
        "value: 5, ",
        "value: 5MHz, ",
        "wait_states.value: '5MHz' has an",
    ),
    "range": ("lower: 4mW", "lower: 6mW", "energy.static: 0.0056 is not between 0.006 and 0.008"),
    "overlap": ("value: 0x10000000", "value: 0x20010000", "memories: sram and ccm overlap"),
    "unmapped": (
        "  weights: flash\n",
        "",
        "placement.weights: the segment weights is mapped",
    ),
    "no such memory": ("arena: sram", "arena: dram", "placement.arena: dram is not one of the mem"),
    "code in data memory": ("code: flash", "code: ccm", "placement.code: no code can run from ccm"),
    "kind": ("kind: ccm", "kind: disk", "memories.ccm.kind: disk is not one of flash, sram"),
    "past the end": ("value: 0x20000000", "value: 0xFFFF0000", "size: reaches beyond the end"),
    "ways": ("ways: {value: 64", "ways: {value: 5", "ways: 64 lines do not divide into 5 ways"),
    "line": ("line: {value: 16B", "line: {value: 24B", "line: 24 bytes is not a power of two"),
    "misspelt": (
        "prefetch: true",
        "prefetsch: true",
        "prefetsch: is not a known key (did you",
    ),
    "twice": (
        "    kind: ccm\n",
        "    kind: ccm\n    kind: ccm\n",
        "ccm.kind is there twice",
    ),
    "no such source": (
        "source: latency",
        "source: latenzy",
        "source: latenzy is not one of",
    ),
    "flag": ("prefetch: true", "prefetch: yes", "memories.flash.prefetch: must be true or false"),
    "fraction": ("lines: {value: 64", "lines: {value: 6.5", "lines: 6.5 must be a whole number"),
    "no table": (
        "placement:\n  code: flash\n  weights: flash\n  static: ccm\n  arena: sram\n",
        "placement: flash\n",
        "placement: must be",
    ),
    "wrong id": ("id: stm32f4", "id: stm32f405", "id: stm32f405 must be the file's name, stm32f4"),
    "group": ("    alu: {", "    alú: {", "energy.instruction.alu: is missing"),
    "no energy": ("energy:\n", "energy: null\nenergies:\n", "energy_reason: is missing"),
    "none of a number": ("value: 202pJ", "value: null", "energy.clock.value: 'null' is not a numb"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_names_file_line_and_key(tmp_path: Path, mistake: str) -> None:
    old, new, message = MISTAKES[mistake]
    good = STM32F4.read_text()
    assert old in good
    path = tmp_path / "stm32f4.yaml"
    path.write_text(good.replace(old, new, 1))
    with pytest.raises(UsageError) as caught:
        read_platform(path)
    place, _, rest = str(caught.value).partition(": ")
    assert message in rest
    assert place.rpartition(":")[0] == str(path)
    assert 1 <= int(place.rpartition(":")[2]) <= len(good.splitlines())


def test_energy_that_is_not_known_has_a_reason(tmp_path: Path) -> None:
    text = STM32F4.read_text()
    start, end = text.index("energy:\n"), text.index("model_error:")
    path = tmp_path / "stm32f4.yaml"
    path.write_text(f"{text[:start]}energy: null\nenergy_reason: not measured\n{text[end:]}")
    platform = read_platform(path)
    assert platform.energy is None
    assert platform.energy_reason == "not measured"
    assert load_platform("stm32f4").energy_reason is None


def test_reason_for_an_energy_that_is_known_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stm32f4.yaml"
    path.write_text(STM32F4.read_text() + "energy_reason: none\n")
    with pytest.raises(UsageError, match="energy_reason: is not a known key"):
        read_platform(path)


# platform: core, clock in MHz, wait states where the code is, bytes where the arena is
BOARDS = {
    "apollo3": ("cortex-m4", 48, 1, 320 * 1024),
    "corstone-300": ("cortex-m55", 32, 0, 512 * 1024),
    "nrf52840": ("cortex-m4", 64, 2, 256 * 1024),
    "nrf5340": ("cortex-m33", 128, 5, 512 * 1024),
    "nrf54l15": ("cortex-m33", 128, 5, 256 * 1024),
    "ra8d1": ("cortex-m85", 480, 14, 896 * 1024),
    "ra6m4": ("cortex-m33", 200, 10, 256 * 1024),
    "rp2040": ("cortex-m0plus", 125, 50, 264 * 1024),
    "rp2350": ("cortex-m33", 150, 60, 520 * 1024),
    "stm32f4": ("cortex-m4", 168, 5, 128 * 1024),
    "stm32f746": ("cortex-m7", 216, 10, 256 * 1024),
    "stm32g0b1": ("cortex-m0plus", 64, 2, 144 * 1024),
    "stm32h7": ("cortex-m7", 280, 13, 1024 * 1024),
    "stm32l476": ("cortex-m4", 80, 4, 96 * 1024),
    "stm32l4r5": ("cortex-m4", 120, 5, 640 * 1024),
    "stm32u385": ("cortex-m33", 96, 2, 256 * 1024),
    "stm32u575": ("cortex-m33", 160, 4, 768 * 1024),
}


def test_there_is_a_row_for_every_built_in_platform() -> None:
    assert sorted(BOARDS) == [path.stem for path in BUILT_IN]


@pytest.mark.parametrize("name", BOARDS)
def test_boards_are_those_of_the_manuals(name: str) -> None:
    platform = load_platform(name)
    code, arena = platform.memory_of(Segment.CODE), platform.memory_of(Segment.ARENA)
    found = (platform.core, platform.clock_hz / 1e6, code.wait_states.value, arena.size_bytes)
    assert found == BOARDS[name]
    assert (platform.energy is None) == (platform.energy_reason is not None)
    sizes = [c.lines * c.line_bytes for c in platform_caches(platform)]
    assert all(size & (size - 1) == 0 for size in sizes)  # caches come in powers of two


def test_line_is_where_the_mistake_is(tmp_path: Path) -> None:
    text = STM32F4.read_text().replace("value: 168MHz", "value: fast")
    path = tmp_path / "stm32f4.yaml"
    path.write_text(text)
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "fast" in row)
    with pytest.raises(UsageError, match=rf"stm32f4\.yaml:{line}: "):
        read_platform(path)


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "\tid: x", "id: \x00"])
def test_no_table_is_a_usage_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"x\.yaml"):
        read_platform(path)


def test_unreadable_file_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for name in ("binary.yaml", "absent.yaml"):
        with pytest.raises(UsageError, match=f"{name} cannot be read"):
            read_platform(tmp_path / name)


def test_unknown_core_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no core cortex-m9: did you mean cortex-m"):
        load_core("cortex-m9")


def test_core_without_a_class_is_a_usage_error(tmp_path: Path) -> None:
    text = (cores_dir() / "cortex-m4.yaml").read_text()
    path = tmp_path / "cortex-m4.yaml"
    path.write_text(text.replace("  alu: {value: 1, source: table}\n", ""))
    with pytest.raises(UsageError, match=r"cortex-m4\.yaml:\d+: cycles\.alu: is missing"):
        read_core(path)


@given(
    st.sampled_from([(kind, unit) for kind, units in UNITS.items() for unit in units]),
    st.floats(0, 1e9, allow_nan=False).map(lambda x: round(x, 3)),
    st.sampled_from(["", " "]),
)
def test_number_with_unit(unit: tuple[str, str], number: float, space: str) -> None:
    kind, suffix = unit
    assert parse_number(f"{number:.3f}{space}{suffix}", kind) == number * UNITS[kind][suffix]


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        value: float | None = parse_number(text, "bytes")
    except ValueError:
        value = None
    assert value is None or isfinite(value)


@pytest.mark.parametrize(
    ("text", "value"), [("0x10", 16.0), ("1_000", 1000.0), ("5", 5.0), ("1e3", 1000.0)]
)
def test_plain_numbers(text: str, value: float) -> None:
    assert parse_number(text, "") == value


def test_a_cache_is_watched_at_the_phases_code_may_have() -> None:
    caches = {c.name: c for c in platform_caches(load_platform("stm32l4r5"))}
    phases = [c.phase_bytes for c in caches.values() if c.kind == "instruction"]
    assert phases == [0, 8, 16, 24]
    assert {(c.line_bytes, c.sector_bytes) for c in caches.values()} == {(32, 8)}


def test_a_cache_that_may_keep_more_is_watched_both_ways() -> None:
    instruction = [
        (c.phase_bytes, c.keeps_sequential)
        for c in platform_caches(load_platform("stm32f4"))
        if c.kind == "instruction"
    ]
    assert instruction == [(0, False), (4, False), (8, False), (12, False), (0, True)]


def test_an_image_linked_for_the_board_has_one_phase() -> None:
    board = load_platform("stm32l4r5")
    names = [c.name for c in platform_caches(board, linked_for_it=True)]
    assert names == ["flash-instruction", "flash-data"]


@pytest.mark.parametrize("sector", ["12B", "64B", "1B"])
def test_an_impossible_sector_is_named(tmp_path: Path, sector: str) -> None:
    text = (data_dir("platforms") / "stm32l4r5.yaml").read_text()
    path = tmp_path / "stm32l4r5.yaml"
    path.write_text(text.replace("sector: {value: 8B", f"sector: {{value: {sector}", 1))
    with pytest.raises(UsageError, match=r"stm32l4r5\.yaml:\d+: .*instruction_cache\.sector"):
        read_platform(path)


def test_caches_of_one_unit_share_their_lines_at_each_phase() -> None:
    caches = {cache.name: cache for cache in platform_caches(load_platform("nrf5340"))}
    assert {c.shares for n, c in caches.items() if n.startswith("flash-instruction")} == {""}
    data = {name: cache for name, cache in caches.items() if name.startswith("flash-data")}
    assert len(data) > 1
    for cache in data.values():
        owner = caches[cache.shares]
        assert (owner.kind, owner.phase_bytes) == ("instruction", cache.phase_bytes)


def test_the_data_cache_of_an_m7_is_one_for_all_its_memories() -> None:
    caches = platform_caches(load_platform("stm32f746"))
    shared = [cache for cache in caches if cache.shares]
    assert [cache.kind for cache in shared] == ["data"]


def test_a_copy_at_another_clock_is_headed_by_its_own(tmp_path: Path) -> None:
    path = tmp_path / "stm32f4.yaml"
    path.write_text(STM32F4.read_text().replace("{value: 168MHz, source: clock}", "84MHz"))
    assert read_platform(path).heading == "STM32F405RG, Cortex-M4F at 84 MHz"
    for name in platform_files():
        assert load_platform(name).heading == read_title(platform_files()[name])


def read_title(path: Path) -> str:
    (line,) = (line for line in path.read_text().splitlines() if line.startswith("title: "))
    return line.removeprefix("title: ").strip('"')
