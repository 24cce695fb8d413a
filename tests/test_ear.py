"""A board that listens to a stream: its commands, its pins, and what is played to it."""

from __future__ import annotations

import asyncio
import json
import re
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from protocol_model import Client
from served import connected, served

from simbench.accuracy.log_mel import CHANNELS, RATE, STEP, log_mel
from simbench.accuracy.recording import read_recording
from simbench.catalog.benchmarks import Stream, benchmarks_by_name
from simbench.errors import UsageError
from simbench.models.prepared import TensorInfo
from simbench.models.reference import reference_outputs
from simbench.models.source import benchmark_model
from simbench.serve.clock import BoardClock
from simbench.serve.device import Cost, Device
from simbench.serve.mlcommons.ear import Ear, listed, quantized
from simbench.serve.mlcommons.interface import Interface
from simbench.serve.mlcommons.runner import Job, check_recordings, seen_ports

TENSOR = TensorInfo("x", (1, 3, 1, CHANNELS), "int8", 1 / 255, -128)
STREAM = Stream(STEP / RATE, 115, "made")


class Scripted:
    """A board whose model gives these scores, each after ``cost_s``."""

    def __init__(self, scores: list[int], cost_s: float = 0.01) -> None:
        self.scores, self.cost = scores, Cost(cost_s, 1e-3)
        self.inputs: list[bytes] = []
        self.drawn: list[tuple[float, float]] = []
        self.boots, self.is_on = 1, True

    async def infer(self, sent: bytes) -> tuple[bytes, Cost]:
        self.inputs.append(sent)
        return np.array([self.scores[len(self.inputs) - 1], 0, 0], np.int8).tobytes(), self.cost

    def draw(self, start: float, end: float, cost: Cost) -> None:
        assert cost == self.cost
        self.drawn.append((start, end))

    def stamped(self) -> bytes:
        return b"m-lap-us-7\r\n"

    async def settled(self) -> None:
        pass

    async def obey(self, command: bytes) -> AsyncIterator[bytes]:
        yield b"m-heard-[" + command + b"]\r\n"


def listening(board: Scripted) -> tuple[Ear, list[str]]:
    told: list[str] = []
    clock = BoardClock(is_paced=False)
    return Ear(cast(Device, board), clock, STREAM, TENSOR, told.append), told


async def said(front: Ear | Interface, *commands: bytes) -> list[bytes]:
    return [line for command in commands for line in [one async for one in front.obey(command)]]


async def heard(ear: Ear, samples: NDArray[np.int16]) -> list[int]:
    return [step async for step in ear.hear(samples)]


def noise(steps: int, seed: int = 3) -> NDArray[np.int16]:
    source = np.random.default_rng(seed)
    return source.integers(-3000, 3000, steps * STEP).astype(np.int16)


def test_each_step_is_processed_when_it_was_heard_and_detected_when_that_ends() -> None:
    board = Scripted([0, 115, 116, -128, 127])
    ear, told = listening(board)

    async def session() -> list[bytes]:
        await said(ear, b"start%")
        ear.watch()
        assert await heard(ear, noise(5)) == [1, 2, 3, 4, 5]
        return await said(ear, b"stop%")

    lines = asyncio.run(session())
    begins = np.array(ear.pulses.begins) - ear.pulses.origin
    assert begins == pytest.approx(STREAM.step_s * np.arange(1, 6), abs=0.02)
    assert np.diff(begins) == pytest.approx(STREAM.step_s, abs=1e-9)
    ends = np.array(ear.pulses.ends)
    assert ends - ear.pulses.begins == pytest.approx(0.01)
    # the first pulse says when it began; a score of 115 is not above the threshold
    assert ear.pulses.detections == [ends[0], ends[2], ends[4]]
    assert board.drawn == list(zip(ear.pulses.begins, ear.pulses.ends, strict=True))
    assert lines[0] == b"m-lap-us-7\r\n"
    assert re.search(rb"target activations: \r\n\[0, 115, 116, -128, 127 +\r\n\]", b"".join(lines))
    assert lines[-1] == b"m-ready\r\n"
    assert not told


def test_the_input_is_the_last_steps_after_zeros() -> None:
    board = Scripted([0] * 5)
    ear, _ = listening(board)
    samples = noise(5)

    async def session() -> None:
        await said(ear, b"start%")
        await heard(ear, samples)

    asyncio.run(session())
    rows = quantized(log_mel(samples), TENSOR)
    zeros = np.zeros((2, CHANNELS), np.int8)
    assert board.inputs[0] == np.vstack([zeros, rows[:1]]).tobytes()
    assert board.inputs[4] == rows[2:].tobytes()


def test_a_board_that_takes_longer_than_a_step_falls_behind_and_that_is_told_once() -> None:
    board = Scripted([0] * 4, cost_s=0.04)
    ear, told = listening(board)

    async def session() -> None:
        await said(ear, b"start%")
        await heard(ear, noise(4))

    asyncio.run(session())
    assert np.diff(ear.pulses.begins) == pytest.approx(0.04)
    assert len(told) == 1
    assert "an inference takes 40.0 ms, longer than the 32 ms" in told[0]


def test_it_hears_between_start_and_stop_and_not_after_a_reset() -> None:
    board = Scripted([0] * 9)
    ear, _ = listening(board)

    async def session() -> None:
        assert b"already idle" in (await said(ear, b"stop%"))[0]
        await heard(ear, noise(2))
        assert not board.inputs
        await said(ear, b"start%")
        assert b"Ignoring request" in (await said(ear, b"start%"))[0]
        board.boots += 1
        await heard(ear, noise(2))
        assert not board.inputs
        assert b"already idle" in (await said(ear, b"stop%"))[0]
        assert await said(ear, b"name%") == [b"m-heard-[name%]\r\n"]

    asyncio.run(session())


@given(st.lists(st.integers(-128, 127), max_size=70))
def test_listed_values_are_read_by_the_runners_pattern(values: list[int]) -> None:
    text = "".join(line.decode().strip("\r\n") for line in listed(values))
    found = re.fullmatch(r"\[(.*?)\]", text)  # streaming_ww_utils.py, array_from_strings
    assert found is not None
    assert [int(one) for one in found[1].split(",") if one.strip()] == values


def test_features_beyond_int8_are_its_ends() -> None:
    features = np.array([[0.0, 0.5, 1.0]], np.float32)
    loud = TensorInfo("x", (1, 1, 1, 3), "int8", 0.0037, -128)  # 1.0 is 142 of these
    assert quantized(features, loud).tolist() == [[-128, 7, 127]]


def write_sound(
    path: Path, samples: NDArray[np.int16], rate: int = RATE, channels: int = 2
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples.astype("<i2"), channels).tobytes())


def test_a_recording_is_its_first_channel(tmp_path: Path) -> None:
    samples = noise(2)
    for channels in (1, 2):
        write_sound(tmp_path / "a.wav", samples, channels=channels)
        assert (read_recording(tmp_path / "a.wav") == samples).all()
    write_sound(tmp_path / "slow.wav", samples, rate=8000)
    with pytest.raises(UsageError, match=r"slow\.wav has 8,000 samples a second of 16 bits"):
        read_recording(tmp_path / "slow.wav")
    (tmp_path / "no.wav").write_bytes(b"RIFF")
    for name in ("no.wav", "none.wav"):
        with pytest.raises(UsageError, match=f"cannot play .*{name}"):
            read_recording(tmp_path / name)


@pytest.mark.parametrize("name", ["none.wav", "../a.wav", ""])
def test_what_cannot_be_played_is_answered_and_told(tmp_path: Path, name: str) -> None:
    told: list[str] = []
    ear, _ = listening(Scripted([]))
    interface = Interface(ear, told.append, tmp_path)
    lines = asyncio.run(said(interface, b"play " + name.encode() + b"%"))
    assert lines[1].startswith(b"Error playing file.")
    assert lines[-1] == b"m-ready\r\n"
    assert len(told) == 1


def test_the_interface_board_says_milliseconds_and_ticks_of_ten_microseconds() -> None:
    ear, _ = listening(Scripted([]))
    ear.pulses.origin, ear.pulses.detections = 10.0, [10.0325, 11.5]
    ear.pulses.begins, ear.pulses.ends = [10.032 + k for k in range(9)], [10.042]
    lines = asyncio.run(said(Interface(ear), b"print_detections%", b"print_dutycycle%"))
    assert lines[:3] == [b"Detection Timestamps (ms)\r\n", b"32,\r\n", b"1500,\r\n"]
    assert lines[4:] == [
        b"Duty cycle start times (s)\r\n",
        b"".join(b"%d, " % (3200 + 100_000 * k) for k in range(8)) + b"\r\n",
        b"803200, \r\n",
        b"Duty cycle stop times (s)\r\n",
        b"4200, \r\n",
        b"m-ready\r\n",
    ]


def test_a_runners_stream_is_checked_before_it_is_started(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("")
    tests = "kws01:\n  truth_file: y_labels.csv\nsww01:\n  model: sww01\n  truth_file: long.json\n"
    (tmp_path / "tests_performance.yaml").write_text(tests)
    job = Job(tmp_path, "accuracy", tmp_path / "data", is_streamed=True)
    shown = [port["description"] for port in json.loads(seen_ports(job, ("/dev/x",)))]
    assert shown == ["simbench interface"]
    folder = tmp_path / "data" / "sww01"
    folder.mkdir(parents=True)
    with pytest.raises(UsageError, match=r"cannot read .*long\.json"):
        check_recordings(job, "sww01", "sww01")
    (folder / "long.json").write_text('[{"wav_file": "a.wav", "detection_windows": []}]')
    with pytest.raises(UsageError, match=r"cannot play .*a\.wav"):
        check_recordings(job, "sww01", "sww01")
    write_sound(folder / "a.wav", noise(1))
    check_recordings(job, "sww01", "sww01")
    with pytest.raises(UsageError, match=r"has no sww02"):
        check_recordings(job, "sww01", "sww02")


def whistles() -> NDArray[np.int16]:
    """A second of quiet, the default model's word, quiet, and a whistle that falls."""
    at = np.arange(RATE // 2) / (RATE // 2)
    rising = np.sin(2 * np.pi * np.cumsum(400 + 2400 * at) / RATE)
    falling = np.sin(2 * np.pi * np.cumsum(2800 - 2400 * at) / RATE)
    quiet = np.zeros(RATE)
    hiss = np.random.default_rng(1).normal(0, 1e-3, 4 * RATE)
    sound = np.concatenate([quiet, rising, quiet, falling, quiet]) * 0.25
    samples: NDArray[np.int16] = np.rint((sound + hiss) * 32767).astype(np.int16)
    return samples


@pytest.mark.emulator
def test_a_served_board_hears_what_the_host_hears(tmp_path: Path) -> None:
    samples = whistles()
    write_sound(tmp_path / "sww01" / "w.wav", samples)
    model = benchmark_model(benchmarks_by_name()["sww"])
    rows = quantized(log_mel(samples), model.input)
    padded = np.vstack([np.zeros((model.input.shape[1] - 1, CHANNELS), np.int8), rows])
    inputs = [padded[at : at + model.input.shape[1]].tobytes() for at in range(len(rows))]
    wanted = [int(np.frombuffer(output, np.int8)[0]) for output in reference_outputs(model, inputs)]
    options = ("--interface", "--pace", "fast", "--dataset", str(tmp_path))
    with served(*options, benchmark="sww") as server, connected(server.ports[0]) as wire:
        client = Client(wire, timeout_s=60)
        dut(client, "start")
        client.ask("record_detections")
        assert b"succeeded.\n" in client.ask("play w.wav")
        lines = dut(client, "stop")
        detections = [int(line.strip(b",\r\n")) for line in client.ask("print_detections")[1:-1]]
    text = b"".join(line.removeprefix(b"[dut]: ").strip(b"\r\n") for line in lines)
    found = re.search(rb"target activations: *\[(.*?)\]", text)
    assert found is not None
    assert [int(one) for one in found[1].split(b",")] == wanted
    hits = [step for step, score in enumerate(wanted) if score > STREAM.threshold]
    assert hits  # the word, and it alone
    assert all(1.3 < (step + 1) * STREAM.step_s < 2.0 for step in hits)
    assert len(detections) == 1 + len(hits)
    assert (detections[1] - detections[0]) / 1000 == pytest.approx(
        hits[0] * STREAM.step_s, abs=2e-3
    )


def dut(client: Client, command: str) -> list[bytes]:
    """What the board behind the interface answers."""
    client.ask(f"dut {command}")
    return client.reply(b"[dut]: m-ready\r\n")
