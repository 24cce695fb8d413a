"""A client that does what MLCommons Tiny's runner does, on the served board.

Its facts are of ``benchmark/runner`` of mlcommons/tiny (``device_under_test.py``, ``script.py``,
``serial_device.py``): commands end in ``%``, a reply is over at a line with ``m-ready``, a line may
take 5 s, data go 31 bytes a command, the patterns below read the replies.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator

import numpy as np
import pytest
import serial
from served import connected, served

from simbench.catalog.benchmarks import load_benchmarks
from simbench.models.prepared import PreparedModel
from simbench.models.reference import reference_outputs
from simbench.models.source import benchmark_model
from simbench.task.inputs import Input, benchmark_inputs

pytestmark = pytest.mark.emulator

LINE_TIMEOUT_S = 5.0
DATA_BYTES = 31
NAMED = re.compile(r"^m-(name-dut|model|profile)-\[([^]]+)]$")
LAP = re.compile(r"^m-lap-us-([0-9]+)$")
RESULTS = re.compile(r"^m-results-\[([^]]+)\]$")


class Runner:
    """The runner's device under test, on a serial port of its own."""

    def __init__(self, wire: serial.Serial) -> None:
        self._wire = wire
        self._wire.timeout = LINE_TIMEOUT_S

    def send(self, command: str) -> list[str]:
        self._wire.write(command.encode())
        self._wire.write(b"%")
        lines: list[str] = []
        while "m-ready" not in (lines or [""])[-1]:
            line = self._wire.read_until(b"\n").decode()
            assert line.endswith("\n"), f"no response to {command}: {lines}"
            lines.append(line.strip("\r\n\0"))
        return lines

    def identity(self) -> dict[str, str]:
        lines = [*self.send("name"), *self.send("profile")]
        return {found[1]: found[2] for line in lines if (found := NAMED.match(line))}

    def load(self, data: bytes) -> None:
        self.send(f"db load {len(data)}")
        for start in range(0, len(data), DATA_BYTES):
            self.send("db " + "".join(f"{d:02x}" for d in data[start : start + DATA_BYTES]))

    def infer(self, iterations: int, warmups: int) -> tuple[float, list[float]]:
        """Seconds between the time stamps, and the results."""
        lines = self.send(f"infer {iterations} {warmups}")
        stamps = [int(found[1]) for line in lines if (found := LAP.match(line))]
        (results,) = [found[1] for line in lines if (found := RESULTS.match(line))]
        assert len(stamps) == 2
        return (stamps[1] - stamps[0]) / 1e6, [float(x) for x in results.split(",")]


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with (
        served("--pace", "fast", benchmark="kws") as running,
        connected(running.ports[0]) as wire,
    ):
        yield Runner(wire)


@pytest.fixture(scope="module")
def model() -> PreparedModel:
    return benchmark_model(load_benchmarks()["kws"], None)


@pytest.fixture(scope="module")
def inputs(model: PreparedModel) -> tuple[Input, ...]:
    return benchmark_inputs(load_benchmarks()["kws"], model, 6)


def test_the_runner_knows_the_board(runner: Runner) -> None:
    assert runner.identity() == {
        "name-dut": "stm32l4r5",
        "model": "kws01",
        "profile": "ULPMark for tinyML Firmware V0.0.1",
    }


def test_performance_mode_reads_the_same_throughput_in_five_windows(
    runner: Runner, inputs: tuple[Input, ...]
) -> None:
    throughputs = []
    for _ in range(5):
        runner.load(inputs[0].wire)
        seconds, _ = runner.infer(8, 2)
        throughputs.append(8 / seconds)
    assert max(throughputs) - min(throughputs) < 1e-3
    assert statistics.median(throughputs) == pytest.approx(1 / 0.0916, rel=0.01)


def test_accuracy_mode_reads_the_hosts_outputs(
    runner: Runner, model: PreparedModel, inputs: tuple[Input, ...]
) -> None:
    outputs = reference_outputs(model, [given.tensor for given in inputs])
    start = time.monotonic()
    for given, output in zip(inputs, outputs, strict=True):
        runner.load(given.wire)
        _, results = runner.infer(1, 0)
        host = model.output.dequantize(np.frombuffer(output, np.int8))
        host = host[list(load_benchmarks()["kws"].order)]  # the runner's classes are the data's
        assert results == pytest.approx(host.tolist(), abs=5.1e-4)
        assert int(np.argmax(results)) == int(host.argmax())
    assert time.monotonic() - start < 5 * len(inputs)
