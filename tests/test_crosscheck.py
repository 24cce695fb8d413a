"""The same firmware on two emulators: equal, or where they differ; and a board written out."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from other_qemus import OTHERS, other_qemu
from renode import scripted

from simbench.backends import LaunchSpec, backend
from simbench.backends.recording import RecordedBackend, Recorder, Recording, load, save
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario
from simbench.cli.main import _run
from simbench.comparisons.crosscheck import ACCESSES, CACHE_EVENTS, EDGES, Place, compare
from simbench.counts import ACCESS, CACHE_EVENT, EDGE, Block, Counts, SectionCounts, Segment
from simbench.errors import InfrastructureError
from simbench.result.tree import OK
from simbench.runs.runner import run_task
from simbench.session.measure import measure
from simbench.task.tasks import ModelTask, suite_task

AD = ("crosscheck", "--platform", "stm32f4", "--benchmark", "ad")
ONE_OF_EACH_CORE = ("rp2040", "stm32f4", "stm32h7", "stm32u575", "corstone-300")
COMPARED = [*((name, "ad") for name in ONE_OF_EACH_CORE), ("stm32u575", "vww")]
NOP = b"\x00\xbf"
EMPTY = np.zeros(0, EDGE)


@pytest.fixture(scope="module")
def task() -> ModelTask:
    board = load_platform("stm32f4")
    scenario = Scenario("ad", board.id)
    machine = backend("qemu").machine(board.core)
    return suite_task(scenario, board, load_benchmarks()["ad"], machine, 1)


@pytest.fixture(scope="module")
def recording(task: ModelTask) -> Recording:
    recorder = Recorder(backend("qemu"))
    measure(task, recorder)
    return recorder.recordings[0]


def counts(*runs: tuple[int, int, int]) -> Counts:
    """NOPs: where each run of them starts, how many they are, how often it was executed."""
    blocks = tuple(Block(start, NOP * length, length) for start, length, _ in runs)
    executions = np.array([times for _, _, times in runs], np.int64)
    return Counts(blocks, SectionCounts(executions, EMPTY, np.zeros(0, ACCESS), {}), (), ())


@pytest.mark.image
@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.integers(1, 5), st.data())
def test_where_blocks_begin_and_end_makes_no_difference(
    lengths: list[int], times: int, data: st.DataObject
) -> None:
    """One straight run of code, cut in two ways."""
    whole = counts((0x100, sum(lengths), times))
    starts = [0x100 + 2 * sum(lengths[:n]) for n in range(len(lengths))]
    cut = counts(*((start, n, times) for start, n in zip(starts, lengths, strict=True)))
    (same,) = compare(whole, cut)
    assert same.is_equal
    assert same.instructions.first == same.instructions.second == sum(lengths) * times
    place = data.draw(st.integers(0, len(lengths) - 1))
    changed = cut.inference.executions.copy()
    changed[place] += 1
    other = replace(cut, inference=replace(cut.inference, executions=changed))
    (different,) = compare(whole, other)
    assert not different.is_equal
    assert len(different.instructions.differing) == lengths[place]
    assert different.instructions.differing[0] == Place(starts[place], times, times + 1)


def test_equal_totals_of_other_instructions_are_not_equal() -> None:
    (compared,) = compare(counts((0x100, 3, 2)), counts((0x200, 3, 2)))
    assert compared.instructions.first == compared.instructions.second == 6
    assert not compared.is_equal


def test_a_layer_that_one_has_not_was_executed_by_the_other_alone() -> None:
    one = counts((0x100, 3, 2))
    with_layer = replace(one, layers=(one.inference,))
    inference, layer = compare(one, with_layer)
    assert inference.is_equal
    executed = layer.instructions
    assert (executed.first, executed.second, layer.is_equal) == (0, 6, False)


LOAD_AND_STORE = b"\x08\x68\x08\x60"  # LDR r0, [r1]; STR r0, [r1]


def accessing(segments: tuple[Segment, Segment], edges: int = 1, misses: int = 1) -> Counts:
    """A load and a store in a loop, where each went, how often the loop was closed, and misses."""
    loop = (Block(0x100, LOAD_AND_STORE, 2),)
    accesses = np.array([(0, 0, segments[0], 4), (0, 2, segments[1], 4)], ACCESS)
    events = {"icache": np.array([(0, misses, 2)], CACHE_EVENT)}
    section = SectionCounts(
        np.array([4], np.int64), np.array([(0, 0, edges)], EDGE), accesses, events
    )
    return Counts(loop, section, (), ())


@pytest.mark.parametrize(
    ("other", "name", "places"),
    [
        (
            accessing((Segment.WEIGHTS, Segment.STATIC)),
            ACCESSES,
            [Place(0x102, 4, 0, "stores to arena"), Place(0x102, 0, 4, "stores to static")],
        ),
        (
            accessing((Segment.WEIGHTS, Segment.ARENA), edges=3),
            EDGES,
            [Place(0x104, 1, 3, "to 0x00000100")],
        ),
        (
            accessing((Segment.WEIGHTS, Segment.ARENA), misses=5),
            CACHE_EVENTS,
            [Place(0, 1, 5, "jump misses in icache")],
        ),
    ],
)
def test_equal_instructions_with_other_effects_are_not_equal(
    other: Counts, name: str, places: list[Place]
) -> None:
    one = accessing((Segment.WEIGHTS, Segment.ARENA))
    (same,) = compare(one, one)
    assert same.is_equal
    (compared,) = compare(one, other)
    (differing,) = compared.differing
    assert (differing.name, list(differing.differing)) == (name, places)
    (without,) = compare(one, other, {name})
    assert without.is_equal
    assert name not in {quantity.name for quantity in without.quantities}


@pytest.mark.emulator
@pytest.mark.parametrize(("platform", "benchmark"), COMPARED)
@pytest.mark.parametrize("other", OTHERS)
def test_two_versions_of_qemu_execute_the_same(
    other: str, platform: str, benchmark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every instruction, edge, access and cache event."""
    against = f"qemu:{other_qemu(other)}"
    words = ["crosscheck", "--platform", platform, "--benchmark", benchmark]
    status = _run([*words, "--against", against])
    shown = capsys.readouterr().out
    sections = [line for line in shown.splitlines() if line.startswith(("inference", "layer "))]
    assert len(sections) > 12
    assert all(line.split()[-1] == "equal" for line in sections)
    assert status == 0
    assert "outputs are equal" in shown


@pytest.mark.emulator
def test_a_recording_is_compared_with_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "ad.recording")
    assert _run([*AD, "--record", file]) == 0
    assert _run([*AD, "--against", f"recording:{file}"]) == 0
    assert "recorded" in capsys.readouterr().out
    assert (
        _run(["crosscheck", "--platform", "stm32l4r5", *AD[3:], "--against", f"recording:{file}"])
        == 3
    )
    assert "of another board" in capsys.readouterr().err


@pytest.mark.emulator
def test_a_difference_is_told_with_its_layer_and_place(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (window,) = recording.windows
    layer = window.layers[3]
    changed = layer.executions.copy()
    block = int(np.flatnonzero(changed)[0])
    changed[block] += 7
    layers = (*window.layers[:3], replace(layer, executions=changed), *window.layers[4:])
    file = tmp_path / "other.recording"
    save(replace(recording, windows=(replace(window, layers=layers),)), file)
    assert _run([*AD, "--against", f"recording:{file}"]) == 1
    said = capsys.readouterr()
    assert "differ in 1 of 13 sections" in said.err
    assert [line.split()[1] for line in said.out.splitlines() if "differs" in line] == ["3,"]
    assert f"{window.blocks[block].address:#010x}" in said.out


@pytest.mark.emulator
def test_counts_of_code_that_the_image_has_not_are_refused(
    task: ModelTask, recording: Recording
) -> None:
    """One bit of one block, whatever the backend."""
    (window,) = recording.windows
    last = window.blocks[-1]
    for changed in (
        replace(last, code=last.code[:-1] + bytes([last.code[-1] ^ 1])),
        replace(last, code=b"\xff" * 12, address=0x60000000),
    ):
        other = replace(window, blocks=(*window.blocks[:-1], changed))
        with pytest.raises(InfrastructureError, match=f"code at {changed.address:#010x} "):
            measure(task, RecordedBackend(replace(recording, windows=(other,))))


@pytest.mark.emulator
def test_other_outputs_are_a_difference(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = [
        replace(turn, received=turn.received.replace(b"m-output-[", b"m-output-[0000"))
        if b"m-output-[" in turn.received
        else turn
        for turn in recording.turns
    ]
    file = tmp_path / "other.recording"
    save(replace(recording, turns=tuple(turns)), file)
    assert _run([*AD, "--against", f"recording:{file}"]) == 1
    assert "give different outputs" in capsys.readouterr().err


@pytest.mark.emulator
def test_a_missing_emulator_is_told_before_anything_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMBENCH_RENODE", "/nowhere/renode")
    assert _run(AD) == 3
    assert "/nowhere/renode is no program" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "no whole recording"), (b"\x93\x01", "no whole recording")]
)
def test_a_file_that_is_no_recording_is_told(
    content: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x"
    file.write_bytes(content)
    assert _run([*AD, "--against", f"recording:{file}"]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.emulator
def test_a_recording_is_read_as_it_was_written(recording: Recording, tmp_path: Path) -> None:
    save(recording, tmp_path / "r")
    again = load(tmp_path / "r")
    assert again.turns == recording.turns
    assert all(section.is_equal for section in compare(again.windows[0], recording.windows[0]))


@pytest.mark.emulator
def test_a_task_s_result_is_the_recording_s(task: ModelTask, recording: Recording) -> None:
    assert run_task(task, RecordedBackend(recording)) == run_task(task, backend("qemu"))


@pytest.mark.emulator
def test_prices_are_withheld_where_accesses_were_not_counted(
    task: ModelTask, recording: Recording
) -> None:
    why = "its plugin was built without them"
    can = replace(recording.capabilities, accesses=False, reasons={"accesses": why})
    result = run_task(task, RecordedBackend(replace(recording, capabilities=can)))
    assert result.status == OK
    assert result.instructions
    assert result.parity is not None
    assert (result.cycles, result.time_s, result.energy_j) == (None, None, None)
    assert (result.layers, result.frames) == ((), ())
    assert result.missing is not None
    assert {name for name, reason in result.missing.items() if reason == why} == {
        "cycles", "time_s", "energy_j", "layers", "frames",
    }  # fmt: skip


@pytest.mark.emulator
@pytest.mark.parametrize("name", ["renode", "renode-trace"])
def test_crosscheck_compares_with_renode_by_default(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the scripted stand-in for it, which sees no cache: see tests/renode."""
    board = load_platform("corstone-300")
    machine = backend("qemu").machine(board.core)
    task = suite_task(Scenario("ad", board.id), board, load_benchmarks()["ad"], machine, 1)
    launch = LaunchSpec(task.image, task.machine)
    session = scripted(tmp_path, launch, lambda emulator: measure(task, emulator), task.image)
    for variable, value in session.environment().items():
        monkeypatch.setenv(variable, value)
    against = () if name == "renode" else ("--against", name)
    assert _run(["crosscheck", "--platform", board.id, "--benchmark", "ad", *against]) == 0
    shown = capsys.readouterr().out
    assert "differs" not in shown
    words = " ".join(shown.split())
    why = "were not compared: renode-trace 1.16.1.12345 has none of them"
    assert (f"accesses {why}" in words) == (f"cache events {why}" in words) == bool(against)


@pytest.mark.image
def test_a_board_is_written_for_renode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["export-platform", "stm32f4", "--benchmark", "ad", "--renode", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("renode ")
    golden = Path(__file__).parent / "golden" / "renode" / "mps2-an386.repl"
    assert (tmp_path / "board.repl").read_text() == golden.read_text()
    script = (tmp_path / "board.resc").read_text()
    named = [word.split("/")[1] for word in script.split() if word.startswith("$ORIGIN/")]
    assert all((tmp_path / name).is_file() for name in named)
    assert {"board.repl", "firmware.elf", "blob1.bin"} <= set(named)
    assert script.splitlines()[-1] == "showAnalyzer uart"
    assert "logLevel 1" in script.splitlines()


@pytest.mark.emulator
def test_a_board_written_for_qemu_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["export-platform", "stm32f4", "--benchmark", "ad", "--qemu", str(tmp_path)]) == 0
    command = shlex.split(capsys.readouterr().out)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as emulator:
        assert emulator.stdout is not None
        heard = [emulator.stdout.readline() for _ in range(3)]
        emulator.kill()
    assert any(b"m-init-done" in line for line in heard)


@pytest.mark.image
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["export-platform", "stm32f4"], "nothing to write"),
        (["export-platform", "stm32f4", "--qemu", "/proc/x"], "name another folder"),
        (["export-platform", "stm32f44", "--qemu", "x"], "there is no platform stm32f44"),
    ],
)
def test_a_board_that_cannot_be_written_is_told(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(arguments) == 2
    assert says in capsys.readouterr().err
