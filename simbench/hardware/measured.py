"""Measure a benchmark on a real board: its own time stamps, its outputs against the host's."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from simbench.catalog.benchmarks import Benchmark
from simbench.catalog.platforms import Platform
from simbench.catalog.scenario import Scenario
from simbench.errors import UsageError
from simbench.hardware.serial_board import SerialBoard
from simbench.models.parity import agrees, parity_of
from simbench.models.prepared import PreparedModel
from simbench.result.estimate import Estimate
from simbench.result.tree import FAILED, OK, MeasuredInput, ModelUsed, Parity, Result
from simbench.session.conversation import Conversation, Identity, Patience
from simbench.session.protocol import ProtocolError
from simbench.task.inputs import Input
from simbench.task.labelled import NO_DATA_SET
from simbench.task.printed import compared, printed

WINDOWS = 5
"""Windows measured; the time is their median, as the field's runner takes it."""

WARMUPS = 10
_WINDOW_S = 1.0
_MOST_INFERENCES = 2000
_UNCOUNTED = "a real board counts nothing"
_UNASKED = "a real board is not asked"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What to measure on a real board: ``inputs[0]`` is timed, all are compared."""

    scenario: Scenario
    platform: Platform
    benchmark: Benchmark
    model: PreparedModel
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a board answered to each input: its results, and its output where it gives that."""

    results: tuple[tuple[float, ...], ...]
    outputs: tuple[bytes, ...] | None


def measure_board(
    asked: Measurement, port: str, baud: int, patience: Patience, expected: Sequence[bytes]
) -> tuple[Identity, Result]:
    """Who the board on ``port`` is, and its result; ``expected`` are the host's outputs.

    Raises UsageError where the port cannot be had or the board runs another model,
    InfrastructureError where it does not answer.
    """
    with SerialBoard(port, baud) as board:
        board.wake()
        talk = Conversation(board, patience, counted=False, is_up=True)
        identity = talk.identify()
        _check_model(asked.benchmark, identity, port)
        time_s = _timed(talk, asked.inputs[0], port)
        answers = _answers(talk, asked.inputs)
    return identity, _result(asked, time_s, answers, expected)


def _check_model(benchmark: Benchmark, identity: Identity, port: str) -> None:
    if identity.model != benchmark.model_id:
        raise UsageError(
            f"the board on {port} says that it runs {identity.model}, not {benchmark.model_id}: "
            "name its benchmark"
        )


def _timed(talk: Conversation, given: Input, port: str) -> Estimate:
    """Seconds of one inference, over windows of a second and more."""
    talk.load(given.wire)
    one_us = talk.infer().elapsed_us
    inferences = min(_MOST_INFERENCES, ceil(_WINDOW_S * 1e6 / max(1, one_us)))
    times = []
    for _ in range(WINDOWS):
        times.append(talk.infer(inferences, WARMUPS).elapsed_us * 1e-6 / inferences)
    source = f"measured on {port}: median of {WINDOWS} windows of {inferences} inferences"
    return Estimate(statistics.median(times), min(times), max(times), source)


def _answers(talk: Conversation, inputs: Sequence[Input]) -> Answers:
    results, outputs = [], []
    gives_output = True
    for given in inputs:
        talk.load(given.wire)
        results.append(talk.infer().results)
        if gives_output:
            try:
                outputs.append(talk.output())
            except ProtocolError:  # it is simbench's own command
                gives_output = False
    return Answers(tuple(results), tuple(outputs) if gives_output else None)


def _result(
    asked: Measurement, time_s: Estimate, answers: Answers, expected: Sequence[bytes]
) -> Result:
    model, scenario, first = asked.model, asked.scenario, asked.inputs[0]
    right, parity = _compared(asked, answers, expected)
    result = Result(
        id=scenario.id,
        benchmark=scenario.benchmark,
        platform=scenario.platform,
        kernels=scenario.variant.kernels,
        status=OK,
        is_simulated=False,
        time_s=time_s,
        parity=parity,
        model=ModelUsed(
            name=asked.benchmark.title,
            source_sha256=model.source_sha256,
            sha256=model.sha256,
            bytes=len(model.data),
            macs=model.macs,
            changes=model.changes,
        ),
        input=MeasuredInput(first.name, hashlib.sha256(first.wire).hexdigest()),
        output_sha256=_sha256(answers.outputs),
        missing=_missing(),
    )
    wrong = [
        given.name for given, is_right in zip(asked.inputs, right, strict=True) if not is_right
    ]
    if not wrong:
        return result
    reason = f"outputs differ from the host's reference for {', '.join(wrong)}"
    return replace(result, status=FAILED, reason=reason)


def _compared(
    asked: Measurement, answers: Answers, expected: Sequence[bytes]
) -> tuple[Sequence[bool], Parity]:
    """Which answers are the host's: by the bytes of the output, or else by the results sent."""
    if answers.outputs is not None:
        pairs = list(zip(answers.outputs, expected, strict=True))
        return [agrees(asked.model, *pair) for pair in pairs], parity_of(asked.model, pairs)
    host = [
        printed(asked.benchmark, asked.model, given, output)
        for given, output in zip(asked.inputs, expected, strict=True)
    ]
    return compared(host, answers.results)


def _sha256(outputs: tuple[bytes, ...] | None) -> str | None:
    return None if outputs is None else hashlib.sha256(outputs[0]).hexdigest()


def _missing() -> Mapping[str, str]:
    uncounted = dict.fromkeys(("instructions", "cycles", "energy_j", "layers"), _UNCOUNTED)
    return {**uncounted, "memory": _UNASKED, "accuracy": NO_DATA_SET}
