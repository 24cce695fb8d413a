"""From names to tasks: load the platform, build the image, prepare the model, make the inputs.

What a user can get wrong is found here, before any emulator starts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from simbench.backends.board import Blob, ChipMap
from simbench.catalog.benchmarks import Benchmark, InputEncoding, ModelFile, ResultKind
from simbench.catalog.platforms import Platform
from simbench.catalog.scenario import OWN_RUNTIME, Scenario, Variant
from simbench.counts import Segment
from simbench.errors import ModelError, UsageError
from simbench.files.fetch import Progress, quiet
from simbench.firmware.image import AddressRange, Image
from simbench.firmware.recall import Firmware, recalled_firmware
from simbench.firmware.rtos import CurrentTask
from simbench.firmware.section import Section, read_section
from simbench.firmware.window import window_of
from simbench.models.prepared import PreparedModel
from simbench.models.recall import prepared_model
from simbench.store import Store
from simbench.task.ends import check_ends
from simbench.task.inputs import Input, benchmark_inputs
from simbench.task.labelled import HOST, DataSet
from simbench.task.recall import recalled_inputs

_ID_CHARACTERS = 32

FEATURES_APART = (
    "an inference is the model's alone: what a board takes to make features of the sound is in no "
    "number"
)
DEFAULT_SAMPLES = 10
MOST_SAMPLES = 10_000
DEFAULT_TIME_LIMIT_S = 300.0
LEAST_TIME_LIMIT_S = 0.1


@dataclass(frozen=True, slots=True)
class ModelTask:
    """A benchmark's model on simbench's own firmware. ``machine`` is the emulator's.

    ``inputs[0]`` is the measured one; the first ``real`` of them are real, the others seeded.
    ``time_limit_s`` is wall time for any answer of the firmware. ``notes`` are sentences on what
    was changed to make the inputs fit. ``data`` is what the model is judged by, if anything, and
    ``judge_on`` whose outputs are judged: the "host"'s or the "emulator"'s.
    """

    scenario: Scenario
    platform: Platform
    benchmark: Benchmark
    image: Image
    machine: str
    model: PreparedModel
    inputs: tuple[Input, ...]
    real: int
    time_limit_s: float = DEFAULT_TIME_LIMIT_S
    notes: tuple[str, ...] = ()
    data: DataSet | None = None
    judge_on: str = HOST

    @property
    def measured(self) -> Input:
        """The input of the measured inference."""
        return self.inputs[0]


@dataclass(frozen=True, slots=True)
class ElfTask:
    """A user's own image, which holds its own model, on the machine of the board itself.

    ``benchmark`` says whose input it is sent; ``inputs`` is that one, or nothing. Where the
    ``model`` in it is known, there are more, and what it prints is compared. ``section`` is
    what is measured where that is not its inference. The rest is as a :class:`ModelTask`'s.
    With a ``chip`` the board has that map, and ``blobs`` are what is loaded there; ``linked`` are
    the segments as the ELF has them. ``tasks`` is where its RTOS says which task is current.
    """

    scenario: Scenario
    platform: Platform
    benchmark: Benchmark
    image: Image
    machine: str
    section: Section | None
    inputs: tuple[Input, ...]
    time_limit_s: float = DEFAULT_TIME_LIMIT_S
    notes: tuple[str, ...] = ()
    chip: ChipMap | None = None
    tasks: CurrentTask | None = None
    blobs: tuple[Blob, ...] = ()
    linked: Mapping[Segment, tuple[AddressRange, ...]] = field(default_factory=dict)
    model: PreparedModel | None = None

    @property
    def measured(self) -> Input | None:
        """The input of the measured inference; ``None`` where nothing is sent."""
        return self.inputs[0] if self.inputs else None


Task = ModelTask | ElfTask
"""One scenario with everything that runs it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A scenario whose model the firmware does not run; ``error`` says why."""

    scenario: Scenario
    error: ModelError


def own_benchmark(path: Path) -> Benchmark:
    """A user's model, or firmware, as a benchmark: named after its file, seeded inputs only."""
    name = _own_id(re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "model")
    return Benchmark(
        id=name,
        title=path.name,
        model_id=name[:15],
        model=ModelFile(path, None),
        labels=(),
        labels_source="none: a user's own",
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


def _own_id(name: str) -> str:
    """``name``, or where it is too long its beginning and four digits of its hash."""
    if len(name) <= _ID_CHARACTERS:
        return name
    digits = hashlib.sha256(name.encode()).hexdigest()[:4]
    return f"{name[: _ID_CHARACTERS - 5].rstrip('-')}-{digits}"


def own_benchmarks(paths: Sequence[Path]) -> tuple[Benchmark, ...]:
    """Each model as a benchmark; those whose files are called alike are numbered."""
    found: dict[str, Benchmark] = {}
    for path in paths:
        own = own_benchmark(path)
        name, number = own.id, 1
        while name in found:
            number += 1
            name = f"{own.id[: _ID_CHARACTERS - 4]}-{number}"
        found[name] = replace(own, id=name)
    return tuple(found.values())


def benchmark_with_model(benchmark: Benchmark, path: Path) -> Benchmark:
    """``benchmark`` with a user's model in place of its own.

    Such a model answers in the order of the data's classes, and takes what its client sends.
    """
    own = own_benchmark(path)
    return replace(
        benchmark,
        title=own.title,
        model=own.model,
        macs=None,
        macs_source=own.macs_source,
        labels=benchmark.labels if benchmark.data is None else benchmark.data.names,
        labels_source="the order of the data's classes",
    )


def suite_task(
    scenario: Scenario,
    platform: Platform,
    benchmark: Benchmark,
    machine: str,
    samples: int,
    progress: Progress = quiet,
    store: Store | None = None,
) -> ModelTask:
    """A task on simbench's own firmware, its model from the ``store`` where that has it.

    Raises what building and preparing raise.
    """
    firmware = _firmware(platform.core, scenario.variant, progress, store)
    # what another runtime's kernels take is for these to say
    known = tuple(firmware.ops.items()) if scenario.variant.runtime == OWN_RUNTIME else None
    model = _prepared(benchmark, known, progress, store)
    if benchmark.data is not None:
        check_ends(benchmark, model)
    real = recalled_inputs(benchmark, model, store, progress)
    inputs = (*real, *benchmark_inputs(benchmark, model, samples))
    return ModelTask(
        scenario,
        platform,
        benchmark,
        firmware.image,
        machine,
        model,
        inputs,
        len(real),
        notes=() if benchmark.stream is None else (FEATURES_APART,),
    )


def own_elf_task(
    scenario: Scenario,
    platform: Platform,
    benchmark: Benchmark | None,
    elf: Path,
    section: str | None = None,
    base: int | None = None,
    skips: Sequence[str] = (),
    samples: int = 1,
    given: Sequence[Path] = (),
) -> ElfTask:
    """A task on a user's own image, on the chip of the board itself.

    ``section`` is what to measure ("begin=SYMBOL,end=SYMBOL") where that is not what runs between
    th_pre and th_post. Without a ``benchmark``, whose input it is sent, it is sent nothing.
    ``base`` and ``skips`` are as :func:`simbench.task.own.own_image` takes them. ``samples``
    are sent; where the benchmark's model is a user's, it is the one in the image, and the answers
    are held against the host's. ``given`` are inputs of the user's, in place of seeded ones.
    """
    if platform.chip is None:
        raise UsageError(
            f"{platform.id} says nothing of its chip, so its own firmware cannot run: give its "
            "file a table 'chip', or name another platform"
        )
    from simbench.task.own import own_image  # simbench's own is recalled

    own = own_image(elf, platform, base, skips)
    model = None if benchmark is None else _prepared(benchmark, None)
    inputs, notes = _own_inputs(benchmark, model, samples, given)
    window = None if section is None else read_section(section, own.image)
    if window is None:
        window_of(own.image)
    return ElfTask(
        scenario=scenario,
        platform=own.platform,
        benchmark=benchmark or own_benchmark(elf),
        image=own.image,
        machine=f"the chip of {platform.id}",
        section=window,
        chip=own.board,
        tasks=own.tasks,
        blobs=own.blobs,
        linked=own.linked,
        inputs=inputs,
        notes=(*notes, *_own_notes(section, skips, asks=own.asks_cycle_counter)),
        model=model if benchmark is not None and isinstance(benchmark.model, ModelFile) else None,
    )


def _own_inputs(
    benchmark: Benchmark | None,
    model: PreparedModel | None,
    samples: int,
    given: Sequence[Path],
) -> tuple[tuple[Input, ...], tuple[str, ...]]:
    """What is sent to a user's own image, as large as the model's input, and notes on it."""
    if benchmark is None or model is None:
        return (), ()
    if not given:
        return benchmark_inputs(benchmark, model, samples), ()
    from simbench.task.input_file import read_input  # few give inputs of their own

    read = [read_input(path, model, benchmark.encoding) for path in given]
    return tuple(one.input for one in read), tuple(note for one in read for note in one.notes)


def _own_notes(section: str | None, skips: Sequence[str], *, asks: bool) -> Iterator[str]:
    if section is not None:
        yield f"measured is the section {section}"
    if skips:
        yield f"these functions return at once: {', '.join(skips)}"
    if asks:
        from simbench.firmware.cycle_counter import ASKS  # few firmwares ask

        yield ASKS


def with_inputs(task: ModelTask, paths: Sequence[Path], *, seeded: bool) -> ModelTask:
    """``task`` with a user's inputs first, in place of real ones, and ``seeded`` ones only where
    they are wanted. Raises UsageError, saying what is expected, where an input does not fit."""
    from simbench.task.input_file import read_input  # few give inputs of their own

    model, benchmark = task.model, task.benchmark
    given = [read_input(path, model, benchmark.encoding) for path in paths]
    says = benchmark.result is ResultKind.OUTPUTS and model.output.elements > 1
    return replace(
        task,
        inputs=(*(entry.input for entry in given), *(task.inputs[task.real :] if seeded else ())),
        real=len(given) if says else 0,
        notes=(*task.notes, *(note for entry in given for note in entry.notes)),
    )


def check_samples(samples: int) -> None:
    """Raise :class:`UsageError` where ``samples`` is no number of inputs to compare."""
    if not 1 <= samples <= MOST_SAMPLES:
        raise UsageError(f"--samples is {samples}: compare 1 to {MOST_SAMPLES:,} inputs")


def check_time_limit(seconds: float) -> None:
    """Raise :class:`UsageError` where ``seconds`` is too little to wait for any answer."""
    if not seconds >= LEAST_TIME_LIMIT_S:
        raise UsageError(f"--time-limit is {seconds:g}: wait {LEAST_TIME_LIMIT_S} s or more")


@cache  # benchmarks and platforms of one core share the image
def _firmware(core: str, variant: Variant, progress: Progress, store: Store | None) -> Firmware:
    return recalled_firmware(core, variant, store, progress)


@cache  # kernels and platforms of one core share the model
def _prepared(
    benchmark: Benchmark,
    known: tuple[tuple[int, int], ...] | None,
    progress: Progress = quiet,
    store: Store | None = None,
) -> PreparedModel:
    """The model as the firmware runs it. Raises ModelError that names its file."""
    with naming(benchmark):
        return prepared_model(benchmark, None if known is None else dict(known), store, progress)


@contextmanager
def naming(benchmark: Benchmark) -> Iterator[None]:
    """What is raised of the model of ``benchmark`` says which it is."""
    try:
        yield
    except ModelError as error:
        if benchmark.title in str(error):
            raise
        raise ModelError(f"{benchmark.title}: {error}") from error
