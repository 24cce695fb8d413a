"""What emulated boards cost: counting, labelled data, serving."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from measuring import PAIRS, SIMBENCH, Row
from workloads import PLATFORM, kws_task, suite_tasks

from simbench.accuracy.judge import board_outputs
from simbench.backends import LaunchSpec, backend
from simbench.cost.price import estimate
from simbench.cost.residuals import load_target
from simbench.hardware.serial_board import SerialBoard
from simbench.models.recall import data_outputs
from simbench.session.conversation import Conversation, Patience, converse
from simbench.session.measure import launch_spec, measure
from simbench.task.inputs import benchmark_inputs
from simbench.task.tasks import ModelTask

_INFERENCES = {"kws": 40, "vww": 12, "ic": 10, "ad": 400}
_JUDGED = 1000
_IDENTIFIED = 50


def counting() -> Iterator[Row]:
    """The same inferences counted and bare, in turn; seconds by the board's own time stamps,
    which run with the host's clock."""
    for task in suite_tasks(samples=2):
        name = task.scenario.benchmark
        cached = replace(launch_spec(task), counted_windows=None)
        counted = replace(cached, caches=())
        bare = replace(counted, counting=False)
        n = _INFERENCES[name]
        times = [[_infer_s(spec, n) for spec in (bare, counted, cached)] for _ in range(PAIRS)]
        base = statistics.median(b for b, _, _ in times)
        how = f"bare {base:.3f} s for {n} inferences"
        yield Row(f"counting {name} / bare", statistics.median(c / b for b, c, _ in times), how)
        with_caches = statistics.median(c / b for b, _, c in times)
        yield Row(f"counting {name} with its caches / bare", with_caches, how)


def judging() -> Iterator[Row]:
    """A thousand inferences of keyword spotting, every output the firmware's own or the host's."""
    task = kws_task()
    model = task.model
    assert model is not None
    inputs = benchmark_inputs(task.benchmark, model, _JUDGED)
    tensors = [given.tensor for given in inputs]
    answers: list[tuple[bytes, ...]] = []
    emulator = backend("qemu")
    ours_s = _seconds(lambda: answers.append(board_outputs(task, emulator, inputs, None)))
    host_s = _seconds(lambda: answers.append(data_outputs("kws", model, "", tensors, None).outputs))
    how = f"{ours_s:.1f} s and {host_s:.1f} s for {_JUDGED:,} inferences of kws"
    yield Row("judging on the emulator / on the host", ours_s / host_s, how)
    wrong = sum(ours != theirs for ours, theirs in zip(*answers, strict=True))
    yield Row("judged outputs that differ", wrong, f"of {_JUDGED:,}, on {os.cpu_count()} cores")


def serving() -> Iterator[Row]:
    """Latencies as a client of a served board reads them, and how fast it answers."""
    for task in suite_tasks():
        counts = measure(task, backend("qemu")).counts
        target = load_target(task.platform)
        modelled_us = 1e6 * estimate(counts, counts.inference, target).time_s.value
        with _served(task) as port, SerialBoard(port, 115_200) as board:
            board.wake()
            talk = Conversation(board, Patience(), counted=False, is_up=True)
            talk.load(task.inputs[0].wire)
            shown_us = talk.infer().elapsed_us
            took = _seconds(partial(_identify, talk))
        how = f"{shown_us:,.1f} us; {2 * _IDENTIFIED / took:,.0f} commands/s"
        yield Row(
            f"served / modelled time of {task.scenario.benchmark}", shown_us / modelled_us, how
        )


def _infer_s(spec: LaunchSpec, inferences: int) -> float:
    with backend("qemu").launch(spec) as board:
        talk = converse(board, counted=spec.counting)
        talk.load_bank(0)
        return talk.infer(inferences).elapsed_us * 1e-6


def _identify(talk: Conversation) -> None:
    """Two commands each."""
    for _ in range(_IDENTIFIED):
        talk.identify()


@contextmanager
def _served(task: ModelTask) -> Iterator[str]:
    """The terminal of ``task``, served as fast as it goes."""
    words = ["serve", "--platform", PLATFORM, "--benchmark", task.scenario.benchmark]
    command = [*SIMBENCH, *words, "--pace", "fast"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
