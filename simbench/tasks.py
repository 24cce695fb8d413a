"""From names to tasks: load the platform, build the image, prepare the model, make the inputs.

What a user can get wrong is found here, before any emulator starts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from simbench.benchmarks import Benchmark, InputEncoding, ModelFile, ResultKind
from simbench.errors import UsageError
from simbench.fetch import Progress, quiet
from simbench.firmware.build import build_image
from simbench.firmware.image import Image
from simbench.firmware.read import ops, read_image
from simbench.inputs import Input, benchmark_inputs, real_inputs
from simbench.models.prepared import PreparedModel
from simbench.models.source import benchmark_model
from simbench.platforms import Platform, placed_by_address
from simbench.scenario import Scenario

DEFAULT_SAMPLES = 10
DEFAULT_TIME_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Task:
    """One scenario with everything that runs it. ``machine`` is the emulator's.

    ``inputs[0]`` is the measured one; the first ``real`` of them are real, the others seeded.
    ``model`` is ``None`` for a user's own ELF, which holds its own model. ``time_limit_s`` is wall
    time for any answer of the firmware.
    """

    scenario: Scenario
    platform: Platform
    benchmark: Benchmark
    image: Image
    machine: str
    model: PreparedModel | None
    inputs: tuple[Input, ...]
    real: int
    time_limit_s: float = DEFAULT_TIME_LIMIT_S


def own_benchmark(path: Path) -> Benchmark:
    """A user's model as a benchmark: named after its file, with seeded inputs only."""
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:32] or "model"
    return Benchmark(
        id=name,
        title=path.name,
        model_id=name[:15],
        model=ModelFile(path, None),
        labels=(),
        labels_source="none: a user's own model",
        macs=None,
        macs_source="computed from the layers",
        input_shape=(),
        encoding=InputEncoding.BYTES,
        encoding_source="the tensor's bytes",
        result=ResultKind.OUTPUTS,
        seed=0,
        quality=None,
        pictures=(),
    )


def suite_task(
    scenario: Scenario,
    platform: Platform,
    benchmark: Benchmark,
    machine: str,
    samples: int,
    progress: Progress = quiet,
) -> Task:
    """A task on simbench's own firmware. Raises what building and preparing raise."""
    image = build_image(platform.core, scenario.kernels, progress)
    model = _model(benchmark, image)
    real = real_inputs(benchmark, model)
    inputs = (*real, *benchmark_inputs(benchmark, model, samples))
    return Task(scenario, platform, benchmark, image, machine, model, inputs, len(real))


def own_elf_task(scenario: Scenario, platform: Platform, benchmark: Benchmark, elf: Path) -> Task:
    """A task on a user's own image, on the machine of the board itself."""
    if platform.native is None:
        raise UsageError(
            f"no emulated machine is known for {platform.id} itself: run {elf} on a platform that "
            "has one ('simbench list platforms' shows which)"
        )
    image = read_image(elf)
    missing = [name for name in ("th_pre", "th_post") if name not in image.symbols]
    if missing:
        raise UsageError(
            f"{elf} has no symbol {' and no symbol '.join(missing)}: measured is what runs between "
            "the functions th_pre and th_post; link them and keep the symbols"
        )
    starts = {segment: ranges[0].start for segment, ranges in image.segments.items() if ranges}
    placed = placed_by_address(platform, starts)
    # the input's size is the benchmark's; the model in the ELF is the user's
    measured = benchmark_inputs(benchmark, _model(benchmark, None), 1)
    return Task(scenario, placed, benchmark, image, platform.native.machine, None, measured, 0)


def check_samples(samples: int) -> None:
    """Raise :class:`UsageError` where ``samples`` is no number of inputs to compare."""
    if not 1 <= samples <= 10_000:
        raise UsageError(f"--samples is {samples}: compare 1 to 10,000 inputs")


def _model(benchmark: Benchmark, image: Image | None) -> PreparedModel:
    return _prepared(benchmark, None if image is None else tuple(ops(image).items()))


@cache  # kernels and platforms of one core share the model
def _prepared(benchmark: Benchmark, known: tuple[tuple[int, int], ...] | None) -> PreparedModel:
    return benchmark_model(benchmark, None if known is None else dict(known))
