from __future__ import annotations

from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simbench.catalog.benchmarks import benchmarks_called
from simbench.catalog.platforms import (
    load_platform,
    platform_files,
    platform_names,
    platform_path,
    read_platform,
)
from simbench.cost.cores.core import load_core
from simbench.counts import Segment
from simbench.errors import NothingRun, UsageError
from simbench.sweeps.axes import MAX_POINTS, check_groups, crossed, group, parse_axis, plain
from simbench.sweeps.price import layouts
from simbench.sweeps.sheet import sheet
from simbench.sweeps.study import (
    Study,
    parse_fraction,
    parse_goal,
    read_study,
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1", ("1",)),
        ("a=0..3", ("0", "1", "2", "3")),
        ("a=0..1:0.25", ("0", "0.25", "0.5", "0.75", "1")),
        ("a=40MHz..100MHz:20MHz", ("40MHz", "60MHz", "80MHz", "100MHz")),
        ("a=0.5MHz..1500kHz:500kHz", ("0.5MHz", "1MHz", "1.5MHz")),
        ("a=1..3,8, sram", ("1", "2", "3", "8", "sram")),
        ("a=1..2:4", ("1",)),
    ],
)
def test_values_are_lists_of_values_and_ranges(text: str, values: tuple[str, ...]) -> None:
    assert parse_axis(text).values == values


def test_names_of_the_results_are_names_of_axes() -> None:
    assert parse_axis("clock_hz=1MHz").path == "clock"
    assert parse_axis("supply_v=3V").path == "supply"


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "=1",
        "a=",
        "a=1,,2",
        "a=3..1",
        "a=1..x",
        "a=0..3:0",
        "a=1MHz..2KiB",
        "a=0..1e9",
    ],
)
def test_values_that_make_no_axis_are_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError, match=r"a:|path=values"):
        parse_axis(text)


@example("a=..")
@example("a=1..1e99")
@example("a=..:..")
@given(st.text(st.sampled_from("a=0129.,:-+eEMHzkKiB "), max_size=20))
def test_any_text_makes_an_axis_or_is_refused(text: str) -> None:
    try:
        axis = parse_axis(text)
    except UsageError:
        return
    assert axis.path
    assert axis.values


@given(st.integers(0, 500), st.integers(0, 200), st.integers(1, 50))
def test_a_range_has_its_first_value_and_none_beyond_its_last(
    first: int, length: int, step: int
) -> None:
    values = parse_axis(f"a={first}kHz..{first + length}kHz:{step}kHz").values
    numbers = [plain(value) for value in values]
    assert numbers == [1e3 * n for n in range(first, first + length + 1, step)]


def test_axes_that_go_together_need_as_many_values() -> None:
    with pytest.raises(UsageError, match="b has 2 values and a 3"):
        group([parse_axis("a=1,2,3"), parse_axis("b=1,2")])


def test_axes_come_to_the_same_once() -> None:
    with pytest.raises(UsageError, match="a: 1 is given twice"):
        group([parse_axis("a=1,2,1")])
    with pytest.raises(UsageError, match="a: 1, x is given twice"):
        group([parse_axis("a=1,1,1"), parse_axis("b=x,y,x")])
    assert len(group([parse_axis("a=1,1"), parse_axis("b=x,y")]).settings) == 2


def test_groups_are_crossed_and_axes_of_a_group_go_together() -> None:
    groups = [group([parse_axis("a=1,2"), parse_axis("b=8,9")]), group([parse_axis("c=x,y")])]
    assert crossed(check_groups(groups)) == (
        {"a": "1", "b": "8", "c": "x"},
        {"a": "1", "b": "8", "c": "y"},
        {"a": "2", "b": "9", "c": "x"},
        {"a": "2", "b": "9", "c": "y"},
    )


def test_a_path_is_set_in_one_place() -> None:
    with pytest.raises(UsageError, match="clock is set twice"):
        check_groups([group([parse_axis("clock=1MHz")]), group([parse_axis("clock_hz=2MHz")])])


def test_a_study_has_an_upper_size() -> None:
    groups = [group([parse_axis(f"{name}=1..1000")]) for name in "ab"]
    with pytest.raises(UsageError, match=f"1,000,000 points are more than the {MAX_POINTS:,}"):
        check_groups(groups)


def test_a_setting_writes_an_exact_number_and_leaves_the_rest() -> None:
    board = load_platform("stm32h7")
    assert board.memories["flash"].wait_states.lower < board.memories["flash"].wait_states.upper
    target = sheet("stm32h7").target({"memories.flash.wait_states": "4", "clock": "100MHz"})
    changed, core = target.platform, target.core
    waits = changed.memories["flash"].wait_states
    assert (waits.value, waits.lower, waits.upper) == (4, 4, 4)
    assert changed.clock_hz == 100e6
    assert changed.memories["sram"] == board.memories["sram"]
    assert core is load_core("cortex-m7")


def test_a_setting_is_what_the_edited_file_says(tmp_path: Path) -> None:
    text = platform_path("stm32f4").read_text()
    edited = tmp_path / "stm32f4.yaml"
    for old, new in (
        ("wait_states: {value: 5, source: latency}", "wait_states: 2"),
        ("prefetch: true", "prefetch: false"),
        ("weights: flash", "weights: sram"),
        ("alu: {value: 420pJ, lower: 330pJ, upper: 510pJ, source: executing}", "alu: 300pJ"),
        ("clock: {value: 168MHz, source: clock}", "clock: 84MHz"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    edited.write_text(text)
    setting = {
        "memories.flash.wait_states": "2",
        "memories.flash.prefetch": "false",
        "placement.weights": "sram",
        "energy.instruction.alu": "300pJ",
        "clock": "84MHz",
    }
    assert sheet("stm32f4").target(setting).platform == read_platform(edited)


def test_a_flag_that_the_file_leaves_out_can_be_set() -> None:
    assert not load_platform("stm32f4").memories["sram"].prefetch
    changed = sheet("stm32f4").target({"memories.sram.prefetch": "true"}).platform
    assert changed.memories["sram"].prefetch


def test_none_takes_a_cache_away() -> None:
    changed = sheet("stm32f4").target({"memories.flash.instruction_cache": "none"}).platform
    assert changed.memories["flash"].instruction_cache is None
    assert changed.memories["flash"].data_cache is not None


@pytest.mark.parametrize("first_value", ["none", "as-is"])
def test_what_is_taken_away_has_no_parts_to_set(first_value: str) -> None:
    cache = "memories.flash.instruction_cache"
    setting = {cache: first_value, f"{cache}.lines": "64"}
    for ordered in (setting, dict(reversed(setting.items()))):
        if first_value == "as-is":
            assert sheet("stm32l4r5").target(ordered)
            continue
        with pytest.raises(UsageError, match=rf"with {cache}=none has no {cache}\.lines to set"):
            sheet("stm32l4r5").target(ordered)


def test_as_is_leaves_what_the_file_says() -> None:
    setting = {"memories.flash.wait_states": "as-is", "clock": "as-is", "core.cycles.load": "as-is"}
    target = sheet("stm32h7").target(setting)
    assert target.platform == load_platform("stm32h7")
    assert target.core.cycles == load_core("cortex-m7").cycles


def test_numbers_of_the_core_and_the_core_itself_can_be_set() -> None:
    target = sheet("stm32f4").target({"core.cycles.load": "3"})
    assert {kind.value: cycles.value for kind, cycles in target.core.cycles.items()}["load"] == 3
    assert target.platform == load_platform("stm32f4")
    target = sheet("stm32f4").target({"core": "cortex-m33"})
    assert target.core is load_core("cortex-m33")
    assert target.platform.placement[Segment.CODE] == "flash"


def test_targets_share_what_they_do_not_differ_in() -> None:
    files = sheet("stm32f4")
    slow, fast = (files.target({"clock": clock}).platform for clock in ("40MHz", "80MHz"))
    assert slow.memories is fast.memories
    cores = [files.target({"core.cycles.load": "3"}).core for _ in range(2)]
    assert cores[0] is cores[1]
    waits = "memories.flash.wait_states"
    settings = ({waits: "3"}, {waits: "3", "placement.weights": "sram"}, {waits: "4"})
    three, moved, four = (files.target(setting).platform for setting in settings)
    assert moved.memories["flash"] is three.memories["flash"]
    assert four.memories["sram"] is three.memories["sram"]
    assert four.energy is three.energy
    caches = [board.memories["flash"].instruction_cache for board in (three, four)]
    assert caches[0] is caches[1] is not None
    assert [board.memories["flash"].wait_states.value for board in (three, four)] == [3, 4]


def test_one_layout_is_of_the_boards_that_need_the_same_simulation_and_fit_alike() -> None:
    files = sheet("stm32f4")
    same = {"memories.flash.wait_states": "3"}, {"clock": "80MHz"}, {"core.cycles.load": "3"}
    others = (
        {"placement.weights": "sram"},
        {"memories.sram.size": "64KiB"},
        {"memories.flash.instruction_cache.ways": "1"},
    )
    found = layouts([files.target(setting) for setting in ({}, *same, *others)])
    assert [layout.targets.tolist() for layout in found] == [[0, 1, 2, 3], [4], [5], [6]]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("memories.flash.wait_stats", "1", "nearest are memories.flash.wait_states"),
        ("core.cycles.lod", "1", "nearest are core.cycles.load"),
        ("memories.flash.wait_states", "5000", "5000 is impossible: 0 to 1000"),
        ("memories.flash.wait_states", "2MHz", "'2MHz' has an unknown unit"),
        ("clock", "40mV", "Hz, kHz, MHz, GHz can be used here"),
        ("clock", "none", "clock: is missing"),
        ("core.cycles.load", "-1", "cycles.load: -1 is impossible"),
        ("placement.code", "ccm", "no code can run from ccm"),
        ("placement.weights", "qspi", "not one of the memories flash, sram, ccm"),
        ("memories.flash.instruction_cache.ways", "7", "64 lines do not divide into 7 ways"),
        ("memories.flash", "1", "must be a table"),
        ("core", "cortex-m99", "there is no core cortex-m99"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_path(path: str, value: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        sheet("stm32f4").target({path: value})
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", sorted(platform_files()))
def test_every_price_of_every_board_can_be_set(name: str) -> None:
    files = sheet(name)
    assert {"clock", "core.cycles.load"} <= set(files.prices())
    for path in files.prices():
        assert files.can_be({path: files.value(path)}), path


STUDY = """\
platforms: [stm32f4, stm32l4r*]
benchmarks: [ad]
kernels: [cmsis-nn]
cross:
  placement.weights: flash, sram
  memories.flash.wait_states: 0..2
zip:
  speed:
    clock_hz: 30MHz, 60MHz
    energy.static: 5mW, 6mW
goal: time_s <= 20ms
sensitivity: 10%
outputs: {csv: points.csv}
"""


def study(folder: Path, text: str) -> Study:
    path = folder / "study.yaml"
    path.write_text(text)
    return read_study(path)


def test_a_study_file_says_what_the_options_say(tmp_path: Path) -> None:
    asked = study(tmp_path, STUDY)
    assert asked.platforms == ("stm32f4", "stm32l4r5")
    assert [benchmark.id for benchmark in asked.benchmarks] == ["ad"]
    assert [g.name for g in asked.groups] == [
        "placement.weights",
        "memories.flash.wait_states",
        "speed",
    ]
    assert len(crossed(asked.groups)) == 2 * 3 * 2
    assert asked.goal == parse_goal("time_s<=0.02")
    assert asked.sensitivity == 0.1
    assert asked.outputs == {"csv": tmp_path / "points.csv"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("stm32f4,", "stm32f5,", ":1: platforms: there is no platform stm32f5"),
        ("[ad]", "[add]", ":2: benchmarks: there is no benchmark add"),
        ("0..2", "2..0", ":6: cross.memories.flash.wait_states: memories.flash.wait_states: 2..0"),
        ("5mW, 6mW", "5mW", ":8: zip.speed: energy.static has 1 values and clock 2"),
        ("<=", "<", ":11: goal: the goal 'time_s < 20ms' is not METRIC<=NUMBER"),
        ("10%", "10", ":12: sensitivity: the sensitivity '10' is not a share"),
        ("outputs", "output", ":13: output: is not a known key (did you mean outputs?)"),
        ("csv:", "xls:", ":13: outputs.xls: is not a known key"),
        ("points.csv", "../p.csv", ":13: outputs.csv: "),
        ("points.csv", "/p.csv", "is not below the study's folder: give a --csv for it"),
    ],
)
def test_a_wrong_study_file_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    with pytest.raises(UsageError) as refused:
        study(tmp_path, STUDY.replace(old, new))
    assert words in str(refused.value)


@pytest.mark.parametrize("cut", range(0, len(STUDY), 7))
def test_a_cut_study_file_is_a_study_or_refused(tmp_path: Path, cut: int) -> None:
    with suppress(UsageError):
        assert study(tmp_path, STUDY[:cut]).platforms


def test_a_study_without_platforms_is_nothing_to_price(tmp_path: Path) -> None:
    with pytest.raises(NothingRun):
        study(tmp_path, "platforms: []\n").scenarios(())


def test_patterns_name_every_platform_or_are_refused() -> None:
    assert set(platform_names(["*"])) == set(platform_files())
    with pytest.raises(UsageError, match="no platform is called like z"):
        platform_names(["z*"])


@pytest.mark.parametrize("text", ["time_s", "time_s<=", "speed<=3", "time_s<=3J", "cycles<=x"])
def test_a_goal_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="the goal"):
        parse_goal(text)


@pytest.mark.parametrize("text", ["20", "x%", "0%", "100%", "-3%", "nan%"])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a share such as 20%"):
        parse_fraction(text)


def test_scenarios_are_every_combination() -> None:
    asked = Study(("stm32f4",), benchmarks_called(["ad", "kws"]), ("cmsis-nn", "reference"))
    found = [(s.benchmark, s.variant.kernels) for s in asked.scenarios(["stm32f4"])]
    assert found == list(product(["ad", "kws"], ["cmsis-nn", "reference"]))
