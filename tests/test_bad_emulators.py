"""An emulator that is missing, too old, no QEMU, or killed: one sentence, exit 3, nothing left."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from test_passes import built

from simbench.backends import folder
from simbench.cli.main import _run

pytestmark = pytest.mark.emulator

SECTION = ("--section", "begin=main,end=return", "--no-cache", "--time-limit", "60")


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A firmware whose main never returns."""
    return built(tmp_path_factory.mktemp("firmware"))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that boards make theirs in; nothing may be left there."""
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(path))
    folder.sweep.cache_clear()
    return path


def said(firmware: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert _run(["run", "--platform", "stm32f4", "--elf", str(firmware), *SECTION]) == 3
    return capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("prints", "sentence"),
    [
        ("QEMU emulator version 6.2.0", "QEMU 6.2.0 is too old for plugins; install one of the"),
        ("Another emulator 9.1", "is not QEMU; set SIMBENCH_QEMU to the program"),
        (None, "is no program; install the Debian package"),
    ],
)
def test_an_emulator_that_cannot_count_is_told_before_anything_starts(
    elf: Path,
    prints: str | None,
    sentence: str,
    temporary: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = tmp_path / "qemu-system-arm"
    if prints is not None:
        program.write_text(f"#!/bin/sh\necho '{prints}'\n")
        program.chmod(0o755)
    monkeypatch.setenv("SIMBENCH_QEMU", str(program))
    assert sentence in said(elf, capsys)
    assert list(temporary.iterdir()) == []


def test_an_emulator_that_is_killed_in_a_section_is_told_as_killed(
    elf: Path,
    temporary: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    killer = threading.Thread(target=kill_when_started, args=(os.getpid(), temporary))
    killer.start()
    sentence = said(elf, capsys)
    killer.join()
    assert "QEMU was killed by signal 9, SIGKILL" in sentence
    assert "--time-limit" not in sentence
    assert list(temporary.iterdir()) == []


def kill_when_started(parent: int, temporary: Path) -> None:
    """Kill the child of ``parent`` that has its files in ``temporary``."""
    for _ in range(3000):
        for status in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # others come and go
                words, pid = status.read_bytes().decode(errors="replace"), int(status.parent.name)
                if str(temporary) in words and "qemu" in words and pid != parent:
                    os.kill(pid, signal.SIGKILL)
                    return
        time.sleep(0.01)
