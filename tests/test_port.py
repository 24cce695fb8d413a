"""``run --port``: a real serial port, with a served board at its other end."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import tty
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from served import BOARD, Served, connected, served

import simbench
from simbench.cli.main import _run
from simbench.cli.run import command
from simbench.errors import InfrastructureError, UsageError
from simbench.hardware import serial_board
from simbench.hardware.serial_board import SerialBoard
from simbench.result.stored import read_run
from simbench.session.conversation import Conversation
from simbench.session.protocol import ProtocolError

SCHEMA = json.loads(
    (Path(simbench.__file__).parent / "result" / "schemas" / "result-1.schema.json").read_text()
)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served("--pace", "fast") as running:
        yield running


def run(*options: str) -> tuple[int, str, str]:
    words = [sys.executable, "-m", "simbench.cli.main", "run", "--platform", BOARD, *options]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def result(document: dict[str, Any]) -> dict[str, Any]:
    (only,) = document["results"]
    assert isinstance(only, dict)
    return only


@pytest.mark.emulator
def test_a_board_on_a_port_gives_the_result_that_its_clock_says(
    server: Served, tmp_path: Path
) -> None:
    path = tmp_path / "board.json"
    code, _, said = run(
        *("--benchmark", "ad", "--samples", "2", "--json", str(path), "--port", server.ports[0])
    )
    assert code == 0, said
    document = json.loads(path.read_text())
    jsonschema.validate(document, SCHEMA)
    found = result(document)
    assert found["is_simulated"] is False
    assert found["id"] == f"ad@{BOARD}/own"
    assert found["parity"]["exact"] == found["parity"]["samples"] == 2
    assert found["instructions"] is found["cycles"] is found["energy_j"] is None
    assert found["missing"]["cycles"] == "a real board counts nothing"
    assert document["environment"]["version"].startswith(BOARD)
    time_s = found["time_s"]
    said_of = rf"measured on {re.escape(server.ports[0])}: median of 5 windows of (\d+) inferences"
    source = re.fullmatch(said_of, time_s["source"])
    assert source is not None
    each = int(source[1])
    assert 1 <= each * time_s["value"] < 1.1  # a second or a little more
    with connected(server.ports[0]) as wire:
        wire.timeout = 20
        wire.write(b"infer %d 10%%" % each)
        said_there = wire.read_until(b"m-ready\r\n").decode().split("\r\n")
    began, ended = (int(line[9:]) for line in said_there if line.startswith("m-lap-us-"))
    each_s = (ended - began) * 1e-6 / each
    assert time_s["value"] == pytest.approx(each_s, rel=2e-4)  # another input
    assert time_s["upper"] - time_s["lower"] <= 2e-6 / each
    assert read_run(path).results[0].is_simulated is False


@pytest.mark.emulator
def test_a_firmware_without_the_output_command_is_compared_by_its_results(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Conversation) -> bytes:
        raise ProtocolError("the firmware refused 'output': Unknown command: output")

    monkeypatch.setattr(Conversation, "output", refuse)
    options = ["--platform", BOARD, "--benchmark", "ad", "--samples", "3", "--json", "-"]
    done = CliRunner().invoke(command, [*options, "--port", server.ports[0]], standalone_mode=False)
    parity = result(json.loads(done.stdout))["parity"]
    assert (parity["samples"], parity["exact"], parity["within"]) == (3, 0, 3)
    assert "m-results" in parity["tolerance"]


@pytest.mark.emulator
def test_a_board_with_another_model_is_not_measured(server: Served) -> None:
    code, out, said = run("--benchmark", "kws", "--port", server.ports[0])
    assert (code, out) == (2, "")
    assert "runs ad01, not kws01" in said


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--benchmark", "ad", "--port", "/dev/nowhere"], "cannot be opened (no such file"),
        (["--port", "/dev/nowhere"], "--port needs one --benchmark"),
        (["--benchmark", "ad", "--elf", "x", "--port", "/dev/nowhere"], "takes no --elf"),
        (["--platform", "rp2040", "--benchmark", "ad", "--port", "x"], "needs one --platform"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_sentence(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["run", "--platform", BOARD, *options]) == 2
    out, said = capsys.readouterr()
    assert out == ""
    assert says in said
    assert len(said.splitlines()) == 1


@pytest.mark.emulator
def test_a_port_in_use_is_said_to_be(server: Served) -> None:
    with SerialBoard(server.ports[0], 115_200), pytest.raises(UsageError, match="no other program"):
        SerialBoard(server.ports[0], 115_200)


def test_a_port_where_nobody_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_board, "_WAKE_S", 1.0)
    master, slave = pty.openpty()
    try:
        with SerialBoard(os.ttyname(slave), 9600) as board:
            with pytest.raises(InfrastructureError, match=r"no board answers .* check --baud"):
                board.wake()
            assert board.halt() is None
    finally:
        os.close(master)
        os.close(slave)


def test_a_board_is_woken_by_whole_commands_alone() -> None:
    """Firmware on MLCommons' API is not made for a command without a word."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    heard = []

    def answer() -> None:
        for _ in range(2):
            heard.append(os.read(ours, 64))
            os.write(ours, b"m-name-dut-[board]\r\nm-ready\r\n" * heard[-1].count(b"%"))

    board = Thread(target=answer, daemon=True)
    board.start()
    with SerialBoard(os.ttyname(theirs), 115_200) as port:
        port.wake()
    board.join(timeout=5)
    assert set(b"".join(heard).split(b"%")) == {b"name", b""}
    assert b"".join(heard).endswith(b"name%")
    assert b"%%" not in b"".join(heard)


def test_a_board_that_is_pulled_out_is_lost_in_a_sentence() -> None:
    master, slave = pty.openpty()
    with SerialBoard(os.ttyname(slave), 9600) as board:
        os.close(slave)
        os.close(master)
        with pytest.raises(InfrastructureError, match=r"connection to .* was lost"):
            board.read(0.1)
