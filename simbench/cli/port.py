"""``simbench run --port``: the same result from a real board."""

from __future__ import annotations

import platform as host
from typing import Any

from rich.console import Console

from simbench import __version__
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario
from simbench.cli.suite import Asked
from simbench.cli.workload import OWN_ELF, teller, workloads
from simbench.errors import UsageError
from simbench.hardware.measured import WARMUPS, WINDOWS, Measurement, measure_board
from simbench.models.recall import expected_outputs, prepared_model
from simbench.models.reference import reference_version
from simbench.result.tree import Run
from simbench.session.conversation import Identity, Patience
from simbench.store import Store
from simbench.task.inputs import benchmark_inputs
from simbench.task.recall import recalled_inputs
from simbench.task.tasks import DEFAULT_SAMPLES


def run_on_port(
    asked: Asked,
    port: str,
    baud: int,
    time_limit_s: float,
    store: Store | None,
    console: Console,
) -> tuple[str, Run]:
    """The title and the run of one benchmark on the board on ``port``.

    Raises UsageError for what a real board cannot be asked; what measuring raises.
    """
    measurement = _measurement(asked, store, console)
    tensors = [given.tensor for given in measurement.inputs]
    benchmark, platform = measurement.benchmark, measurement.platform
    expected = expected_outputs(benchmark.id, measurement.model, tensors, store)
    patience = Patience().within(time_limit_s)
    identity, result = measure_board(measurement, port, baud, patience, expected.outputs)
    run = Run(
        tool={"name": "simbench", "version": __version__},
        environment=_environment(identity, port, baud),
        settings={
            "backend": "port",
            "samples": _samples(asked),
            "seeds": {benchmark.id: benchmark.seed},
            "platforms": {platform.id: platform.version},
            "windows": WINDOWS,
            "warmups": WARMUPS,
        },
        results=(result,),
    )
    return f"{platform.title}, {identity.name} on {port}", run


def _environment(identity: Identity, port: str, baud: int) -> dict[str, Any]:
    return {
        "emulator": "none",
        "version": f"{identity.name}, {identity.profile}",
        "toolchain": None,
        "port": port,
        "baud": baud,
        "reference": reference_version(),
        "python": host.python_version(),
        "host": f"{host.system()} {host.machine()}",
    }


def _measurement(asked: Asked, store: Store | None, console: Console) -> Measurement:
    if asked.elf is not None or asked.inputs or asked.suite_path is not None:
        raise UsageError("--port takes no --elf, --input or --suite: the board has its firmware")
    if len(asked.platforms) != 1 or len(asked.kernels) > 1:
        raise UsageError("--port needs one --platform, the board that is on it, and its --kernels")
    if asked.model is None and len(asked.benchmarks) != 1:
        raise UsageError("--port needs one --benchmark, or a --model: what is on the board")
    board = load_platform(asked.platforms[0])
    benchmark = workloads(asked.benchmarks, asked.model)[0]
    model = prepared_model(benchmark, None, store, teller(console))
    kernels = asked.kernels[0] if asked.kernels else OWN_ELF
    return Measurement(
        Scenario(benchmark.id, board.id, kernels),
        board,
        benchmark,
        model,
        (
            *recalled_inputs(benchmark, model, store),
            *benchmark_inputs(benchmark, model, _samples(asked)),
        ),
    )


def _samples(asked: Asked) -> int:
    return DEFAULT_SAMPLES if asked.samples is None else asked.samples
