from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from profiled import kws_profile, observed, profile_on

from simbench.backends.sections import add_sections
from simbench.catalog.platforms import Platform, load_platform, platform_caches
from simbench.cli.main import _run
from simbench.cost.cores.core import load_core
from simbench.cost.points import price_split
from simbench.cost.price import estimate
from simbench.cost.residuals import load_target
from simbench.counts import (
    ACCESS,
    CACHE_EVENT,
    EDGE,
    SPLIT,
    Block,
    Counts,
    SectionCounts,
    Segment,
)
from simbench.errors import InfrastructureError, UsageError
from simbench.files.datafile import Quantity
from simbench.firmware.lines import source_lines
from simbench.firmware.read import read_image
from simbench.profiles import Call, Profile, build_profile
from simbench.profiles.attribution import outside
from simbench.profiles.callgraph import call_parts, inclusive
from simbench.result.estimate import Estimate


def close(expected: Any, absolute: float = 1e-6) -> Any:
    return pytest.approx(expected, rel=1e-9, abs=absolute)


def without_caches(platform: Platform) -> Platform:
    """The same board with a bare flash of three wait states."""
    flash = platform.memories["flash"]
    waits = Quantity(3.0, 2.0, 4.0, "a test")
    bare = replace(flash, instruction_cache=None, data_cache=None, wait_states=waits)
    return replace(platform, memories={**platform.memories, "flash": bare})


def added(estimates: Sequence[Estimate]) -> dict[str, float]:
    names = dict.fromkeys(name for e in estimates for name in e.stack)
    return {name: sum(e.stack[name] for e in estimates) for name in names}


def check_sums(profile: Profile) -> None:
    total = profile.total
    layers = [layer.cost for layer in profile.layers]
    by_layer = [*layers, profile.interpreter, profile.shared]
    by_function = [function.cost for function in profile.functions]
    for costs in (by_layer, by_function):
        assert sum(cost.instructions for cost in costs) == total.instructions
        assert added([cost.cycles for cost in costs]) == close(dict(total.cycles.stack))
        assert sum(cost.share for cost in costs) == pytest.approx(1.0)
        if total.energy_j is not None:
            joules = [cost.energy_j for cost in costs if cost.energy_j is not None]
            assert added(joules) == close(dict(total.energy_j.stack), 1e-15)
    for rows in (profile.lines, profile.frames):
        assert sum(row.instructions for row in rows) == total.instructions
        assert sum(row.cycles for row in rows) == close(total.cycles.value)
    assert sum(entry.count for entry in profile.mix) == total.instructions
    for name in ("loaded", "stored"):
        words = sum(getattr(a, name) for f in profile.functions for a in f.accesses)
        assert words == sum(getattr(access, name) for access in profile.accesses)


@pytest.mark.emulator
@pytest.mark.parametrize("platform", ["stm32f4", "stm32f746", "corstone-300", "rp2040"])
def test_everything_adds_up(platform: str) -> None:
    profile = kws_profile(platform)
    check_sums(profile)
    assert abs(profile.shared.share) < 0.01
    assert profile.interpreter.share < 0.01


@pytest.mark.emulator
def test_everything_adds_up_without_caches() -> None:
    """Where waits for code depend on which block was run on into from which."""
    check_sums(profile_on("stm32f4", without_caches(load_platform("stm32f4"))))


@pytest.mark.emulator
def test_the_profile_is_of_what_run_reports() -> None:
    task, seen = observed("stm32f4")
    profile = kws_profile("stm32f4")
    price = estimate(
        seen.counts, seen.counts.inference, load_target(task.platform, load_core("cortex-m4"))
    )
    assert profile.total.cycles == price.cycles
    assert profile.total.energy_j == price.energy_j
    assert task.model is not None
    assert [layer.macs for layer in profile.layers] == [layer.macs for layer in task.model.layers]


@pytest.mark.emulator
def test_the_kernels_are_the_hottest_functions_and_lines_are_theirs() -> None:
    profile = kws_profile("stm32f4")
    names = [function.name for function in profile.functions]
    assert names[:2] == ["arm_nn_mat_mult_nt_t_s8", "arm_depthwise_conv_3x3_s8"]
    hottest = profile.functions[0]
    assert hottest.source is not None
    assert hottest.source.file.endswith("arm_nn_mat_mult_nt_t_s8.c")
    own = sum(line.cycles for line in profile.lines if line.function == hottest.address)
    assert own == pytest.approx(hottest.cost.cycles.value)
    assert {access.segment for access in hottest.accesses} == {"weights", "static", "arena"}
    assert len(set(names)) == len(names)


@pytest.mark.emulator
def test_a_layer_of_the_model_is_called_once_for_each_time_it_is_in_it() -> None:
    profile = kws_profile("stm32f4")
    begin = next(f.address for f in profile.functions if f.name == "simbench_op_begin")
    assert sum(call.count for call in profile.calls if call.callee == begin) == 13


@pytest.mark.emulator
def test_a_model_of_another_number_of_layers_is_refused() -> None:
    task, seen = observed("stm32f4")
    assert task.model is not None
    shorter = replace(task.model, layers=task.model.layers[1:])
    target = load_target(task.platform)
    with pytest.raises(InfrastructureError, match="13 layers of a model of 12"):
        build_profile("", seen.counts, task.image, shorter, target, source_lines)


@pytest.mark.emulator
def test_code_without_symbols_and_lines_is_shown_by_address() -> None:
    task, seen = observed("stm32f4")
    bare = replace(task.image, functions=())
    target = load_target(task.platform)
    profile = build_profile(
        "", seen.counts, bare, task.model, target, lambda _image, _addresses: {}
    )
    check_sums(profile)
    assert all(re.fullmatch(r"0x[0-9a-f]{6}00", f.name) for f in profile.functions)
    assert profile.calls == ()
    assert len([note for note in profile.notes if "symbols" in note or "debug" in note]) == 2


# a load and a branch back; a multiply and a load; a store and a branch; a wide one at an odd word
BLOCKS = tuple(
    Block(address, bytes.fromhex(code), instructions)
    for address, code, instructions in (
        (0x100, "0868fdd8", 2),
        (0x104, "484308680a60", 3),
        (0x10A, "00f1010000f10100fbd1", 3),
        (0x114, "0868116800bf7047", 4),
    )
)
OFFSETS = {0: (0,), 1: (2, 4), 2: (), 3: (0, 2)}
STORE = (1, 4)
WATCHED = load_platform("stm32f4")
PLATFORMS = (
    WATCHED,
    without_caches(WATCHED),
    load_platform("stm32f746"),
    load_platform("corstone-300"),
)
times = st.integers(0, 1 << 40)
blocks = st.integers(0, len(BLOCKS) - 1)


def rows(dtype: np.dtype[np.void], found: Mapping[Any, Any]) -> NDArray[np.void]:
    listed = [(*key, *(n if isinstance(n, tuple) else (n,))) for key, n in sorted(found.items())]
    return np.array(listed, dtype)


@st.composite
def sections(draw: st.DrawFn) -> SectionCounts:
    places = st.sampled_from([(b, o) for b, offsets in OFFSETS.items() for o in offsets])
    accesses = draw(
        st.dictionaries(st.tuples(places, st.integers(0, len(Segment) - 1)), times, max_size=6)
    )
    splits = draw(st.dictionaries(places, times, max_size=3))
    caches = {c.name for platform in PLATFORMS for c in platform_caches(platform)}
    events: Any = st.dictionaries(st.tuples(blocks), st.tuples(times, times), max_size=4)
    return SectionCounts(
        np.array(draw(st.tuples(*[times] * len(BLOCKS))), np.int64),
        rows(EDGE, draw(st.dictionaries(st.tuples(blocks, blocks), times, max_size=6))),
        rows(ACCESS, {(*place, segment): n for (place, segment), n in accesses.items()}),
        {name: rows(CACHE_EVENT, draw(events)) for name in sorted(caches)},
        rows(SPLIT, splits),
    )


@cache
def counts_of_nothing() -> Counts:
    caches = {c.name: c for platform in PLATFORMS for c in platform_caches(platform)}
    nothing = SectionCounts(
        np.zeros(len(BLOCKS), np.int64), rows(EDGE, {}), rows(ACCESS, {}), {}, rows(SPLIT, {})
    )
    return Counts(BLOCKS, nothing, (), tuple(caches.values()))


@settings(max_examples=60)
@given(sections(), st.tuples(*[st.integers(0, 2)] * len(BLOCKS)), st.sampled_from(PLATFORMS))
def test_groups_of_blocks_add_up_to_the_whole(
    section: SectionCounts, groups: tuple[int, ...], platform: Platform
) -> None:
    section = consistent(section, platform)
    target = load_target(platform)
    counts = counts_of_nothing()
    whole = estimate(counts, section, target)
    split = price_split(counts, section, target, groups)
    executed = {group for group, times in zip(groups, section.executions, strict=True) if times}
    assert list(split.groups) == sorted(executed)
    assert sum(split.instructions) == counts.instructions(section)
    prices = split.prices
    assert summed(prices.cycle_stack) == close(dict(whole.cycles.stack))
    assert prices.cycles[:, 0].sum() == close(whole.cycles.value)
    if whole.energy_j is not None:
        assert summed(prices.energy_stack) == close(dict(whole.energy_j.stack), 1e-12)


def summed(stack: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    return {name: float(part.sum()) for name, part in stack.items()}


def consistent(section: SectionCounts, platform: Platform) -> SectionCounts:
    """Only what blocks that were executed did, and misses only where loads are: as a core does."""
    executed = section.executions > 0
    edges, accesses = section.edges, section.accesses[executed[section.accesses["block"]]]
    events = {n: found[executed[found["block"]]] for n, found in section.cache_events.items()}
    for memory in platform.memories.values():
        if memory.data_cache is not None:
            found = events[memory.data_cache.name]
            loading = {
                block
                for block, offset, segment, count in accesses.tolist()
                if (block, offset) != STORE
                and count
                and platform.memory_of(Segment(segment)) is memory
            }
            kept = [block in loading for block in found["block"].tolist()]
            events[memory.data_cache.name] = found[np.array(kept, np.bool_)]
    return SectionCounts(
        section.executions,
        edges[executed[edges["source"]] | executed[edges["target"]]],
        accesses,
        events,
        None if section.splits is None else section.splits[executed[section.splits["block"]]],
    )


@settings(max_examples=60)
@given(st.lists(sections(), min_size=1, max_size=3), sections())
def test_what_is_outside_the_layers_is_the_difference(
    layers: list[SectionCounts], rest: SectionCounts
) -> None:
    found = outside(add_sections([*layers, rest]), layers)
    assert found.executions.tolist() == rest.executions.tolist()
    for array, expected in (
        (found.edges, rest.edges),
        (found.accesses, rest.accesses),
        (found.splits, rest.splits),
        *((found.cache_events[n], r) for n, r in rest.cache_events.items()),
    ):
        assert array is not None
        assert expected is not None
        assert array.tolist() == [row for row in expected.tolist() if any(row[_keys(expected) :])]


def _keys(array: NDArray[np.void]) -> int:
    return sum(array.dtype[name] == np.dtype("<u4") for name in array.dtype.names or ())


def test_layers_that_did_more_than_the_inference_are_refused() -> None:
    one = counts_of_nothing().inference
    more = replace(one, executions=one.executions + 1)
    with pytest.raises(InfrastructureError, match="more than the inference"):
        outside(one, [more])


def call(caller: int, callee: int, count: int) -> Call:
    return Call(caller, callee, 0, None, count)


def test_inclusive_costs_follow_the_calls() -> None:
    own = {1: 10.0, 2: 20.0, 3: 30.0, 4: 8.0}
    calls = [call(1, 2, 1), call(1, 3, 2), call(2, 3, 1), call(2, 3, 3), call(3, 4, 5)]
    # of the six calls of 3 (38 with its own of 4), 2 makes four
    assert inclusive(own, calls) == pytest.approx({1: 68.0, 2: 20 + 38 * 4 / 6, 3: 38.0, 4: 8.0})


@pytest.mark.parametrize(
    "calls",
    [
        [call(1, 2, 1), call(2, 2, 7), call(2, 3, 4), call(3, 2, 3)],  # recursion
        [call(2, 3, 4), call(3, 2, 3), call(3, 1, 2)],  # a circle that nothing enters
        [call(1, 1, 5), call(1, 2, 1), call(1, 3, 1)],
    ],
)
def test_circles_of_calls_lose_nothing(calls: list[Call]) -> None:
    own = {1: 1.0, 2: 2.0, 3: 4.0}
    found = inclusive(own, calls)
    assert max(found.values()) == pytest.approx(7.0)
    assert all(found[address] >= cost for address, cost in own.items())


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 1 << 40)), max_size=12)
)
def test_what_nothing_calls_costs_all_together(edges: list[tuple[int, int, int]]) -> None:
    """Of each part of the calls that nothing else calls, the whole cost is in the end the total."""
    own = {address: float(1 << address) for address in range(6)}
    calls = [call(*edge) for edge in edges]
    found = inclusive(own, calls)
    paid = [0.0] * 6
    for each, part in zip(calls, call_parts(own, calls), strict=True):
        paid[each.callee] += part * found[each.callee]
    # what nobody pays for is paid by the section itself, once for a circle
    circles = {
        frozenset(a for a in own if found[a] == found[b] and _mutual(calls, a, b)) for b in own
    }
    unpaid = [
        max(found[a] for a in members) for members in circles if not sum(paid[a] for a in members)
    ]
    assert sum(unpaid) == pytest.approx(sum(own.values()))


def _mutual(calls: list[Call], a: int, b: int) -> bool:
    return a == b or (_leads(calls, a, b) and _leads(calls, b, a))


def _leads(calls: list[Call], start: int, end: int) -> bool:
    reached = {start}
    for _ in range(6):
        reached |= {each.callee for each in calls if each.caller in reached}
    return end in reached


SOURCE = """\
static int twice(int x)
{
    return 2 * x;
}

int start(int x)
{
    x += 3;
    return twice(x) / x;
}
"""


def compiled(folder: Path, *flags: str) -> Path:
    (folder / "some.c").write_text(SOURCE)
    elf = folder / "some.elf"
    subprocess.run(
        [
            *("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-nostdlib", "-O0", *flags),
            *("-Wl,-e,start", "-Wl,-Ttext=0x8000", "some.c", "-o", str(elf)),
        ],
        cwd=folder,
        check=True,
    )
    return elf


@pytest.mark.image
@pytest.mark.parametrize("version", [3, 4, 5])
def test_addresses_are_found_in_the_source(tmp_path: Path, version: int) -> None:
    image = read_image(compiled(tmp_path, f"-gdwarf-{version}"))
    function = next(f for f in image.functions if f.name == "start")
    addresses = range(function.start, function.start + function.size, 2)
    found = source_lines(image, [*addresses, 0xFFFF_0000])
    assert found[function.start].line == 7
    assert {where.line for where in found.values()} == {7, 8, 9, 10}
    assert {where.file for where in found.values()} == {str(tmp_path / "some.c")}
    assert set(found) == set(addresses)


@pytest.mark.image
def test_an_image_without_debug_information_has_no_lines(tmp_path: Path) -> None:
    image = read_image(compiled(tmp_path))
    assert source_lines(image, [f.start for f in image.functions]) == {}


@pytest.fixture(scope="module")
def debugged(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compiled(tmp_path_factory.mktemp("debugged"), "-g").read_bytes()


@pytest.mark.image
@settings(max_examples=80)
@given(place=st.floats(0, 1), value=st.integers(0, 255))
def test_damaged_debug_information_is_refused_in_one_sentence(
    debugged: bytes, tmp_path_factory: pytest.TempPathFactory, place: float, value: int
) -> None:
    elf = tmp_path_factory.getbasetemp() / "damaged.elf"
    elf.write_bytes(debugged)
    image = read_image(elf)
    start, size = _section(elf, ".debug_line")
    damaged = bytearray(debugged)
    damaged[start + min(int(place * size), size - 1)] = value
    elf.write_bytes(damaged)
    try:
        source_lines(image, [f.start for f in image.functions])
    except UsageError as error:
        assert "debug information" in str(error)  # noqa: PT017


def _section(elf: Path, name: str) -> tuple[int, int]:
    with elf.open("rb") as file:
        section: Any = ELFFile(file).get_section_by_name(name)
        return section["sh_offset"], section["sh_size"]


KWS = ("profile", "--platform", "stm32f4", "--benchmark", "kws")


@pytest.mark.emulator
def test_the_tables_fit_eighty_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert _run([*KWS, "--top", "3"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    layers = out.partition("Layers\n")[2].partition("Where cycles")[0].split()
    assert "interpreter" in layers
    assert layers[layers.index("total") + 1 :][:4] == ["2.66", "M", "7.89", "M"]  # MACs, instr
    assert layers[-2:] == ["100.0", "%"]
    assert "Functions, without those they call (3 of" in out


@pytest.mark.emulator
def test_the_json_is_equal_from_run_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    documents = []
    for _ in range(2):
        assert _run([*KWS, "--json", "-"]) == 0
        documents.append(json.loads(capsys.readouterr().out))
    assert documents[0] == documents[1]
    document = documents[0]
    assert (document["schema"], document["id"]) == ("simbench.profile/1", "kws@stm32f4/cmsis-nn")
    layers = sum(layer["cost"]["instructions"] for layer in document["layers"])
    rest = document["interpreter"]["instructions"]
    assert layers + rest == document["total"]["instructions"]
    assert document["total"]["cycles"]["stack"]
    assert len(document["fingerprint"]) == 64


@pytest.mark.emulator
def test_an_own_elf_has_functions_and_no_layers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example = Path(__file__).resolve().parent.parent / "examples" / "own_firmware"
    subprocess.run(["make", "-s", f"OUT={tmp_path}"], cwd=example, check=True)
    collapsed = tmp_path / "app.collapsed"
    files = ("--json", "-", "--export", f"collapsed={collapsed}")
    assert _run([*KWS, "--elf", str(tmp_path / "app.elf"), *files]) == 0
    document = json.loads(capsys.readouterr().out)
    assert all(line.startswith("section;") for line in collapsed.read_text().splitlines())
    assert _run([*KWS, "--elf", str(tmp_path / "app.elf")]) == 0
    assert "Layers" not in capsys.readouterr().out
    assert document["layers"] == []
    assert document["interpreter"]["instructions"] == document["total"]["instructions"]
    functions = document["functions"]
    assert sum(f["cost"]["instructions"] for f in functions) == document["total"]["instructions"]


@pytest.mark.image
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["profile", "--platform", "stm32f4"], "--benchmark"),
        ([*KWS, "--model", "my.tflite"], "cannot read the model my.tflite"),
        ([*KWS, "--kernels", "fast"], "cmsis-nn"),
        ([*KWS, "--top", "0"], "--top"),
        ([*KWS, "--export", "callgrind"], "FORMAT=PATH"),
        ([*KWS, "--export", "perf=out"], "callgrind, collapsed, speedscope"),
        ([*KWS, "--export", "collapsed=/nowhere/out"], "/nowhere/out"),
        ([*KWS, "--export", "collapsed=-", "--json", "-"], "only one"),
        ([*KWS, "--input", "nothing.npy"], "nothing.npy"),
        ([*KWS, "--input", "some.txt"], ".npy"),
    ],
)
def test_a_users_mistake_gets_one_sentence_and_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err.strip().splitlines()[-1]
