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
from renode import scripted

from simbench.backends import LaunchSpec, backend
from simbench.backends.recording import RecordedBackend, Recorder, Recording, load, save
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario
from simbench.cli.main import _run
from simbench.comparisons.crosscheck import Place, compare
from simbench.counts import EDGE, Block, Counts, SectionCounts
from simbench.files.paths import build_dir
from simbench.result.tree import OK
from simbench.runs.runner import run_task
from simbench.session.measure import measure
from simbench.task.tasks import ModelTask, suite_task

AD = ("crosscheck", "--platform", "stm32f4", "--benchmark", "ad")
SECOND_QEMU = build_dir() / "second-qemu" / "qemu-system-arm"
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
    return Counts(blocks, SectionCounts(executions, EMPTY, EMPTY, {}), (), ())


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
    assert same.first == same.second == sum(lengths) * times
    place = data.draw(st.integers(0, len(lengths) - 1))
    changed = cut.inference.executions.copy()
    changed[place] += 1
    other = replace(cut, inference=replace(cut.inference, executions=changed))
    (different,) = compare(whole, other)
    assert not different.is_equal
    assert len(different.differing) == lengths[place]
    assert different.differing[0] == Place(starts[place], times, times + 1)


def test_equal_totals_of_other_instructions_are_not_equal() -> None:
    (compared,) = compare(counts((0x100, 3, 2)), counts((0x200, 3, 2)))
    assert compared.first == compared.second == 6
    assert not compared.is_equal


def test_a_layer_that_one_has_not_was_executed_by_the_other_alone() -> None:
    one = counts((0x100, 3, 2))
    with_layer = replace(one, layers=(one.inference,))
    inference, layer = compare(one, with_layer)
    assert inference.is_equal
    assert (layer.first, layer.second, layer.is_equal) == (0, 6, False)


@pytest.mark.skipif(not SECOND_QEMU.exists(), reason="there is no second QEMU: make second-qemu")
def test_two_versions_of_qemu_execute_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run([*AD, "--against", f"qemu:{SECOND_QEMU}"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("equal") == 1 + 12 + 1  # the inference, its layers, the outputs
    assert "differs" not in shown


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
def test_crosscheck_compares_with_renode_by_default(
    task: ModelTask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the scripted stand-in for it: see tests/renode."""
    launch = LaunchSpec(task.image, task.machine)
    session = scripted(tmp_path, launch, lambda emulator: measure(task, emulator), task.image)
    for name, value in session.environment().items():
        monkeypatch.setenv(name, value)
    assert _run(AD) == 0
    shown = capsys.readouterr().out
    assert "renode 1.16.1.12345" in shown
    assert "differs" not in shown


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
