"""What to run, as a person asks for it: names, files and a suite file become a suite and tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from simbench.backends import Backend
from simbench.catalog.benchmarks import (
    Benchmark,
    benchmarks_by_name,
    benchmarks_called,
    load_benchmarks,
    select_benchmarks,
)
from simbench.catalog.chosen import chosen
from simbench.catalog.platforms import Platform, load_platform, platform_names
from simbench.catalog.scenario import (
    DEFAULT_KERNELS,
    OWN_RUNTIME,
    PINNED_TOOLCHAIN,
    Scenario,
    Variant,
)
from simbench.errors import UsageError
from simbench.files.fetch import Progress, quiet
from simbench.firmware.build import kernel_sets
from simbench.firmware.runtimes import runtime_names
from simbench.firmware.toolchain import toolchains_called
from simbench.result.sections import of_section
from simbench.session.room import as_fits
from simbench.store import Store
from simbench.suites.cycle import Cycle, read_cycle
from simbench.suites.file import SUITE_FILE, read_suite
from simbench.suites.lock import LOCK_FILE
from simbench.suites.suite import Suite, narrowed, suite_tasks
from simbench.task.ends import ends_said
from simbench.task.labelled import EMULATOR, HOST, DataSet
from simbench.task.tasks import (
    DEFAULT_SAMPLES,
    DEFAULT_TIME_LIMIT_S,
    ElfTask,
    ModelTask,
    Refused,
    Task,
    benchmark_with_model,
    check_samples,
    check_time_limit,
    own_benchmark,
    own_benchmarks,
    own_elf_task,
)

OWN_ELF = "own"
"""The kernel set of a user's own firmware."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to run: by a suite file, or by names and files. Nothing of it is checked yet.

    ``samples`` of None are the default or the suite file's. ``dataset`` names labelled data and
    ``judge_on`` whose outputs are judged by it. What does not go together is told in the words of
    the command line's options.
    """

    platforms: Sequence[str] = ()
    benchmarks: Sequence[str] = ()
    kernels: Sequence[str] = ()
    runtimes: Sequence[str] = ()
    toolchains: Sequence[str] = ()
    samples: int | None = None
    models: Sequence[Path] = ()
    inputs: Sequence[Path] = ()
    elf: Path | None = None
    section: str | None = None
    base: int | None = None
    skips: Sequence[str] = ()
    dataset: str | None = None
    judge_on: str = HOST
    suite_path: Path | None = None
    time_limit_s: float = DEFAULT_TIME_LIMIT_S
    every: str | None = None
    battery: str | None = None
    sleep: str | None = None

    @property
    def cycle(self) -> Cycle | None:
        """How often it infers, where that is asked for. Raises UsageError for what cannot be
        read."""
        return read_cycle(self.every, self.battery, self.sleep)

    @property
    def is_by_file(self) -> bool:
        """Whether a suite file says what to run, and the rest only narrows it."""
        return self.suite_path is not None or not self.platforms

    @property
    def lock_path(self) -> Path:
        """The lock file: beside the suite file, or here."""
        return (self.suite_path or Path(SUITE_FILE)).with_name(LOCK_FILE)


def check(request: Request, *, on_port: bool = False) -> None:
    """Raise UsageError for what does not go together, or is out of range."""
    if request.samples is not None:
        check_samples(request.samples)
    check_time_limit(request.time_limit_s)
    if request.cycle is not None and on_port:
        raise UsageError("--every is of an emulated board: leave out --port")
    if request.section is not None and request.elf is None:
        raise UsageError("--section is of your own firmware: name it with --elf")
    if request.elf is None and (request.base is not None or request.skips):
        raise UsageError("--base and --skip are of your own firmware: name it with --elf")
    if request.inputs and request.elf is not None and not (request.benchmarks or request.models):
        raise UsageError(
            "--input with --elf needs a --benchmark or the --model that is in it, which say what "
            "an input is"
        )
    if request.judge_on not in (HOST, EMULATOR):
        raise UsageError(f"--accuracy-on is {request.judge_on}: choose {HOST} or {EMULATOR}")
    if request.dataset is None and request.judge_on != HOST:
        raise UsageError("--accuracy-on is of labelled data: name it with --dataset")
    if request.dataset is not None and (on_port or request.elf is not None):
        raise UsageError(
            "--dataset judges a model on an emulated board: leave out --elf and --port"
        )


def requested_suite(request: Request) -> Suite:
    """The suite that ``request`` says; UsageError where it says none, or two things at once."""
    return _from_file(request) if request.is_by_file else _from_names(request)


def requested_tasks(
    request: Request,
    suite: Suite,
    emulator: Backend,
    progress: Progress = quiet,
    store: Store | None = None,
) -> tuple[Task | Refused, ...]:
    """The tasks of ``suite``, which is that of ``request``, with all that was asked of them.

    Raises as :func:`simbench.suites.suite.suite_tasks`.
    """
    if request.elf is None:
        return _model_tasks(request, suite, emulator, progress, store)
    return tuple(_own_elf(board, request, request.elf) for board in suite.platforms)


def requested_task(
    verb: str,
    request: Request,
    emulator: Backend,
    progress: Progress = quiet,
    store: Store | None = None,
) -> Task:
    """The task of a ``verb`` that takes one benchmark, model or ELF on one board: one inference.

    Raises UsageError where ``request`` says none, and what building and preparing raise.
    """
    if request.elf is not None:
        own = _own_elf(load_platform(request.platforms[0]), request, request.elf)
        return replace(own, inputs=own.inputs[:1])
    task = requested_model(verb, request, emulator, progress, store)
    return replace(task, inputs=task.inputs[:1], real=min(task.real, 1))


def requested_model(
    verb: str,
    request: Request,
    emulator: Backend,
    progress: Progress = quiet,
    store: Store | None = None,
) -> ModelTask:
    """As :func:`requested_task`, of a benchmark or a model, with all its inputs."""
    if not request.benchmarks and not request.models:
        raise UsageError(f"nothing to {verb}: name one --benchmark, or give a --model")
    suite = replace(_from_names(request), samples=1)
    (task,) = _model_tasks(request, suite, emulator, progress, store)
    assert isinstance(task, ModelTask)  # the only model is not refused: that was raised
    return task


def _model_tasks(
    request: Request, suite: Suite, emulator: Backend, progress: Progress, store: Store | None
) -> tuple[ModelTask | Refused, ...]:
    asked = suite_tasks(suite, emulator, progress, store)
    tasks = tuple(entry for entry in asked if isinstance(entry, ModelTask))
    if request.models:
        for task in {task.benchmark.id: task for task in reversed(tasks)}.values():
            progress(changes_said(task))
    if request.samples is None and not request.is_by_file:
        tasks = tuple(map(as_fits, tasks))  # nobody asked for so many
    if request.dataset is not None:
        tasks = _judged(tasks, request.dataset, request)
    made = (replace(task, time_limit_s=request.time_limit_s) for task in tasks)
    return tuple(entry if isinstance(entry, Refused) else next(made) for entry in asked)


def workloads(
    names: Sequence[str], models: Sequence[Path] = (), *, is_judged: bool = False
) -> tuple[Benchmark, ...]:
    """The benchmarks called ``names`` (all where none is), or each of a user's ``models`` as one.

    One name and one model are that benchmark with that model. A model that ``is_judged`` needs a
    name, which says by whose labelled data.
    """
    if not models:
        return benchmarks_called(names or load_benchmarks())
    if not names and not is_judged:
        return own_benchmarks(models)
    if not names:
        raise UsageError(
            "--model with --dataset needs one --benchmark, which says what the data is"
        )
    asked = select_benchmarks(names, {**benchmarks_by_name(), **load_benchmarks()})
    if len(asked) != 1 or len(models) != 1:
        raise UsageError("a --model in place of a --benchmark's own is one for one: name one each")
    return (benchmark_with_model(asked[0], models[0]),)


def changes_said(task: ModelTask) -> str:
    """What preparation changed in a user's model, and what it answers as a benchmark's, a line
    each."""
    changes = task.model.changes
    title = f"{task.benchmark.title} {'was prepared:' if changes else 'is run as it is'}"
    ends = () if task.benchmark.data is None else (ends_said(task.benchmark, task.model),)
    return "\n".join(("\n  ".join((title, *changes)), *ends))


def _from_file(request: Request) -> Suite:
    alone = {"--model": request.models, "--elf": request.elf, "--input": request.inputs}
    for option, value in alone.items():
        if value:
            raise UsageError(f"{option} needs a --platform, and no --suite: a suite names its own")
    suite = read_suite(request.suite_path or Path(SUITE_FILE))
    names = (request.platforms, request.benchmarks, request.kernels)
    asked = narrowed(suite, *names, request.samples)
    return replace(
        asked,
        runtimes=_runtimes(request) if request.runtimes else asked.runtimes,
        toolchains=_toolchains(request) if request.toolchains else asked.toolchains,
    )


def _from_names(request: Request) -> Suite:
    workload = workloads(request.benchmarks, request.models, is_judged=request.dataset is not None)
    if request.inputs and len(workload) > 1:
        raise UsageError("--input needs one --benchmark, or a --model: inputs are made for one")
    return Suite(
        platforms=tuple(map(load_platform, platform_names(request.platforms))),
        benchmarks=workload,
        kernels=kernel_sets(request.kernels or (DEFAULT_KERNELS,)),
        runtimes=_runtimes(request),
        toolchains=_toolchains(request),
        samples=DEFAULT_SAMPLES if request.samples is None else request.samples,
        inputs={workload[0].id: tuple(request.inputs)} if request.inputs else {},
    )


def _runtimes(request: Request) -> tuple[str, ...]:
    return chosen("runtime", request.runtimes or (OWN_RUNTIME,), runtime_names())


def _toolchains(request: Request) -> tuple[str, ...]:
    return toolchains_called(request.toolchains or (PINNED_TOOLCHAIN,))


def _own_elf(board: Platform, request: Request, elf: Path) -> ElfTask:
    """A user's firmware, which is sent inputs of the one benchmark, or model, that is named."""
    names, models = request.benchmarks, request.models
    if len(models) > 1:
        raise UsageError("--elf takes one --model: the one that is in it")
    if len(names) > 1 or not (names or models or request.section is not None):
        raise UsageError(
            "--elf needs one --benchmark, which says what input the firmware gets, or the --model "
            "that is in it, or a --section that it passes without any"
        )
    benchmark = workloads(names, models)[0] if names or models else None
    id_ = (benchmark or own_benchmark(elf)).id
    if request.section is not None:
        id_ = of_section(id_, request.section)
    scenario = Scenario(id_, board.id, Variant(OWN_ELF))
    compared = DEFAULT_SAMPLES if request.samples is None else request.samples
    task = own_elf_task(
        *(scenario, board, benchmark, elf, request.section, request.base, request.skips),
        samples=compared if models and request.section is None else 1,
        given=request.inputs,
    )
    return replace(task, time_limit_s=request.time_limit_s)


def _judged(tasks: Sequence[ModelTask], dataset: str, request: Request) -> tuple[ModelTask, ...]:
    """``tasks`` with the data that each is judged by; UsageError where that is amiss."""
    from simbench.accuracy.data import data_sets  # takes long to import

    def judged_by(task: ModelTask, data: DataSet) -> ModelTask:
        notes = (*task.notes, *data.notes)
        return replace(task, data=data, judge_on=request.judge_on, notes=notes)

    sets = data_sets(tasks, dataset)
    return tuple(judged_by(task, sets[task.benchmark.id]) for task in tasks)
