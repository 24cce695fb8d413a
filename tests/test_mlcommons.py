"""MLCommons' tools at a served board: the interface board, and how the runner is started."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import termios
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from official_data import write_classified
from protocol_model import Client
from served import Served, connected, served

from simbench.catalog.benchmarks import load_benchmarks
from simbench.cli.main import _run
from simbench.errors import InfrastructureError, UsageError
from simbench.serve.clock import BoardClock
from simbench.serve.device import Device
from simbench.serve.lpm01a.monitor import PowerMonitor
from simbench.serve.mlcommons import runner
from simbench.serve.mlcommons.interface import Interface
from simbench.serve.mlcommons.runner import (
    Job,
    check_job,
    command,
    devices_yaml,
    run_job,
    seen_ports,
)
from simbench.serve.ports import terminal

SERVE = ["serve", "--platform", "stm32l4r5", "--benchmark", "ad"]


class Echo:
    """A board that repeats a command."""

    def __init__(self, *, is_on: bool = True) -> None:
        self.is_on = is_on

    async def obey(self, text: bytes) -> AsyncIterator[bytes]:
        yield b"m-heard-[" + text + b"]\r\n"
        yield b"m-ready\r\n"


def said(interface: Interface, text: bytes) -> list[bytes]:
    async def lines() -> list[bytes]:
        return [line async for line in interface.obey(text)]

    return asyncio.run(lines())


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"name%", [b"tinyML Enhanced Interface Board\r\n", b"m-ready\r\n"]),
        (b"setbaud 9600%", [b"set baud to: 9600\n", b"m-ready\r\n"]),
        (b"setbaud fast%", [b"m-ready\r\n"]),
        (b"bogus 1 2%", [b"m-ready\r\n"]),
        (b"%", [b"m-ready\r\n"]),
        (
            b"dut db 00ff%",
            [
                b"m-dut-passthrough(db 00ff)\r\n",
                b"m-ready\r\n",
                b"[dut]: m-heard-[db 00ff%]\r\n",
                b"[dut]: m-ready\r\n",
            ],
        ),
    ],
)
def test_the_interface_board_answers_as_its_firmware_does(text: bytes, lines: list[bytes]) -> None:
    assert said(Interface(cast(Device, Echo())), text) == lines


def test_the_interface_board_has_power_where_its_board_has_none() -> None:
    interface = Interface(cast(Device, Echo(is_on=False)))
    assert said(interface, b"dut name%") == [b"m-dut-passthrough(name)\r\n", b"m-ready\r\n"]
    assert said(interface, b"setbaud 9600%")[0] == b"set baud to: 9600\n"
    assert said(interface, b"checkbaud%")[0] == b"baud is: 9600\n"


def test_the_devices_file_has_the_boards_voltage_and_what_the_ports_are_shown_as() -> None:
    devices = {entry["type"]: entry for entry in yaml.safe_load(devices_yaml(3.0))}
    assert devices["power"]["voltage"] == 3.0
    assert devices["interface"]["name"] == "stm32h573i-dk"  # the runner's name for it
    for mode, kinds in (("energy", ["interface", "power"]), ("accuracy", ["dut"])):
        ports = tuple(f"/dev/{kind}" for kind in kinds)
        seen = json.loads(seen_ports(Job(Path(), mode, Path()), ports))
        assert [port["device"] for port in seen] == list(ports)
        for kind, port in zip(kinds, seen, strict=True):
            assert devices[kind]["usb"] == {port["vid"]: port["pid"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A runner that says what it was started with, and what ports it sees."""
    (tmp_path / "main.py").write_text(
        "import json, sys, threading, time\n"
        "from serial.tools import list_ports\n"
        "import usb.core\n"
        "seen = [(p.device, hex(p.vid), hex(p.pid)) for p in list_ports.comports(True)]\n"
        "usb_only = list(usb.core.find(find_all=True))\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"  # what it leaves behind
        "open('heard.json', 'w').write(json.dumps([sys.argv[1:], seen, usb_only]))\n"
        "sys.exit(int(open('code').read()))\n"
    )
    usb = tmp_path / "usb"
    usb.mkdir()
    (usb / "__init__.py").touch()
    (usb / "core.py").write_text("def find(**_):\n    raise RuntimeError('no backend')\n")
    for mode in ("accuracy", "energy"):
        (tmp_path / f"tests_{mode}.yaml").touch()
    labels = tmp_path / "data" / "ad01" / "y_labels.csv"
    labels.parent.mkdir(parents=True)
    labels.touch()
    return tmp_path


def run(job: Job, ports: tuple[str, ...], *, ends: bool = False) -> None:
    async def together() -> None:
        up, ended = asyncio.Event(), asyncio.Event()
        up.set()
        if ends:
            asyncio.get_running_loop().call_later(0.5, ended.set)
        await run_job(job, ports, 3.3, up, ended)

    asyncio.run(together())


def test_the_runner_sees_the_ports_and_ends_with_its_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    job = Job(folder, "energy", folder / "data")
    (folder / "code").write_text("0")
    run(job, ("/dev/one", "/dev/two"))
    words, seen, usb_only = json.loads((folder / "heard.json").read_text())
    assert words[2:] == [
        *("-t", str(folder / "tests_energy.yaml")),
        *("-s", str(folder / "data"), "-m", "e"),
    ]
    assert seen == [["/dev/one", "0x483", "0x374e"], ["/dev/two", "0x483", "0x5740"]]
    assert usb_only == []
    (folder / "code").write_text("4")
    with pytest.raises(InfrastructureError, match="ended with exit code 4"):
        run(job, ("/dev/one", "/dev/two"))


def test_a_runner_that_fails_ends_in_spite_of_its_threads(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    with pytest.raises(InfrastructureError, match="exit code 1"):  # there is no file "code"
        run(Job(folder, "accuracy", folder / "data"), ("/dev/one",))
    assert "FileNotFoundError" in capfd.readouterr().err


def test_a_runner_that_is_asked_to_end_is_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "main.py").write_text("import time\ntime.sleep(100)\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    with pytest.raises(InfrastructureError, match="ended before it was done"):
        run(Job(folder, "accuracy", folder / "data"), ("/dev/one",), ends=True)


def test_what_the_runner_needs_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(folder, "accuracy", folder / "data")
    monkeypatch.setattr(runner, "_MODULES", ("json", "nothing_of_this_name"))
    with pytest.raises(UsageError, match="has no nothing_of_this_name"):
        check_job(job, "ad01", "ad01")
    monkeypatch.setattr(runner, "_MODULES", ("json",))
    check_job(job, "ad01", "ad01")
    with pytest.raises(UsageError, match=r"no .*kws01/y_labels.csv"):
        check_job(job, "kws01", "kws01")
    with pytest.raises(UsageError, match=r"has no tests_performance.yaml: give benchmark/runner"):
        check_job(Job(folder, "performance", folder / "data"), "ad01", "ad01")
    with pytest.raises(UsageError, match="no Python that runs"):
        check_job(Job(folder, "accuracy", folder / "data", "/dev/null"), "ad01", "ad01")
    assert command(job, ("/dev/one",), folder)[0] == sys.executable


@pytest.mark.image
def test_files_of_another_size_are_refused_before_the_runner_starts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As simbench's default model of kws with the official files: 500 bytes and 490."""
    monkeypatch.setattr(runner, "_MODULES", ("json",))
    data = write_classified(folder / "official", "kws01").parent
    words = ["serve", "--platform", "stm32l4r5", "--benchmark", "kws", "--runner", str(folder)]
    assert _run([*words, "--dataset", str(data)]) == 2
    said = capsys.readouterr().err
    assert "tst_000000_0.bin has inputs of 490 bytes, the model takes 500" in said
    assert "with --model" in said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--runner", "x"], "needs the folder of its data sets"),
        (["--dataset", "x"], "is of MLCommons' runner"),
        (["--runner", "x", "--dataset", "y", "--power", "lpm01a"], "leave out the others"),
    ],
)
def test_options_that_do_not_go_together(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run([*SERVE, *options]) == 2
    assert says in capsys.readouterr().err


# ---- the monitor and the board, together ----


class Nothing:
    """A target without a supply."""

    async def power(self, *, on: bool) -> None:
        """Nothing."""

    def reset(self) -> None:
        """Nothing."""


def _monitored(reads: bool) -> tuple[float, bytes]:
    """How long after an edge the reply was let go, and what the client had read by then.

    The client starts a measurement, and reads half a second late or, where it does not ``read``,
    not at all.
    """
    heard, let_go = bytearray(), threading.Event()

    def client(port: str) -> None:
        file = os.open(port, os.O_RDWR | os.O_NOCTTY)
        mode = termios.tcgetattr(file)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(file, termios.TCSANOW, mode)
        for line in (b"freq 1k", b"output energy", b"acqtime inf", b"eventsrc d7 fal", b"start"):
            os.write(file, line + b"\r\n")
            time.sleep(0.05)
        time.sleep(0.5)
        while reads and not let_go.is_set():
            heard.extend(os.read(file, 64))
        let_go.wait(20)
        os.close(file)

    async def board(monitor: PowerMonitor, clock: BoardClock, port: str) -> float:
        thread = threading.Thread(target=client, args=(port,))
        thread.start()
        serving = asyncio.create_task(monitor.run())
        await asyncio.sleep(0.6)
        monitor.stamp(clock.now())
        start = time.monotonic()
        await monitor.settled()
        took = time.monotonic() - start
        let_go.set()
        await asyncio.to_thread(thread.join)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        return took

    with terminal(None) as port:
        clock = BoardClock(is_paced=True)
        monitor = PowerMonitor(port, Nothing(), clock, 0.01, 3.3, lambda _: None)
        return asyncio.run(board(monitor, clock, port.name)), bytes(heard)


def test_a_reply_waits_until_the_monitors_client_has_read_the_edge() -> None:
    _, heard = _monitored(reads=True)
    before, _, after = heard.partition(b"event 1 ris\r\n")
    assert b"start" in before
    assert after.count(b"\r\n") >= 90  # a tenth of a second of samples


def test_a_client_that_reads_the_board_first_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("simbench.serve.lpm01a.monitor._IDLE_S", 0.2)
    _, heard = _monitored(reads=False)
    assert heard == b""


def test_without_a_measurement_nothing_is_waited_for() -> None:
    with terminal(None) as port:
        clock = BoardClock(is_paced=True)
        monitor = PowerMonitor(port, Nothing(), clock, 0.01, 3.3, lambda _: None)
        monitor.stamp(1.0)
        asyncio.run(asyncio.wait_for(monitor.settled(), 1))


def test_what_a_terminals_client_has_not_read_is_known_and_bounded() -> None:
    async def writing(port: Any) -> None:
        await port.write(b"x" * 100_000)

    with terminal(None) as port:
        client = os.open(port.name, os.O_RDWR | os.O_NOCTTY)
        port.hang_up()  # raw

        async def main() -> int:
            task = asyncio.create_task(writing(port))
            while not (waiting := port.unread()):
                await asyncio.sleep(0.01)
            read = 0
            while read < 100_000:
                read += len(await asyncio.to_thread(os.read, client, 4096))
            await task
            return waiting

        assert 0 < asyncio.run(main()) <= 2048
        os.close(client)


# ---- end to end ----


@pytest.fixture(scope="module")
def server() -> Any:
    with served("--interface", "--pace", "fast", "--power", "lpm01a", ports=2) as running:
        yield running
        assert running.end()[0] == 0


@pytest.mark.emulator
def test_commands_go_through_the_interface_board_to_the_firmware(server: Served) -> None:
    with connected(server.ports[0]) as wire:
        client = Client(wire)
        assert client.ask("setbaud 9600") == [b"set baud to: 9600\n", b"m-ready\r\n"]
        assert client.ask("dut profile") == [b"m-dut-passthrough(profile)\r\n", b"m-ready\r\n"]
        lines = [client._line() for _ in range(3)]
    assert lines[1:] == [b"[dut]: m-model-[ad01]\r\n", b"[dut]: m-ready\r\n"]
    assert load_benchmarks()["ad"].model_id == "ad01"
