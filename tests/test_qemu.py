"""The QEMU backend and the conversation: what goes right, what goes wrong, what is left behind."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from firmware_stub import Work, build_stub, programs, spec

from simbench.backends import BACKEND_TITLES, backend, backend_names, folder
from simbench.backends.faults import fault_sentence
from simbench.backends.qemu import plugin_build
from simbench.backends.qemu.board import QemuBoard
from simbench.backends.qemu.ended import ended_error
from simbench.backends.qemu.plugin_build import build_plugin, plugin_api
from simbench.backends.records import RecordReader
from simbench.errors import FirmwareFault, InfrastructureError, SimbenchError, UsageError
from simbench.firmware.image import Image
from simbench.session.conversation import Arena, Conversation, Identity, Patience, converse
from simbench.session.protocol import ProtocolError

IMPATIENT = Patience(boot_s=20, command_s=5, infer_s=1.5)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build_stub(tmp_path_factory.mktemp("stub"))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder boards make theirs in; nothing may be left there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


def launched(launch_spec: object) -> QemuBoard:
    board = backend("qemu").launch(launch_spec)  # type: ignore[arg-type]
    assert isinstance(board, QemuBoard)
    return board


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_a_board_says_who_it_is(image: Image) -> None:
    with launched(spec(image)) as board:
        conversation = converse(board)
        assert conversation.identify() == Identity(
            "stub", "ULPMark for tinyML Firmware V0.0.1", "kws01"
        )
        assert conversation.arena() == Arena(4096, 4000)
        assert conversation.boot_errors == ()


@pytest.mark.emulator
@pytest.mark.parametrize("program", programs())
def test_an_input_by_wire_or_from_the_bank_gives_the_same(
    image: Image, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMBENCH_QEMU", program)
    with launched(spec(image, (Work.KINDS, 5, 6, 7))) as board:
        conversation = converse(board)
        conversation.load(bytes([Work.KINDS, 5, 6, 7]))
        wired = conversation.infer()
        wired_output = conversation.output()
        conversation.load_bank(0)
        banked = conversation.infer()
        assert conversation.output() == wired_output == bytes([Work.KINDS, 5, 6, 7])
    assert wired.results == banked.results == (0.25, 0.75)
    assert wired.laps_us == (1000, 2000)
    assert wired.counts is not None
    assert banked.counts is not None
    assert wired.counts.blocks == banked.counts.blocks
    assert (wired.counts.inference.executions == banked.counts.inference.executions).all()


@pytest.mark.emulator
def test_a_long_input_arrives_whole(image: Image) -> None:
    with launched(spec(image)) as board:
        conversation = converse(board)
        conversation.load(bytes([9, 8, 7, 6]) + bytes(700))
        assert conversation.output() == bytes([9, 8, 7, 6])


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_a_bare_board_runs_and_has_no_counts(image: Image) -> None:
    with launched(replace(spec(image, (Work.COPY,)), counting=False)) as board:
        conversation = converse(board, counted=False)
        conversation.load_bank(0)
        inference = conversation.infer()
        assert inference.counts is None
        assert inference.results == (0.25, 0.75)
        with pytest.raises(UsageError, match="counting off"):
            board.windows()


@pytest.mark.emulator
@pytest.mark.parametrize("work", [Work.FOREVER, Work.LONG_COPY])
@pytest.mark.usefixtures("temporary")
def test_an_inference_past_its_limit_is_ended(image: Image, work: Work) -> None:
    """One loops by a jump, one is a loop of one block; the second is seen only now and then."""
    limited = replace(spec(image, (work,)), window_instructions=1_000_000)
    with launched(limited) as board:
        conversation = converse(board)
        conversation.load_bank(0)
        name = "work_forever" if work is Work.FOREVER else "work_copy"
        with pytest.raises(FirmwareFault, match=rf"past 1,000,000 instructions, in {name} at 0x"):
            conversation.infer()


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_a_hang_names_the_function_and_what_was_heard(image: Image) -> None:
    with launched(spec(image, (Work.FOREVER,))) as board:
        conversation = converse(board, IMPATIENT)
        conversation.load_bank(0)
        with pytest.raises(FirmwareFault, match=r"within 1\.5 s; the core was in work_forever"):
            conversation.infer()


@pytest.mark.emulator
def test_a_fault_is_told_in_words(image: Image) -> None:
    with launched(spec(image, (Work.WILD_COPY,))) as board:
        conversation = converse(board)
        conversation.load_bank(0)
        with pytest.raises(FirmwareFault, match=r"address with no memory .*0x90000000"):
            conversation.infer()


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_a_lockup_is_a_fault(image: Image) -> None:
    with launched(spec(image)) as board:
        converse(board)
        board.write(b"lockup%")
        with pytest.raises(FirmwareFault, match="locked up"):
            _read_to_the_end(board)


def _read_to_the_end(board: QemuBoard) -> None:
    for _ in range(100):
        board.read(0.2)


@pytest.mark.emulator
def test_a_refused_command_says_what_the_firmware_said(image: Image) -> None:
    with launched(spec(image)) as board:
        conversation = converse(board)
        with pytest.raises(ProtocolError, match="Unknown command"):
            conversation._ask(b"nonsense%")
        assert conversation.identify().name == "stub"


@pytest.mark.emulator
def test_an_image_qemu_cannot_load_is_told(image: Image, tmp_path: Path) -> None:
    gone = replace(image, path=tmp_path / "gone.elf")
    with (
        launched(replace(spec(image), image=gone)) as board,
        pytest.raises(InfrastructureError, match=r"QEMU ended by itself .*gone\.elf"),
    ):
        Conversation(board, IMPATIENT, counted=True)


REGIONS = """qemu-system-arm: warning: nic lan9118.0 has no peer
qemu-system-arm: Some ROM regions are overlapping
These ROM regions might have been loaded by direct user request or by default.

The following two regions overlap (in the memory address space):
  app.elf ELF program header segment 0 (addresses 0x0000000000000000 - 0x0000000000000100)
  /tmp/blob0 (addresses 0x0000000000000080 - 0x0000000000000180)
"""


@pytest.mark.parametrize(
    ("status", "text", "kind", "says"),
    [
        (-9, "", InfrastructureError, "killed by signal 9, SIGKILL: perhaps .* out of memory"),
        (-11, "", InfrastructureError, "killed by signal 11, SIGSEGV$"),
        (0, "qemu: warning: x\n", FirmwareFault, "the firmware reset the board"),
        (1, REGIONS, UsageError, r"overlap \(app.elf .* - 0x0+100\) and /tmp/blob0 "),
        (1, "qemu: warning: x\nqemu: bad\nhelp\n", InfrastructureError, "saying: qemu: bad$"),
        (1, "", InfrastructureError, "saying: nothing"),
    ],
)
def test_an_emulator_that_ended_says_why(
    status: int, text: str, kind: type[SimbenchError], says: str
) -> None:
    error = ended_error(status, text, Image(Path("app.elf"), "", {}, {}, 0, 0, 0, 0))
    assert type(error) is kind
    assert re.search(says, str(error))


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_a_board_that_was_killed_says_so(image: Image) -> None:
    with launched(spec(image)) as board:
        converse(board)
        os.kill(board.pid, signal.SIGKILL)
        with pytest.raises(InfrastructureError, match="killed by signal 9"):
            _read_to_the_end(board)


@pytest.mark.emulator
def test_folders_of_dead_boards_are_removed_and_no_others(image: Image, temporary: Path) -> None:
    dead, fresh, other = (temporary / f"simbench-{name}" for name in ("dead", "fresh", "other"))
    for made in (dead, fresh):
        made.mkdir()
        (made / "alive").touch()
    other.mkdir()
    with launched(spec(image)) as board:
        for made in temporary.iterdir():
            if made != fresh:
                os.utime(made, (0, 0))
        folder.sweep.cache_clear()
        with launched(spec(image)):
            assert board.pid
            assert {dead, fresh, other} & set(temporary.iterdir()) == {fresh, other}
            assert len(list(temporary.iterdir())) == 4
            assert converse(board).identify().name == "stub"
    fresh.joinpath("alive").unlink()
    for made in (fresh, other):
        made.rmdir()


@pytest.mark.emulator
def test_nothing_is_left_behind(image: Image, temporary: Path) -> None:
    board = launched(spec(image))
    pid = board.pid
    assert is_alive(pid)
    assert list(temporary.iterdir()) != []
    board.close()
    board.close()
    assert not is_alive(pid)


@pytest.mark.emulator
@pytest.mark.usefixtures("temporary")
def test_a_board_goes_with_an_error(image: Image) -> None:
    board = launched(spec(image))
    with pytest.raises(KeyboardInterrupt), board:
        raise KeyboardInterrupt
    assert not is_alive(board.pid)


_ORPHAN = """
import sys, time
from pathlib import Path
sys.path[:0] = {path!r}
from firmware_stub import spec
from simbench.firmware.read import read_image
from simbench.backends import backend
board = backend("qemu").launch(spec(read_image(Path({elf!r}))))
board.read(10)
print(board.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.emulator
def test_an_emulator_goes_when_its_owner_is_killed(image: Image, tmp_path: Path) -> None:
    script = _ORPHAN.format(path=sys.path, elf=str(image.path))
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment
    ) as owner:
        assert owner.stdout is not None
        emulator = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while is_alive(emulator) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(emulator)


@pytest.mark.emulator
def test_two_boards_at_once_do_not_disturb_each_other(image: Image) -> None:
    found: dict[int, list[int]] = {0: [], 1: []}

    def run(index: int, work: Work) -> None:
        with launched(spec(image, (work,))) as board:
            conversation = converse(board)
            for _ in range(5):
                conversation.load_bank(0)
                counts = conversation.infer().counts
                assert counts is not None
                found[index].append(counts.instructions(counts.inference))

    threads = [
        threading.Thread(target=run, args=(i, w)) for i, w in enumerate((Work.COPY, Work.KINDS))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(set(found[i])) for i in (0, 1)] == [1, 1]
    assert len(found[0]) == len(found[1]) == 5
    assert found[0][0] - found[1][0] == 402 - 18


@pytest.mark.image
def test_a_missing_qemu_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMBENCH_QEMU", "/nowhere/qemu-system-arm")
    with pytest.raises(
        InfrastructureError, match=r"install .* qemu-system-arm, or set SIMBENCH_QEMU"
    ):
        backend("qemu").version()


@pytest.mark.emulator
def test_a_temporary_folder_that_cannot_be_written_is_one_sentence(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(InfrastructureError, match="set TMPDIR"):
        launched(spec(image))


@pytest.mark.emulator
def test_a_full_disk_is_told(image: Image) -> None:
    with launched(spec(image, (Work.COPY,))) as board:
        conversation = converse(board)
        conversation.load_bank(0)
        resource.prlimit(board.pid, resource.RLIMIT_FSIZE, (1, 1))
        with pytest.raises(InfrastructureError, match="no counts could be written"):
            conversation.infer()


def test_a_program_that_is_not_qemu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMBENCH_QEMU", "echo")
    with pytest.raises(InfrastructureError, match="is not QEMU"):
        backend("qemu").version()


def test_backends_and_machines_are_found_by_name() -> None:
    names = ("qemu", "renode", "renode-blocks", "renode-trace", "recording")
    assert backend_names() == tuple(BACKEND_TITLES) == names
    assert backend("qemu").machine("cortex-m4") == "mps2-an386"
    with pytest.raises(UsageError, match="qemu"):
        backend("qemo")
    with pytest.raises(UsageError, match="cortex-m4"):
        backend("qemu").machine("cortex-m44")


@pytest.mark.parametrize(
    ("version", "api"), [((7, 2), 1), ((8, 2), 1), ((9, 0), 2), ((9, 1), 3), ((10, 0), 3)]
)
def test_the_plugin_s_interface_follows_the_version(version: tuple[int, int], api: int) -> None:
    assert plugin_api(version) == api


def test_the_plugin_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path))
    first = build_plugin((7, 2))
    made = first.stat().st_mtime_ns
    assert build_plugin((7, 2)) == first
    assert first.stat().st_mtime_ns == made
    assert build_plugin((10, 0)) != first


def test_a_change_of_any_source_makes_another_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plugin"
    shutil.copytree(plugin_build._folder("plugin"), folder)
    monkeypatch.setattr(plugin_build, "_folder", lambda _: folder)
    targets = [plugin_build._target(1)]
    for source in sorted(folder.iterdir()):
        source.write_text(source.read_text() + "\n")
        targets.append(plugin_build._target(1))
    (folder / "another.h").touch()
    targets.append(plugin_build._target(1))
    assert len(set(targets)) == len(targets) > 4


def test_a_missing_compiler_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(InfrastructureError, match="install the Debian package gcc"):
        build_plugin((7, 2))


def test_a_stream_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(InfrastructureError, match="cannot be read"):
        RecordReader(()).feed(b"\xff" * 64)


@pytest.mark.parametrize(
    ("registers", "says"),
    [
        (
            {"cfsr": 1 << 25, "pc": 0x100, "lr": 0x201},
            "faulted AT0x100, called AT0x201: it divided",
        ),
        ({"cfsr": 0x8200, "bfar": 0x90000000, "pc": 0}, r"no memory \(0x90000000\)"),
        ({"cfsr": 1 << 17, "pc": 4, "lr": 0xFFFFFFF9}, "faulted AT0x4: it branched"),
        ({"cfsr": 0, "hfsr": 2}, r"do not say why \(cfsr 0x00000000, hfsr 0x00000002\)"),
    ],
)
def test_fault_registers_become_a_sentence(registers: dict[str, int], says: str) -> None:
    assert re.search(says, fault_sentence(registers, lambda address: f"AT{address:#x}"))
