"""The same result from a real board, on a serial port."""

from __future__ import annotations

from typing import Any

from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.errors import UsageError
from simbench.files.fetch import Progress
from simbench.hardware.measured import WARMUPS, WINDOWS, Measurement, measure_board
from simbench.models.recall import expected_outputs, prepared_model
from simbench.result.tree import Run
from simbench.runs.provenance import TOOL, host_facts
from simbench.session.conversation import Identity, Patience
from simbench.store import Store
from simbench.suites.request import OWN_ELF, Request, check, workloads
from simbench.task.ends import check_ends
from simbench.task.inputs import benchmark_inputs
from simbench.task.recall import recalled_inputs
from simbench.task.tasks import DEFAULT_SAMPLES


def run_on_port(
    request: Request, port: str, baud: int, store: Store | None, progress: Progress
) -> tuple[str, Run]:
    """The title and the run of one benchmark on the board on ``port``.

    Raises UsageError for what a real board cannot be asked; what measuring raises.
    """
    check(request, on_port=True)
    measurement = _measurement(request, store, progress)
    tensors = [given.tensor for given in measurement.inputs]
    benchmark, platform = measurement.benchmark, measurement.platform
    expected = expected_outputs(benchmark.id, measurement.model, tensors, store)
    patience = Patience().within(request.time_limit_s)
    identity, result = measure_board(measurement, port, baud, patience, expected.outputs)
    run = Run(
        tool=TOOL,
        environment=_environment(identity, port, baud),
        settings={
            "backend": "port",
            "samples": _samples(request),
            "seeds": {benchmark.id: benchmark.seed},
            "platforms": {platform.id: platform.version},
            "windows": WINDOWS,
            "warmups": WARMUPS,
        },
        results=(result,),
    )
    return f"{platform.heading}, {identity.name} on {port}", run


def _environment(identity: Identity, port: str, baud: int) -> dict[str, Any]:
    return {
        "emulator": "none",
        "version": f"{identity.name}, {identity.profile}",
        "toolchain": None,
        "port": port,
        "baud": baud,
        **host_facts(),
    }


def _measurement(request: Request, store: Store | None, progress: Progress) -> Measurement:
    if request.elf is not None or request.inputs or request.suite_path is not None:
        raise UsageError("--port takes no --elf, --input or --suite: the board has its firmware")
    if len(request.platforms) != 1 or len(request.kernels) > 1:
        raise UsageError("--port needs one --platform, the board that is on it, and its --kernels")
    if not request.models and len(request.benchmarks) != 1:
        raise UsageError("--port needs one --benchmark, or a --model: what is on the board")
    if len(request.models) > 1:
        raise UsageError("--port takes one --model: the one that is on the board")
    board = load_platform(request.platforms[0])
    benchmark = workloads(request.benchmarks, request.models)[0]
    model = prepared_model(benchmark, None, store, progress)
    if benchmark.data is not None:
        check_ends(benchmark, model)
    kernels = request.kernels[0] if request.kernels else OWN_ELF
    return Measurement(
        Scenario(benchmark.id, board.id, Variant(kernels)),
        board,
        benchmark,
        model,
        (
            *recalled_inputs(benchmark, model, store),
            *benchmark_inputs(benchmark, model, _samples(request)),
        ),
    )


def _samples(request: Request) -> int:
    return DEFAULT_SAMPLES if request.samples is None else request.samples
