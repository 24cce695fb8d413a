"""The power shield: its commands and formats, and a measurement as the field's runner makes it."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st
from protocol_model import Client
from served import BOARD, Served, connected, served

from simbench.backends import backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario
from simbench.cost.cores.core import load_core
from simbench.cost.price import estimate
from simbench.cost.residuals import load_target
from simbench.serve.energy import EnergyTrace
from simbench.serve.lpm01a.acquisition import Acquisition
from simbench.serve.lpm01a.commands import Act, Settings, answer
from simbench.serve.lpm01a.samples import ascii_sample, binary_sample
from simbench.session.measure import measure
from simbench.task.tasks import ModelTask, suite_task

SHIELD = Settings(volts=1.8)
SAMPLE = re.compile(rb"(\d{4})([+-]\d{2})\r\n")
# the pattern with which MLCommons Tiny's runner reads a time stamp
TIME = re.compile(r"^TimeStamp:[ ><]([0-9]{3})s ([0-9]{3})ms, buff [0-9]{2}%$")
VALUES = st.floats(1e-9, 9.0)


def from_ascii(sample: bytes) -> float:
    found = SAMPLE.fullmatch(sample)
    assert found is not None
    return float(f"{found[1].decode()}e{found[2].decode()}")


def from_binary(sample: bytes) -> float:
    (word,) = struct.unpack(">H", sample)
    assert word >> 12 != 0xF
    return float((word & 0xFFF) * 16.0 ** -(word >> 12))


def test_samples_are_written_as_the_manual_writes_them() -> None:
    assert ascii_sample(640.9e-6) == b"6409-07\r\n"
    assert from_ascii(b"6409-07\r\n") == pytest.approx(640.9e-6)
    assert from_binary(b"\x52\xa0") == pytest.approx(640.9e-6, rel=1e-4)
    assert binary_sample(0x2A0 / 16**5) == b"\x52\xa0"
    assert from_ascii(ascii_sample(0.0)) == from_binary(binary_sample(0.0)) == 0


@given(VALUES)
def test_samples_are_as_near_as_their_digits(value: float) -> None:
    assert from_ascii(ascii_sample(value)) == pytest.approx(value, rel=5.1e-4)
    assert from_binary(binary_sample(value)) == pytest.approx(value, rel=0.5 / 255, abs=16**-14)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("htc", "\r\nPowerShield > ack htc\r\n\r\n"),
        ("powershield", "\r\nPowerShield > ack powershield 0-0-0\r\n\r\n"),
        ("version", "\r\nPowerShield > ack version: 1.0.7\r\n\r\n"),
        ("status", "\r\nPowerShield > ack status ok\r\n\r\n"),
        ("echo ABC", "\r\nPowerShield > echo ABC\r\n"),
        ('lcd 1 "MLPerf Tiny"', '\r\nPowerShield > ack lcd 1 "MLPerf Tiny"\r\n\r\n'),
        ("volt get", "\r\nPowerShield > ack volt get 1800-03\r\n\r\n"),
        ("volt 1800m", "\r\nPowerShield > ack volt 1800m\r\n\r\n"),
        ("pwr on nostatus", "\r\nPowerShield > ack pwr on nostatus\r\n\r\n"),
        ("start", "\r\nPowerShield > ack start\r\n\r\n"),
        (
            "bogus",
            "\r\nPowerShield > error bogus\r\nError detail: unknown command\r\n\r\n",
        ),
    ],
)
def test_commands_are_answered_as_public_clients_expect(line: str, said: str) -> None:
    assert answer(line, SHIELD, is_measuring=False).text == said


@pytest.mark.parametrize(
    ("command", "facts"),
    [
        ("powershield", ["ack", "0-0-0"]),
        ("version", ["ack", ":", "1.0.7"]),
        ("status", ["ack", "ok"]),
        ('lcd 2 "     monitor    "', ["ack"]),
    ],
)
def test_the_runner_takes_the_facts_that_it_logs(command: str, facts: list[str]) -> None:
    # as power_manager_lpm.py does: its logs show "BoardID: 54..", "Version: 1.0.7", "Status: ok"
    lines = answer(command, SHIELD, is_measuring=False).text.split("\r\n")
    (said,) = [line.replace("PowerShield > ", "").strip() for line in lines if line]
    assert [word for word in said.replace(command, "").split(" ", 2) if word.strip()] == facts


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("freq 1k", replace(SHIELD, frequency_hz=1000)),
        ("freq 5+2", replace(SHIELD, frequency_hz=500)),
        ("acqtime inf", replace(SHIELD, duration_s=None)),
        ("acqtime 0", replace(SHIELD, duration_s=None)),
        ("acqtime 250m", replace(SHIELD, duration_s=0.25)),
        ("output energy", replace(SHIELD, is_energy=True)),
        ("format bin_hexa", replace(SHIELD, is_binary=True)),
        ("trigdelay 2-3", replace(SHIELD, delay_s=2e-3)),
        ("eventsrc d7 fal", replace(SHIELD, has_events=True)),
        ("trigsrc sw", SHIELD),
        ("funcmode high", SHIELD),
    ],
)
def test_settings_follow_the_commands(line: str, wanted: Settings) -> None:
    assert answer(line, SHIELD, is_measuring=False).settings == wanted


@pytest.mark.parametrize(
    "line",
    [
        *("freq 3", "freq", "freq x", "acqtime 1000", "volt 3300m", "trigsrc d7"),
        *("acqmode stat", "output power", "trigdelay 31", "pwr maybe", "targrst 5", "format json"),
    ],
)
def test_what_is_wrong_or_not_modelled_is_refused_and_changes_nothing(line: str) -> None:
    replied = answer(line, SHIELD, is_measuring=False)
    assert replied.text.startswith(f"\r\nPowerShield > error {line}\r\nError detail: ")
    assert (replied.settings, replied.act) == (SHIELD, Act.NOTHING)


@pytest.mark.parametrize(
    "settings",
    [
        replace(SHIELD, is_energy=True, is_binary=True, frequency_hz=50_000),
        replace(SHIELD, frequency_hz=50_000),
        replace(SHIELD, frequency_hz=10_000, duration_s=None),
    ],
)
def test_a_format_too_slow_for_its_samples_does_not_start(settings: Settings) -> None:
    assert "error start" in answer("start", settings, is_measuring=False).text


def test_while_measuring_settings_stay() -> None:
    assert "error freq 1k" in answer("freq 1k", SHIELD, is_measuring=True).text
    assert answer("stop", SHIELD, is_measuring=True).act is Act.STOP


@given(st.text(max_size=60))
def test_no_line_is_too_strange(line: str) -> None:
    assert answer(line, SHIELD, is_measuring=False).text or line.split() == [
        "stop",
        *line[4:].split(),
    ]


# ---- an acquisition ----


def binary_parts(data: bytes) -> Iterator[float | bytes]:
    """Samples, and what is none."""
    while data:
        if data[0] == 0xF0:
            end = data.index(b"\xff\xff") + 2
            yield data[:end]
            data = data[end:]
        else:
            yield from_binary(data[:2])
            data = data[2:]


@pytest.mark.parametrize("is_energy", [True, False])
@pytest.mark.parametrize("is_binary", [True, False])
def test_samples_add_up_to_the_energy_drawn(is_energy: bool, is_binary: bool) -> None:
    trace = EnergyTrace(0.0, 0.005)
    trace.burst(0.3005, 1.25, 0.08)
    settings = replace(
        SHIELD, frequency_hz=1000, duration_s=2.0, is_energy=is_energy, is_binary=is_binary
    )
    acquisition = Acquisition(trace, settings, 0.1)
    wanted = float(trace.joules_until(2.1) - trace.joules_until(0.1))
    data = b"".join(acquisition.due(now) for now in (0.05, 0.1, 0.777, 5.0, 6.0))
    assert acquisition.is_done
    if is_binary:
        parts = list(binary_parts(data))
        samples = [part for part in parts if isinstance(part, float)]
        assert [part for part in parts if isinstance(part, bytes)] == [
            b"\xf0\xf3\x00\x00\x00\x00\x00\xff\xff",
            b"\xf0\xf3\x00\x00\x03\xe8\x00\xff\xff",
        ]
    else:
        lines = data.split(b"\r\n")[:-1]
        samples = [from_ascii(line + b"\r\n") for line in lines if not line.startswith(b"T")]
        at = [i for i, line in enumerate(lines) if TIME.match(line.decode())]
        assert at == [0, 1001]
    assert len(samples) == 2000
    joules = sum(samples) * (1.0 if is_energy else settings.volts / 1000)
    assert joules == pytest.approx(wanted, rel=2e-3 if is_binary else 2e-4)


def test_events_come_between_the_samples_before_and_after_them() -> None:
    settings = replace(SHIELD, frequency_hz=100, has_events=True)
    acquisition = Acquisition(EnergyTrace(0.0, 0.01), settings, 0.0)
    acquisition.stamp(0.055)
    acquisition.stamp(0.250)
    lines = acquisition.due(0.3).split(b"\r\n")[:-1]
    events = [(i, line) for i, line in enumerate(lines) if line.startswith(b"event")]
    # one time stamp before all, and the first event before the second
    assert events == [(1 + 5, b"event 1 ris"), (1 + 25 + 1, b"event 2 ris")]


# ---- end to end ----


@dataclass
class Shield:
    """A client of the shield in the manner of MLCommons Tiny's runner."""

    wire: serial.Serial
    text: bytes = b""

    def send(self, command: str, until: bytes = b"\r\n\r\n") -> bytes:
        self.wire.write(command.encode() + b"\r\n")
        deadline = time.monotonic() + 10
        start = len(self.text)
        while until not in self.text[start:].partition(command.encode())[2]:
            assert time.monotonic() < deadline, (command, self.text[start:][-200:])
            self.hear()
        return self.text[start:]

    def hear(self) -> None:
        self.text += self.wire.read(max(1, self.wire.in_waiting))


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served("--power", "lpm01a", ports=2) as running:
        yield running
        code, said = running.end()
        assert code == 0, said


@pytest.fixture(scope="module")
def task() -> ModelTask:
    board, benchmark = load_platform(BOARD), load_benchmarks()["ad"]
    machine = backend("qemu").machine(board.core)
    return suite_task(Scenario("ad", BOARD), board, benchmark, machine, 1)


@pytest.mark.emulator
def test_the_runners_energy_mode_reads_the_modelled_energy(server: Served, task: ModelTask) -> None:
    counts = measure(task, backend("qemu")).counts
    price = estimate(
        counts, counts.inference, load_target(task.platform, load_core(task.platform.core))
    )
    assert price.energy_j is not None
    with connected(server.ports[1], 3_686_400) as power:
        shield = Shield(power)
        for command in ("htc", "powershield", "version", "status", "pwr off", "acqtime inf"):
            assert b"ack " + command.encode() in shield.send(command)
        for command in ("trigdelay 0", "trigsrc sw", "eventsrc d7 fal", "output energy"):
            assert b"ack " + command.encode() in shield.send(command)
        assert b"error volt 3300m" in shield.send("volt 3300m")
        for command in ("format ascii_dec", "freq 1k", "pwr on nostatus", "start"):
            assert b"ack " + command.encode() in shield.send(command)
        with connected(server.ports[0]) as dut:
            client = Client(dut)
            client.load(task.inputs[0].wire, at_once=26)
            client.ask("infer 60 2")
        assert b"ack pwr off" in shield.send("pwr off")
        shield.wire.write(b"stop\r\n")
        while b"Acquisition completed" not in shield.text:
            shield.hear()
        shield.send("pwr on")
    lines = shield.text.partition(b"ack start\r\n\r\n")[2].split(b"\r\n")
    samples: list[float] = []
    events: list[int] = []
    ticks: list[int] = []
    for line in lines:
        if SAMPLE.fullmatch(line + b"\r\n"):
            samples.append(from_ascii(line + b"\r\n"))
        elif re.match(rb"event (\d+) ris", line):
            events.append(len(samples))
        elif TIME.match(line.decode()):
            ticks.append(len(samples))
    began, ended = events
    # a sample at either end is cut
    assert (ended - began) / 1000 / 60 == pytest.approx(price.time_s.value, abs=1e-3 / 60 + 1e-5)
    joules = sum(samples[began:ended]) / 60
    assert joules == pytest.approx(price.energy_j.value, rel=2 / (ended - began) + 1e-3)
    assert ticks == [1000 * second for second in range(len(ticks))]
    assert b"end\r\n\r\nPowerShield > Acquisition completed\r\n" in shield.text


@pytest.mark.emulator
def test_a_shield_whose_client_left_measures_nothing_for_the_next(server: Served) -> None:
    with connected(server.ports[1]) as power:
        Shield(power).send("start")
    time.sleep(0.2)
    with connected(server.ports[1]) as power:
        shield = Shield(power)
        assert b"ack status ok" in shield.send("status")
        power.timeout = 0.3
        assert power.read(100) == b""


@pytest.mark.emulator
def test_a_finite_binary_measurement_ends_by_itself(server: Served) -> None:
    with connected(server.ports[1]) as power:
        shield = Shield(power)
        for command in ("freq 10k", "format bin_hexa", "acqtime 200m"):
            shield.send(command)
        shield.send("start", until=b"Acquisition completed")
    data = shield.text.partition(b"ack start\r\n\r\n")[2].partition(b"\r\nPowerShield")[0]
    *parts, end = binary_parts(data)
    assert end == b"\xf0\xf4\xff\xff"
    assert sum(isinstance(part, float) for part in parts) == 2000
