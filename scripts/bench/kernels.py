"""What each operator costs: cycles of a MAC or of an output element, over what converters write."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from measuring import Row
from workloads import PLATFORM

from simbench.backends import backend
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.errors import ModelError
from simbench.firmware.build import KERNELS
from simbench.result.tree import OK
from simbench.runs.runner import run_task
from simbench.task.tasks import ModelTask, own_benchmark, suite_task

_MODELS = Path(__file__).resolve().parents[2] / "tests" / "data" / "models"


def kernels() -> Iterator[Row]:
    """Of every model that the tests have, the layers of one operator together."""
    for name in KERNELS:
        work: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for task in _tasks(name):
            result = run_task(task, backend("qemu"))
            if result.status != OK:
                continue
            for layer, prepared in zip(result.layers, task.model.layers, strict=True):
                unit = "MAC" if layer.macs else "element"
                total = work[layer.op, unit]
                total[0] += layer.cycles.value
                total[1] += layer.macs or math.prod(prepared.output_shape)
        for (op, unit), (cycles, amount) in sorted(work.items()):
            how = f"cycles each, of {amount:,.0f} on {PLATFORM} with {name} kernels"
            yield Row(f"{op} for each {unit}, {name}", cycles / amount, how)


def _tasks(name: str) -> Iterator[ModelTask]:
    board = load_platform(PLATFORM)
    machine = backend("qemu").machine(board.core)
    for path in sorted(_MODELS.glob("*.tflite")):
        own = own_benchmark(path)
        try:
            yield suite_task(Scenario(own.id, board.id, Variant(name)), board, own, machine, 1)
        except ModelError:  # what is refused is tested, and costs nothing
            continue
