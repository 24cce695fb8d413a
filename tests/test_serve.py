"""The served board, talked to through its terminal by a real serial port library."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st
from protocol_model import ANY, HELP_LINES, LAP, READY, Client, Model, Reply, without_times
from served import BOARD, Served, connected, served

from simbench.backends import backend
from simbench.backends.sections import fold_layers
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario
from simbench.cli.main import _run
from simbench.cost.cores.core import load_core
from simbench.cost.price import estimate
from simbench.cost.residuals import load_target
from simbench.models.reference import reference_outputs
from simbench.serve.commands import CommandSplitter
from simbench.serve.service import pricer, served_spec
from simbench.session.conversation import converse
from simbench.session.measure import launch_spec, measure
from simbench.task.inputs import benchmark_inputs, mean_squared_error
from simbench.task.tasks import ModelTask, suite_task

RESULT = re.compile(rb"m-results-\[(.*)\]\r\n")
COMMANDS = 1000
GARBAGE_BYTES = 10_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    link = tmp_path_factory.mktemp("link") / "dut"
    with served("--pace", "fast", "--link", str(link)) as running:
        assert os.readlink(link) == running.ports[0]
        yield running
    assert not link.is_symlink()


@pytest.fixture(scope="module")
def task() -> ModelTask:
    board, benchmark = load_platform(BOARD), load_benchmarks()["ad"]
    machine = backend("qemu").machine(board.core)
    scenario = Scenario("ad", BOARD)
    return suite_task(scenario, board, benchmark, machine, 3)


@pytest.fixture
def client(server: Served) -> Iterator[Client]:
    with connected(server.ports[0]) as wire:
        yield Client(wire)


# ---- pure parts ----


def firmware_commands(data: bytes) -> list[bytes]:
    """As the firmware's ServeCommands collects them, byte by byte."""
    commands, text = [], b""
    for byte in data:
        if byte == ord("%"):
            commands.append(text)
            text = b""
        elif byte not in b"\r\n" and len(text) < 80:
            text += bytes([byte])
    return commands


@given(st.lists(st.binary(max_size=200) | st.just(b"name%") | st.just(b"db \r\n00%"), max_size=20))
def test_commands_are_the_firmwares_however_they_are_cut(pieces: list[bytes]) -> None:
    splitter = CommandSplitter()
    found = [command for piece in pieces for command in splitter.feed(piece)]
    assert found == [command + b"%" for command in firmware_commands(b"".join(pieces))]


# ---- time ----


@pytest.mark.emulator
def test_the_latency_read_is_the_price_of_what_simbench_runs(
    client: Client, task: ModelTask
) -> None:
    counts = measure(replace(task, inputs=task.inputs[:1]), backend("qemu")).counts
    core = load_core(task.platform.core)
    modelled = estimate(counts, counts.inference, load_target(task.platform, core)).time_s.value
    client.load(task.inputs[0].wire)
    began, ended = client.laps("infer 1 0")
    assert ended - began == pytest.approx(modelled * 1e6, abs=1)


@pytest.mark.emulator
@pytest.mark.parametrize("inferences", [2, 30])
def test_the_latency_of_several_is_the_price_of_their_window(
    client: Client, task: ModelTask, inferences: int
) -> None:
    price = pricer(task.platform)
    with backend("qemu").launch(served_spec(task)) as board:
        talk = converse(board, counted=False)
        talk.load(task.inputs[0].wire)
        talk.infer(inferences, 0, counted=False)
        (window,) = board.take_windows()
        assert board.take_windows() == ()
    modelled = price(window, inferences).time_s * inferences
    client.load(task.inputs[0].wire)
    began, ended = client.laps(f"infer {inferences} 0")
    assert ended - began == pytest.approx(modelled * 1e6, abs=1)


@pytest.mark.emulator
def test_a_window_counted_without_layers_is_the_window_counted_with_them(task: ModelTask) -> None:
    whole = replace(launch_spec(task), counted_windows=None)
    found = []
    for spec in (whole, served_spec(task)):
        with backend("qemu").launch(spec) as board:
            talk = converse(board, counted=False)
            talk.load(task.inputs[0].wire)
            talk.infer(2, 0, counted=False)
            counts = fold_layers(board.windows()[0], 2)
        found.append((counts.instructions(counts.inference), counts.blocks))
    assert found[0] == found[1]


@pytest.mark.emulator
def test_time_never_goes_back_and_covers_what_was_inferred(client: Client, task: ModelTask) -> None:
    client.load(task.inputs[0].wire)
    stamps: list[int] = []
    for command in ("timestamp", "infer 20 5", "timestamp", "infer 1 0", "timestamp"):
        stamps += client.laps(command)
    assert stamps == sorted(stamps)
    first, began, ended, after, *_ = stamps
    each = (ended - began) / 20
    assert began - first >= 5 * each
    assert after - ended < 1e6


@pytest.mark.emulator
def test_a_paced_board_answers_when_it_would() -> None:
    with served("--pace", "board") as slow, connected(slow.ports[0]) as wire:
        client = Client(wire)
        client.load(bytes(2560))
        start = time.monotonic()
        began, ended = client.laps("infer 100 0")
        took_s = time.monotonic() - start
        assert took_s >= (ended - began) * 1e-6 > 0.7
        assert slow.end()[0] == 0


# ---- conversations ----


def agree(reply: Reply, wanted: Reply) -> bool:
    """Whether replies are equal, time stamps apart; of results the last of seven digits may be one
    off, which a float32 sum leaves open."""
    pairs = zip(without_times(reply), wanted, strict=False)
    return len(reply) == len(wanted) and all(a == b or _near(a, b) for a, b in pairs)


def _near(line: bytes, wanted: bytes) -> bool:
    values = [RESULT.fullmatch(text) for text in (line, wanted)]
    if values[0] is None or values[1] is None:
        return False
    if values[1][1] == ANY.encode():
        return True
    return abs(float(values[0][1]) - float(values[1][1])) < 0.01


@pytest.fixture(scope="module")
def model(task: ModelTask) -> Model:
    prepared, benchmark = task.model, task.benchmark
    known = {i.wire: i for i in benchmark_inputs(benchmark, prepared, 8)}
    tensors = [given.tensor for given in known.values()]
    outputs = dict(zip(known, reference_outputs(prepared, tensors), strict=True))

    def infer(wire: bytes) -> str:
        error = mean_squared_error(prepared, known[wire], outputs[wire], benchmark.encoding)
        return f"{error:.3f}"

    return Model(BOARD, benchmark.model_id, len(task.inputs[0].wire), infer)


def random_commands(source: random.Random, inputs: list[bytes]) -> Iterator[bytes]:
    """Valid commands, and wrong ones that the protocol has an answer for; loads whole or cut."""
    simple = [b"name", b"profile", b"timestamp", b"results", b"db print", b"db", b"db load"]
    wrong = [b"db load 0", b"db load 99999", b"db 1", b"db 0g", b"infer 0", b"infer 1 -1", b"x y"]
    while True:
        roll = source.random()
        if roll < 0.04:
            data = source.choice(inputs)
            yield b"db load %d" % len(data)
            chunks = [data[i : i + 31] for i in range(0, len(data), 31)]
            for chunk in chunks[: source.choice([len(chunks), 3])]:
                yield b"db " + chunk.hex().encode()
            yield source.choice([b"infer 1 0", b"infer 1 2", b"results"])
        elif roll < 0.06:
            yield b"infer"
        else:
            yield source.choice(simple if roll < 0.7 else wrong)


@pytest.mark.emulator
def test_a_thousand_commands_are_answered_as_the_protocol_says(
    server: Served, client: Client, model: Model, task: ModelTask
) -> None:
    source = random.Random(20)
    inputs = [entry.wire for entry in task.inputs]
    client.load(inputs[0])
    for command in (b"db load %d" % len(inputs[0]), b"db " + inputs[0].hex().encode()):
        model.answers(command)  # a command of any length is the model's alone
    model.buffer, model.received = bytearray(inputs[0]), len(inputs[0])
    assert agree(client.ask("infer 1 0"), model.answers(b"infer 1 0"))
    files, memory = server.files, server.resident_bytes
    stamps: list[int] = []
    commands = random_commands(source, inputs)
    for _, command in zip(range(COMMANDS), commands, strict=False):
        reply = client.ask(command)
        stamps += [int(found[1]) for line in reply if (found := LAP.match(line))]
        assert agree(reply, model.answers(command)), command
    assert stamps == sorted(stamps)
    assert len(stamps) > 30
    assert server.files <= files
    assert len(server.boards) == 1
    assert server.resident_bytes < memory + 32e6


@pytest.mark.emulator
def test_garbage_is_answered_as_the_firmware_would_and_does_no_harm(
    server: Served, client: Client, model: Model
) -> None:
    source = random.Random(3)
    data = bytes(source.choice((source.randrange(256), 37)) for _ in range(GARBAGE_BYTES))
    data += b"%"
    wanted = [model.answers(command) for command in firmware_commands(data)]
    got = []
    heard = 0
    for start in range(0, len(data), 500):
        client.send(data[start : start + 500])
        ready = len(firmware_commands(data[: start + 500]))
        got += [client.reply() for _ in range(ready - heard)]
        heard = ready
    assert got == wanted
    assert client.ask("name") == model.answers(b"name")
    assert len(server.boards) == 1


@pytest.mark.emulator
def test_commands_in_pieces_and_several_at_once(client: Client, model: Model) -> None:
    for piece in (b"na", b"m", b"e", b"%"):
        client.send(piece)
        time.sleep(0.02)
    assert client.reply() == model.answers(b"name")
    client.send(b"name%\r\nprofile%\nname%")
    for command in (b"name", b"profile", b"name"):
        assert client.reply() == model.answers(command)
    assert len(client.ask("help")) == HELP_LINES + 1


@pytest.mark.emulator
def test_a_client_that_vanishes_leaves_no_trace_to_the_next(server: Served, model: Model) -> None:
    files = server.files
    for left in (b"db load 640%db 00", b"timest", b"db print%" * 40, b"infer 3 0%help%"):
        with connected(server.ports[0]) as wire:
            wire.write(left)
        time.sleep(0.1)
        with connected(server.ports[0]) as wire:
            client = Client(wire)
            assert client.ask("name") == model.answers(b"name")
            assert client.load(bytes(2560))[-2:] == [b"m-load-done\r\n", READY]
    time.sleep(0.1)
    assert server.files <= files + 1  # the counts are opened at the first inference


@pytest.mark.emulator
@pytest.mark.parametrize("times", [1, 300])
def test_a_client_that_leaves_the_board_at_work_does_not_leave_it_to_the_next(
    server: Served, model: Model, times: int
) -> None:
    before = server.boards
    with connected(server.ports[0]) as wire:
        client = Client(wire)
        client.load(bytes(2560))
        client.send(b"infer 1000000 0%" * times)
        time.sleep(0.1)
    time.sleep(0.3)
    with connected(server.ports[0]) as wire:
        time.sleep(0.1)
    while server.boards == before or not server.boards:
        time.sleep(0.05)
    with connected(server.ports[0]) as wire:
        assert Client(wire).ask("name") == model.answers(b"name")


@pytest.mark.emulator
def test_a_client_that_does_not_read_is_waited_for_within_bounds(
    server: Served, model: Model
) -> None:
    memory = server.resident_bytes
    with serial.Serial(server.ports[0], write_timeout=1) as wire:
        with pytest.raises(serial.SerialTimeoutException):
            wire.write(b"help%" * 200_000)
        assert server.resident_bytes < memory + 8e6
    time.sleep(0.1)
    with connected(server.ports[0]) as wire:
        assert Client(wire).ask("name") == model.answers(b"name")


@pytest.mark.emulator
def test_the_reset_button_boots_the_board_whatever_it_does(server: Served, client: Client) -> None:
    client.load(bytes(2560))
    client.send(b"infer 100000 0%")
    time.sleep(0.3)
    server.process.send_signal(signal.SIGUSR1)
    reply = client.reply()
    assert reply[-2:] == [b"m-init-done\r\n", READY]
    (stamp,) = client.laps("timestamp")
    assert stamp < 5e6
    assert len(server.boards) == 1


# ---- coming and going ----


@pytest.mark.emulator
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_server_that_is_asked_to_end_ends_well(number: signal.Signals) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("this run ignores the signal, as under nohup, and so does what it starts")
    with served() as running:
        boards = running.boards
        with connected(running.ports[0]) as wire:
            wire.write(b"infer 1000000%")
            code, said = running.end(number)
        assert code == 0
        assert "Traceback" not in said
        assert boards
        assert not any(Path(f"/proc/{board}").exists() for board in boards)


@pytest.mark.emulator
def test_a_server_whose_emulator_died_says_so_and_ends() -> None:
    with served() as running:
        (board,) = running.boards
        os.kill(int(board), signal.SIGKILL)
        with connected(running.ports[0]) as wire:
            wire.write(b"name%")
            _, said = running.process.communicate(timeout=20)
        assert running.process.returncode == 3
        assert (
            "simbench: QEMU was killed by signal 9, SIGKILL: perhaps the machine ran out of memory"
            in said
        )
        assert "Traceback" not in said


@pytest.mark.emulator
def test_over_tcp_clients_come_one_after_another_and_hear_the_boot(
    model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    with served("--tcp", "0", "--reset-on-open", "--pace", "fast") as running:
        for _ in range(2):
            with connected(running.ports[0]) as wire:
                client = Client(wire)
                assert client.reply()[-2:] == [b"m-init-done\r\n", READY]
                assert client.ask("name") == model.answers(b"name")
        number = int(running.ports[0].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", number)) as half:
            half.sendall(b"name%")
            half.shutdown(socket.SHUT_WR)
            heard = b""
            while piece := half.recv(4096):
                heard += piece
        assert heard.endswith(b"".join(model.answers(b"name")))
        assert _run(["serve", "--platform", BOARD, "--benchmark", "ad", "--tcp", str(number)]) == 2
        assert capsys.readouterr().err == (
            f"simbench: port {number} cannot be used (Address already in use): name another with "
            "--tcp, or 0 for any that is free\n"
        )


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--platform", BOARD], "nothing to serve"),
        (["--platform", "rp2040", "--benchmark", "ad", "--power", "lpm01a"], "RP2040 datasheet"),
        (["--platform", BOARD, "--benchmark", "ad", "--link", "/dev/null"], "exists already"),
        (["--platform", BOARD, "--benchmark", "ad", "--tcp", "1", "--link", "x"], "--link is of"),
    ],
)
def test_what_cannot_be_served_is_refused_in_a_sentence(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["serve", *options]) == 2
    out, said = capsys.readouterr()
    assert out == ""
    assert says in said
    assert len(said.splitlines()) == 1
