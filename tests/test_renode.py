"""Renode: what is written for it, what is read of it, and what goes wrong.

There is no Renode here: a scripted stand-in answers (tests/renode), and traces are of QEMU.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from firmware_stub import Work, build_stub, spec
from hypothesis import given
from hypothesis import strategies as st
from renode import FAKE, HEADER, HEADER_5, Scripted, encoded, scripted, tracing_qemu

from simbench.backends import Backend, Blob, LaunchSpec, backend
from simbench.backends.markers import Marker, marker_addresses
from simbench.backends.qemu.backend import QemuBackend
from simbench.backends.renode import board as renode_board
from simbench.backends.renode import monitor as renode_monitor
from simbench.backends.renode import tool as renode_tool
from simbench.backends.renode import trace as renode_trace
from simbench.backends.renode.board import RenodeBoard
from simbench.backends.renode.compiled import counter_source
from simbench.backends.renode.counting import count_trace, segments_of
from simbench.backends.renode.hooks import setup_commands
from simbench.backends.renode.machines import machine_of
from simbench.backends.renode.platform import description, memories, script
from simbench.backends.renode.tables import read_window
from simbench.backends.renode.tool import pyrenode3_version
from simbench.backends.renode.trace import Executed, in_memory_order, read_trace
from simbench.backends.renode.tracing import Mark, hook_commands, read_marks, start_commands
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.cli.main import _run
from simbench.comparisons.crosscheck import compare
from simbench.counts import CacheGeometry, Counts, SectionCounts, Segment
from simbench.errors import FirmwareFault, InfrastructureError, UsageError
from simbench.firmware.build import build_image
from simbench.firmware.image import AddressRange, Function, Image
from simbench.firmware.read import CodeReader
from simbench.isa.decode import decode_block
from simbench.result.tree import OK
from simbench.runs.runner import run_task
from simbench.session.conversation import Patience, converse
from simbench.session.measure import measure
from simbench.task.tasks import ModelTask, suite_task

GOLDEN = Path(__file__).parent / "golden" / "renode"
CORES = ("cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
WORKS = tuple(w for w in Work if w not in (Work.FOREVER, Work.LONG_COPY, Work.WILD_COPY))
IMPATIENT = Patience(boot_s=20, command_s=1.5, infer_s=1.5)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build_stub(tmp_path_factory.mktemp("stub"))


@pytest.fixture(scope="module")
def one_inference(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Scripted:
    launch = spec(image, (Work.COPY,))
    return scripted(tmp_path_factory.mktemp("session"), launch, partial(_infer, launch))


def _infer(launch: LaunchSpec, emulator: Backend) -> Counts:
    with emulator.launch(launch) as board:
        conversation = converse(board)
        conversation.load_bank(0)
        counts = conversation.infer().counts
    assert counts is not None
    return counts


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder boards make theirs in; nothing may be left there."""
    folder = tmp_path / "boards"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def pretend(
    monkeypatch: pytest.MonkeyPatch,
    session: Scripted,
    name: str = "renode",
    **misbehaviour: object,
) -> Backend:
    """Renode, as far as simbench can tell."""
    for variable, value in session.environment(**misbehaviour).items():
        monkeypatch.setenv(variable, value)
    renode_tool._identify.cache_clear()
    return backend(name)


# ---- traces ----

INSTRUCTIONS = st.builds(
    Executed,
    st.integers(0, 2**32 - 1),
    st.binary(min_size=2, max_size=4).filter(lambda b: len(b) != 3),
    st.lists(st.integers(0, 2**32 - 1), max_size=20).map(tuple),
)


@given(st.lists(INSTRUCTIONS, max_size=30))
def test_a_trace_is_read_as_it_was_written(trace: list[Executed]) -> None:
    assert list(read_trace(BytesIO(encoded(trace)))) == trace
    assert list(read_trace(BytesIO(encoded(trace, HEADER_5)))) == trace


def swapped(executed: Executed) -> Executed:
    """With the halfwords of a 32-bit opcode swapped, as Renode 1.16.1 writes them."""
    return executed._replace(opcode=executed.opcode[2:] + executed.opcode[:2])


@given(st.lists(st.sampled_from([b"\x00\xbf", b"\x2d\xe9\xf0\x41"]), min_size=1))
def test_halfwords_are_read_in_the_image_s_order(code: list[bytes]) -> None:
    image = b"".join(code)
    starts = [len(b"".join(code[:n])) for n in range(len(code))]
    trace = [Executed(a, c, ()) for a, c in zip(starts, code, strict=True)]

    def code_at(address: int, length: int) -> bytes:
        return image[address : address + length]

    assert list(in_memory_order(trace, code_at)) == trace
    assert list(in_memory_order(map(swapped, trace), code_at)) == trace


@pytest.mark.parametrize(
    ("opcode", "has"), [(b"\x2d\xe9\xf0\x40", "2de9f041"), (b"\x00\xbf", "2de9")]
)
def test_an_opcode_that_the_image_has_not_is_refused(opcode: bytes, has: str) -> None:
    trace = [Executed(0x100, opcode, ())]
    with pytest.raises(InfrastructureError, match=f"{opcode.hex()} at 0x00000100.*has {has};"):
        list(in_memory_order(trace, lambda _, length: b"\x2d\xe9\xf0\x41"[:length]))
    with pytest.raises(InfrastructureError, match="has nothing; "):
        list(in_memory_order(trace, lambda *_: b""))


def test_a_trace_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renode_trace, "_CHUNK", 100)
    trace = [Executed(n, b"\x00\xbf", tuple(range(n % 32))) for n in range(500)]
    assert list(read_trace(BytesIO(encoded(trace)))) == trace


@given(st.lists(INSTRUCTIONS, min_size=1, max_size=10), st.data())
def test_a_trace_cut_off_is_refused_or_ends_between_instructions(
    trace: list[Executed], data: st.DataObject
) -> None:
    whole = encoded(trace)
    cut = data.draw(st.integers(len(HEADER), len(whole) - 1))
    whole_ones = [n for n in range(len(trace)) if len(encoded(trace[:n])) == cut]
    if whole_ones:
        assert list(read_trace(BytesIO(whole[:cut]))) == trace[: whole_ones[0]]
    else:
        with pytest.raises(InfrastructureError, match="middle of an instruction"):
            list(read_trace(BytesIO(whole[:cut])))


@given(st.binary(max_size=200))
def test_what_is_no_trace_is_refused(data: bytes) -> None:
    with pytest.raises(InfrastructureError, match="cannot be read"):
        list(read_trace(BytesIO(data)))


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (7, 6, "version 6, where versions 4 and 5 are known"),
        (7, 5, "not a Cortex-M's"),
        (10, 2, "not a Cortex-M's"),
        (8, 8, "not a Cortex-M's"),
        (9, 0, "not a Cortex-M's"),
        (len(HEADER) + 7, 9, "data of type 9"),
    ],
)
def test_a_trace_of_another_layout_is_refused(place: int, value: int, says: str) -> None:
    data = bytearray(encoded([Executed(0, b"\x00\xbf", ())]))
    data[place] = value
    with pytest.raises(InfrastructureError, match=says):
        list(read_trace(BytesIO(bytes(data))))


# ---- counting ----


def by_address(counts: Counts, section: SectionCounts) -> list[Counter[tuple[int, ...]]]:
    """Executions, accesses, taken branches and splits, wherever blocks begin and end."""
    executed: Counter[tuple[int, ...]] = Counter()
    start = [block.address for block in counts.blocks]
    end = [block.address + len(block.code) for block in counts.blocks]
    for block, times in zip(counts.blocks, section.executions.tolist(), strict=True):
        address = block.address
        for instruction in decode_block(block.code) if times else ():
            executed[address,] += times
            address += instruction.width
    accessed: Counter[tuple[int, ...]] = Counter()
    for block_, offset, segment, count in section.accesses.tolist():
        accessed[start[block_] + offset, segment] += count
    taken: Counter[tuple[int, ...]] = Counter()
    for source, target, count in section.edges.tolist():
        taken[end[source], start[target]] += count
    split: Counter[tuple[int, ...]] = Counter()
    assert section.splits is not None
    for block_, offset, count in section.splits.tolist():
        split[start[block_] + offset,] += count
    return [executed, accessed, taken, split]


def assert_same(found: Counts, known: Counts) -> None:
    sections = zip((found.inference, *found.layers), (known.inference, *known.layers), strict=True)
    for one, other in sections:
        assert by_address(found, one) == by_address(known, other)


def traced(trace: Path, launch: LaunchSpec) -> tuple[Counts, ...]:
    with trace.open("rb") as file:
        segment_of = segments_of(launch.image.segments)
        return count_trace(read_trace(file), marker_addresses(launch), segment_of)


@pytest.mark.emulator
def test_a_trace_gives_the_counts_that_the_plugin_counts(image: Image, tmp_path: Path) -> None:
    launch = replace(spec(image, *((work, 3, 3) for work in WORKS)), grouping=False)
    program, trace = tracing_qemu(tmp_path)
    known = []
    with QemuBackend(str(program)).launch(launch) as board:
        conversation = converse(board)
        for index in range(len(WORKS)):
            conversation.load_bank(index)
            known.append(conversation.infer().counts)
    found = traced(trace, launch)
    assert len(found) == len(WORKS)
    for one, other in zip(found, known, strict=True):
        assert other is not None
        assert_same(one, other)


@pytest.mark.image
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6)), max_size=20))
def test_every_instruction_and_jump_of_a_window_is_counted(
    runs: list[tuple[int, int]],
) -> None:
    """Runs of NOPs, each from somewhere else on, between two markers."""
    nop = b"\x00\xbf"
    inside = [2 * (start + n) for start, length in runs for n in range(length)]
    trace = [Executed(a, nop, ()) for a in (0xF00, 0x1000, *inside, 0x2000, 0x2002)]
    markers = {0x1000: Marker.WINDOW_OPENS, 0x2000: Marker.WINDOW_CLOSES}
    (window,) = count_trace(trace, markers, lambda _: Segment.OTHER)
    executed, _, taken, _ = by_address(window, window.inference)
    assert executed == Counter((a,) for a in (0x1000, *inside))
    path = (0x1000, *inside, 0x2000)
    assert taken == Counter((a + 2, b) for a, b in pairwise(path) if b != a + 2)


def ad_task(platform: str, core: str) -> ModelTask:
    board = load_platform(platform)
    assert board.core == core
    scenario = Scenario("ad", board.id)
    machine = backend("qemu").machine(board.core)
    return suite_task(scenario, board, load_benchmarks()["ad"], machine, 1)


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("platform", "core"), [("stm32f746", "cortex-m7"), ("corstone-300", "cortex-m55")]
)
def test_a_trace_of_a_benchmark_gives_the_plugin_s_counts(
    platform: str, core: str, tmp_path: Path
) -> None:
    """The Cortex-M55's kernels are of vector instructions and low-overhead loops."""
    task = ad_task(platform, core)
    program, trace = tracing_qemu(tmp_path, task.image)
    known = measure(task, QemuBackend(str(program))).counts
    launch = LaunchSpec(task.image, task.machine)
    (found,) = traced(trace, launch)
    assert_same(found, known)


def test_marks_are_read_up_to_the_last_whole_line() -> None:
    text = "0 100\n2 110\n3 120\n1 130\n2 14"
    assert [mark.executed for mark in read_marks(text)] == [100, 110, 120, 130]
    assert read_marks("") == []
    assert read_marks("0 10\n")[0] == Mark(marker=Marker.WINDOW_OPENS, executed=10)


# ---- sums ----


@pytest.mark.emulator
def test_sums_give_the_counts_of_the_trace_they_are_of(
    one_inference: Scripted, image: Image
) -> None:
    found = read_window(Path(one_inference.script["sums"][0]).read_bytes(), CodeReader(image))
    assert all(s.is_equal for s in compare(found, one_inference.recording.windows[0]))


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("address", "executed 1 instructions at 0x10000000, where the image has 0"),
        ("executed", r"blocks of \d+ instructions where its core counted \d+:"),
    ],
)
def test_sums_that_the_image_or_the_core_belies_are_refused(
    name: str, says: str, one_inference: Scripted, image: Image
) -> None:
    data = bytearray(Path(one_inference.script["sums"][0]).read_bytes())
    (blocks,) = struct.unpack_from("<I", data)
    at = {"address": 4 + 4, "executed": 4 + 8 * blocks + 4 + 4}[name]
    (executed,) = struct.unpack_from("<I", data, at)
    struct.pack_into("<I", data, at, 0x10000000 if name == "address" else executed + 1)
    with pytest.raises(InfrastructureError, match=says):
        read_window(bytes(data), CodeReader(image))


# ---- what is written for Renode ----


@pytest.mark.image
@pytest.mark.parametrize("core", CORES)
def test_a_platform_is_described_as_before(core: str) -> None:
    """An image of each core, the memories that it is linked for, and no more."""
    image = build_image(core, Variant())
    machine = machine_of(backend("renode").machine(core))
    text = description(machine, memories(image, ()))
    assert text == (GOLDEN / f"{machine.name}.repl").read_text()


@pytest.mark.image
def test_a_script_is_written_as_before(image: Image) -> None:
    lines = script(image, (Blob(0x001FF000, b"config"), Blob(0x21800000, b"bank")))
    assert "\n".join(lines) + "\n" == (GOLDEN / "board.resc").read_text()


def test_hooks_and_traces_are_asked_for_as_before() -> None:
    markers = {0x100: Marker.WINDOW_OPENS, 0x200: Marker.WINDOW_CLOSES}
    commands = [
        *hook_commands(markers, Path("/board/marks")),
        *start_commands(0, Path("/board/trace 0")),
        *setup_commands(cached_spec(), Path("/board/window")),
    ]
    assert "\n".join(commands) + "\n" == (GOLDEN / "counting.resc").read_text()


def cached_spec(ways: int = 64) -> LaunchSpec:
    """A board of no image that watches a cache."""
    functions = (
        Function(0x80, 4, "th_infer"),
        Function(0x90, 4, "_ZN8simbench14ReadSerialPortEv"),
    )
    segments = {Segment.ARENA: (AddressRange(0x20000000, 0x20010000),)}
    symbols = {"th_pre": 0x100, "th_post": 0x200}
    image = Image(Path("x"), "", symbols, segments, 0, 0, 0, 0, functions)
    geometry = CacheGeometry("code", "instruction", 64, 16, ways, (Segment.CODE,))
    return LaunchSpec(image, "mps2-an386", caches=(geometry,))


def test_a_cache_that_cannot_be_built_is_refused() -> None:
    with pytest.raises(UsageError, match="the cache 'code' cannot be built"):
        list(setup_commands(cached_spec(ways=3), Path("/board/window")))


@pytest.mark.image
def test_what_is_written_names_nothing_to_fetch(image: Image) -> None:
    text = description(machine_of("mps2-an386"), memories(image, ())) + "\n".join(script(image, ()))
    assert "http" not in text
    assert "SVD" not in text
    assert 'using "' not in text


@given(
    st.lists(
        st.builds(
            lambda start, size: AddressRange(start, start + size),
            st.integers(0, 1 << 20),
            st.integers(1, 1 << 18),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_memories_hold_all_that_is_needed_in_pages_and_do_not_overlap(
    ranges: list[AddressRange],
) -> None:
    image = Image(Path("x"), "", {}, {Segment.CODE: tuple(ranges)}, 0, 0, 0, 0)
    found = memories(image, ())
    for needed in ranges:
        assert any(m.start <= needed.start and needed.end <= m.end for m in found)
    assert all(m.start % 0x1000 == m.end % 0x1000 == 0 for m in found)
    assert all(a.end < b.start for a, b in pairwise(found))


def test_the_machine_of_a_user_s_own_firmware_is_not_described() -> None:
    with pytest.raises(UsageError, match="does not describe the machine netduinoplus2"):
        machine_of("netduinoplus2")


# ---- a session with the stand-in ----


@pytest.mark.emulator
def test_a_benchmark_runs_and_is_not_priced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renode's trace does not have all accesses."""
    task = ad_task("stm32f4", "cortex-m4")
    launch = LaunchSpec(task.image, task.machine)
    qemu = run_task(task, backend("qemu"))
    session = scripted(tmp_path, launch, lambda emulator: measure(task, emulator), task.image)
    result = run_task(task, pretend(monkeypatch, session, "renode-trace"))
    assert result.status == OK, result.reason
    assert result.instructions == qemu.instructions
    assert result.parity is not None
    assert result.parity.exact == result.parity.samples
    assert (result.cycles, result.time_s, result.energy_j) == (None, None, None)
    assert result.missing is not None
    assert "lacks those of LDRD" in result.missing["cycles"]


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
@pytest.mark.parametrize("echo", [True, False])
def test_a_console_may_repeat_commands_or_not(
    echo: bool, image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = pretend(monkeypatch, one_inference, echo=echo)
    assert _infer(spec(image, (Work.COPY,)), emulator).inferences == 1


@pytest.mark.emulator
@pytest.mark.parametrize("header", [HEADER, HEADER_5])
def test_swapped_halfwords_give_the_same_counts(
    header: bytes, one_inference: Scripted, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for number, name in enumerate(one_inference.script["traces"]):
        with Path(name).open("rb") as file:
            trace = encoded(map(swapped, read_trace(file)), header)
        files.append(one_inference.folder / f"swapped{number}-{header[7]}")
        files[-1].write_bytes(trace)
    emulator = pretend(monkeypatch, one_inference, "renode-trace", traces=list(map(str, files)))
    found = _infer(spec(image, (Work.COPY,)), emulator)
    assert all(s.is_equal for s in compare(found, one_inference.recording.windows[0]))


@pytest.mark.emulator
def test_a_command_refused_is_told_with_its_line(
    image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = "Error E05: Could not resolve type: 'CPU.CortexX'.\nAt board.repl:7:6"
    refuse = {"machine LoadPlatformDescription": says}
    emulator = pretend(monkeypatch, one_inference, refuse=refuse)
    with pytest.raises(InfrastructureError) as caught:
        emulator.launch(spec(image))
    for part in ("LoadPlatformDescription", "line 9 of board.resc", "E05", "board.repl:7:6"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_a_renode_that_does_not_compile_is_told_with_another_way(
    image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = "Errors during compilation\ncounter.cs(7,1): error CS0246: no TranslationCPU\n"
    emulator = pretend(monkeypatch, one_inference, compiler=says)
    with pytest.raises(InfrastructureError, match=r"CS0246.*; --backend renode-trace counts"):
        emulator.launch(spec(image))


MVID = "0a1b2c3d-0000-4000-8000-0123456789ab"


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_what_renode_compiled_is_kept_for_that_renode_and_loaded(
    image: Image, one_inference: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path / "build"))
    kept = tmp_path / "build" / "renode"
    emulator = pretend(monkeypatch, one_inference, mvid=MVID)
    assert _infer(spec(image, (Work.COPY,)), emulator).inferences == 1
    (first,) = kept.iterdir()
    # one that would compile now is refused: it is loaded
    broken = "counter.cs(7,1): error CS0246: no TranslationCPU\n"
    emulator = pretend(monkeypatch, one_inference, mvid=MVID, compiler=broken)
    assert _infer(spec(image, (Work.COPY,)), emulator).inferences == 1
    # what was damaged is made anew
    compiled = first.read_bytes()
    first.write_bytes(b"")
    emulator = pretend(monkeypatch, one_inference, mvid=MVID)
    assert _infer(spec(image, (Work.COPY,)), emulator).inferences == 1
    assert first.read_bytes() == compiled
    # and another Renode's is another
    emulator = pretend(monkeypatch, one_inference, mvid=MVID.replace("0a", "0b"))
    assert _infer(spec(image, (Work.COPY,)), emulator).inferences == 1
    assert len(list(kept.iterdir())) == 2


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
@pytest.mark.parametrize("mvid", [{}, {"mvid": "what is that"}, {"mvid": MVID}])
def test_a_counter_that_cannot_be_kept_counts(
    mvid: dict[str, str],
    image: Image,
    one_inference: Scripted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path / "file"))
    emulator = pretend(monkeypatch, one_inference, "renode", **mvid)
    assert _infer(spec(image, (Work.COPY,)), emulator).inferences == 1


def test_the_counter_s_sources_are_one_file_behind_one_another() -> None:
    text = counter_source()
    namespaces = text.count("namespace Simbench\n{\n")
    assert namespaces == 4
    # C# has none behind a namespace
    assert not re.search(r"^using", text, re.MULTILINE)
    assert text.count("{") == text.count("}")


@pytest.mark.emulator
def test_blocks_alone_are_counted_without_accesses(
    image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = pretend(monkeypatch, one_inference, "renode-blocks", dies_at="cpu SimbenchStart")
    found = _infer(spec(image, (Work.COPY,)), emulator)
    assert all(s.is_equal for s in compare(found, one_inference.recording.windows[0]))
    assert emulator.capabilities.unpriced is not None


@pytest.mark.emulator
def test_a_script_line_is_numbered_as_the_file_has_it(image: Image) -> None:
    lines = script(image, ())
    assert "LoadPlatformDescription" in lines[9 - 1]


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_a_start_that_hangs_is_ended(
    image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renode_monitor, "START_TIMEOUT_S", 0.5)
    emulator = pretend(monkeypatch, one_inference, is_silent=True)
    with pytest.raises(InfrastructureError, match=r"gave no prompt within 0\.5 s, and was ended"):
        emulator.launch(spec(image))


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_a_renode_that_ends_by_itself_is_told(
    image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = pretend(monkeypatch, one_inference, dies_at="cpu PerformanceInMips 100")
    with pytest.raises(InfrastructureError, match=r"ended by itself \(status 3\)"):
        emulator.launch(spec(image))


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_a_slice_that_never_ends_is_a_lock_up(
    image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renode_board, "_SLICE_TIMEOUT_S", 0.5)
    at = image.symbols["work_forever"]
    emulator = pretend(monkeypatch, one_inference, hangs_at=1, at=f"{at:#010x}")
    with (
        emulator.launch(spec(image, (Work.COPY,))) as board,
        pytest.raises(FirmwareFault, match=r"did not come back .* in work_forever at .*locked up"),
    ):
        converse(board).load_bank(0)


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_an_answer_that_does_not_come_names_where_the_core_was(
    image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = image.symbols["work_forever"]
    emulator = pretend(monkeypatch, one_inference, at=f"{at:#010x}")
    with emulator.launch(spec(image, (Work.COPY,))) as board:
        conversation = converse(board, IMPATIENT)
        with pytest.raises(FirmwareFault, match=r"within 1\.5 s; the core was in work_forever"):
            conversation.identify()


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
@pytest.mark.parametrize("does_advance", [False, True])
def test_a_vector_instruction_that_is_repeated_for_ever_is_named(
    does_advance: bool, image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Renode 1.16.1 does on a Cortex-M55: the count of instructions rises, the PC stays."""
    vector = b"\x12\xed\x00\x1f"  # VLDRW.U32 q0, [r2]
    monkeypatch.setattr(CodeReader, "__call__", lambda *_: vector)
    at = f"{image.symbols['work_forever']:#010x}"
    emulator = pretend(monkeypatch, one_inference, at=at, rises=True, walks=does_advance)
    with emulator.launch(spec(image, (Work.COPY,))) as board:
        says = r"Renode 1\.16\.1\.12345 executes vldrw.* in work_forever at .* again and again"
        conversation = converse(board, IMPATIENT)
        error = FirmwareFault if does_advance else InfrastructureError
        with pytest.raises(error, match="within" if does_advance else says):
            conversation.identify()


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
@pytest.mark.parametrize("name", ["renode", "renode-trace"])
def test_a_window_past_its_limit_is_ended(
    name: str, image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    past: dict[str, dict[str, object]] = {
        "renode": {"in_window": f"{1_000_001:#018x}"},
        "renode-trace": {"marks": ["0 1000\n"], "executed": f"{2_000_000:#018x}"},
    }
    emulator = pretend(monkeypatch, one_inference, name, **past[name])
    limited = replace(spec(image, (Work.COPY,)), window_instructions=1_000_000)
    says = "inference ran past 1,000,000 instructions"
    with pytest.raises(FirmwareFault, match=says):
        _infer(limited, emulator)


@pytest.mark.emulator
@pytest.mark.parametrize("change", ["window", "layer", "none"])
def test_a_trace_that_the_core_s_own_count_belies_is_refused(
    change: str, image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = one_inference.script["marks"][0].splitlines()
    place = {"window": -1, "layer": 1, "none": 0}[change]
    kind, executed = marks[place].split()
    marks[place] = f"{kind} {int(executed) + 1}" if change != "none" else "9"
    if change == "none":
        marks = [m for m in marks if not m.startswith("9")]  # the opening mark is lost
    emulator = pretend(monkeypatch, one_inference, "renode-trace", marks=["\n".join(marks) + "\n"])
    with pytest.raises(InfrastructureError, match="cannot be trusted to count"):
        _infer(spec(image, (Work.COPY,)), emulator)


@pytest.mark.emulator
def test_state_that_makes_no_sense_is_told(
    image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = pretend(monkeypatch, one_inference, at="somewhere")
    with (
        emulator.launch(spec(image, (Work.COPY,))) as board,
        pytest.raises(InfrastructureError, match="did not say where its core is"),
    ):
        converse(board)


@pytest.mark.emulator
def test_an_image_that_is_gone_is_told(
    image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    emulator = pretend(monkeypatch, one_inference)
    gone = replace(spec(image), image=replace(image, path=tmp_path / "gone.elf"))
    with pytest.raises(InfrastructureError, match=r"gone\.elf"):
        emulator.launch(gone)


@pytest.mark.emulator
def test_nothing_is_left_behind(
    image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    board = pretend(monkeypatch, one_inference).launch(spec(image))
    assert isinstance(board, RenodeBoard)
    assert list(temporary.iterdir()) != []
    board.close()
    assert not is_alive(board.pid)


_ORPHAN = """
import sys, time
from pathlib import Path
sys.path[:0] = {path!r}
from firmware_stub import spec
from simbench.firmware.read import read_image
from simbench.backends import backend
board = backend("renode").launch(spec(read_image(Path({elf!r}))))
print(board.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.emulator
def test_renode_goes_when_its_owner_is_killed(
    image: Image, one_inference: Scripted, tmp_path: Path
) -> None:
    code = _ORPHAN.format(path=sys.path, elf=str(image.path))
    environment = {**os.environ, **one_inference.environment(), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment
    ) as owner:
        assert owner.stdout is not None
        emulator = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while is_alive(emulator) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(emulator)


def is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


# ---- finding it ----


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("Renode v1.15.3.5", r"Renode 1\.15\.3\.5 is too old: unpack"),
        ("QEMU emulator version 7.2", "is not Renode: unpack"),
        ("", "is not Renode: unpack"),
    ],
)
def test_a_renode_that_does_not_serve_is_told(
    version: str, says: str, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = pretend(monkeypatch, one_inference, version=version)
    with pytest.raises(InfrastructureError, match=says):
        emulator.version()


def test_a_missing_renode_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIMBENCH_RENODE", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InfrastructureError, match=r"not installed: .* SIMBENCH_RENODE"):
        backend("renode").version()
    with pytest.raises(InfrastructureError, match=r"/opt/renode is no program: unpack"):
        backend("renode:/opt/renode").version()


def test_pyrenode3_is_looked_for_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pyrenode3_version() is None
    (tmp_path / "pyrenode3.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert pyrenode3_version() == "of unknown version"
    assert "pyrenode3" not in sys.modules


STUB = FAKE.with_name("stub")


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_pyrenode3_serves_as_the_console_does(
    image: Image, one_inference: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, one_inference)
    monkeypatch.setenv("SIMBENCH_RENODE", "pyrenode3")
    monkeypatch.setenv("PYTHONPATH", str(STUB))
    monkeypatch.setenv("PYRENODE_BIN", "/renode/renode")
    emulator = backend("renode")
    assert emulator.version() == "1.16.1"
    found = _infer(spec(image, (Work.COPY,)), emulator)
    assert all(s.is_equal for s in compare(found, one_inference.recording.windows[0]))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("", "pyrenode3 does not load: No module named 'pyrenode3': install pyrenode3 beside"),
        (str(STUB), "does not load: Renode not found. Please do one .* PYRENODE_BIN: install"),
    ],
)
def test_a_pyrenode3_that_does_not_load_is_one_sentence(
    path: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    renode_tool._identify.cache_clear()
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.delenv("PYRENODE_BIN", raising=False)
    with pytest.raises(InfrastructureError, match=says):
        backend("renode:pyrenode3").version()


@pytest.mark.emulator
def test_doctor_finds_renode_and_does_without(
    one_inference: Scripted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, one_inference)
    assert _run(["doctor"]) == 0
    assert "1.16.1.12345; simbench was tried with one built from its source" in _words(capsys)
    monkeypatch.setenv("SIMBENCH_RENODE", "/nowhere/renode")
    assert _run(["doctor"]) == 0
    assert "not here /nowhere/renode is no program: unpack a portable build" in _words(capsys)


def _words(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_the_stand_in_says_that_it_is_one() -> None:
    assert "It is not Renode" in FAKE.read_text()
