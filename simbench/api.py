"""simbench from Python: the verbs of the command line as functions, with its options as keywords.

What can be given several times there is one value or a list here. Results are immutable, show
themselves in a notebook, and turn into rows and pandas DataFrames. Mistakes raise
:class:`simbench.errors.SimbenchError` with the sentence that the command line says; nothing is
printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from simbench.backends import backend as backend_called
from simbench.backends import pricing_backend
from simbench.catalog.scenario import DEFAULT_KERNELS, OWN_RUNTIME, PINNED_TOOLCHAIN
from simbench.comparisons.checked import compare_alike
from simbench.comparisons.comparison import Comparison
from simbench.comparisons.thresholds import parse_threshold
from simbench.errors import SimbenchError, UsageError
from simbench.exports.sweep_document import SCHEMA as SWEEP
from simbench.profiles import Profile
from simbench.result.stored import converted, read_document, read_stored, stored_run
from simbench.result.tree import SCHEMA as RESULT
from simbench.runs.outcome import Outcome
from simbench.runs.plan import performed, planned
from simbench.runs.profiler import SCHEMA as PROFILE
from simbench.runs.profiler import profile_task
from simbench.search.model import Models
from simbench.search.row import ModelRow
from simbench.store import Store, default_store
from simbench.suites.budgets import Limit, metric_limit
from simbench.suites.request import Request, check, requested_task
from simbench.sweeps.api import sweep, sweep_study
from simbench.sweeps.stored import sweep_of
from simbench.sweeps.sweep import Sweep, SweepPoints
from simbench.task.labelled import HOST
from simbench.task.tasks import DEFAULT_TIME_LIMIT_S

__all__ = [
    "Comparison",
    "ModelRow",
    "Outcome",
    "Profile",
    "SimbenchError",
    "Sweep",
    "SweepPoints",
    "compare",
    "measure",
    "profile",
    "read",
    "run",
    "sweep",
    "sweep_study",
]

File = str | Path


def run(
    *,
    platform: File | Sequence[File] = (),
    benchmark: str | Sequence[str] = (),
    model: File | Sequence[File] | None = None,
    kernels: str | Sequence[str] = (),
    runtime: str | Sequence[str] = (),
    toolchain: str | Sequence[str] = (),
    samples: int | None = None,
    input: File | Sequence[File] = (),
    elf: File | None = None,
    section: str | None = None,
    base: int | None = None,
    skip: str | Sequence[str] = (),
    dataset: File | None = None,
    accuracy_on: str = HOST,
    suite: File | None = None,
    budgets: Mapping[str, float | str] | None = None,
    every: str | None = None,
    battery: str | None = None,
    sleep: str | None = None,
    backend: str = "qemu",
    time_limit: float = DEFAULT_TIME_LIMIT_S,
    no_cache: bool = False,
) -> Outcome:
    """Run benchmarks, or a user's own ``model`` or ``elf``, on emulated boards.

    Keywords are the options of ``simbench run``, with the same defaults: without a ``platform``, a
    suite file says what to run. ``budgets`` are written as in a suite file, and hold for every
    result: ``{"cycles": 12e6, "energy_j": "5mJ"}``. Wrong outputs, a model that does not fit, one
    that is refused beside others and an emulator that fails are results, with a status. Raises
    UsageError for a mistake, NothingRun where there is nothing to run, and InfrastructureError
    where no firmware can be built.
    """
    request = Request(
        platforms=tuple(map(str, _files(platform))),
        benchmarks=_names(benchmark),
        kernels=_names(kernels),
        runtimes=_names(runtime),
        toolchains=_names(toolchain),
        samples=samples,
        models=() if model is None else tuple(map(Path, _files(model))),
        inputs=tuple(map(Path, _files(input))),
        elf=_path(elf),
        section=section,
        base=base,
        skips=_names(skip),
        dataset=None if dataset is None else str(dataset),
        judge_on=accuracy_on,
        suite_path=_path(suite),
        time_limit_s=time_limit,
        every=every,
        battery=battery,
        sleep=sleep,
    )
    check(request)
    emulator, store = backend_called(backend), _store(no_cache)
    plan = planned(request, emulator, store, tuple(_limits(budgets or {})))
    came = list(performed(plan, emulator, store))
    notes = (note for ran, _ in came for note in ran.notes)
    return Outcome(came[-1][1], tuple(dict.fromkeys(notes)))


def measure(
    models: Models,
    *,
    platforms: File | Sequence[File],
    kernels: str = DEFAULT_KERNELS,
    parity: str = "one",
    layers: bool = False,
    jobs: int | None = None,
    scheduler: str | None = None,
    backend: str = "qemu",
    time_limit: float = DEFAULT_TIME_LIMIT_S,
    no_cache: bool = False,
) -> Iterator[ModelRow]:
    """What each of ``models`` costs on each of ``platforms``: rows, as they come, model by model.

    ``models`` are a folder, a pattern of files, several files, or the bytes of models by name. The
    numbers are those of :func:`run`. A model that is damaged, refused or too large is rows with a
    status; one that is there twice is measured once. What was measured is kept and not measured
    again, unless ``no_cache``. ``parity`` is how many outputs are compared with the host's: "none",
    "one" or "all" that :func:`run` compares. Processes that measure, one for each core or ``jobs``,
    stay up for the next call; with the ``scheduler`` of a dask cluster ("tcp://host:port") its
    workers measure. Raises UsageError for a mistake, and InfrastructureError where no firmware can
    be built, or no worker is there, before any model is measured.
    """
    from simbench.search.asked import Asked  # few search
    from simbench.search.model import listed
    from simbench.search.run import search

    asked = Asked(tuple(map(str, _files(platforms))), kernels, parity, layers, backend, time_limit)
    came = search(listed(models), asked, _store(no_cache), jobs, scheduler=scheduler)
    return (row for model in came for row in model.rows)


def profile(
    *,
    platform: File,
    benchmark: str | None = None,
    model: File | None = None,
    elf: File | None = None,
    kernels: str = DEFAULT_KERNELS,
    runtime: str = OWN_RUNTIME,
    toolchain: str = PINNED_TOOLCHAIN,
    section: str | None = None,
    base: int | None = None,
    skip: str | Sequence[str] = (),
    input: File | None = None,
    backend: str = "qemu",
    time_limit: float = DEFAULT_TIME_LIMIT_S,
    no_cache: bool = False,
) -> Profile:
    """Where the cycles and joules of one inference go: layers, functions, lines, memory.

    Keywords are the options of ``simbench profile``. A wrong output and a model that does not fit
    are in the profile's ``status``. Raises UsageError for a mistake, and InfrastructureError where
    the emulator fails.
    """
    emulator, store = pricing_backend(backend), _store(no_cache)
    request = Request(
        platforms=(str(platform),),
        benchmarks=() if benchmark is None else (benchmark,),
        kernels=(kernels,),
        runtimes=(runtime,),
        toolchains=(toolchain,),
        models=() if model is None else (Path(model),),
        inputs=() if input is None else (Path(input),),
        elf=_path(elf),
        section=section,
        base=base,
        skips=_names(skip),
        time_limit_s=time_limit,
    )
    check(request)
    task = requested_task("profile", request, emulator, store=store)
    done = profile_task(task, emulator, store)
    return replace(done.profile, notes=(*done.profile.notes, *done.notes))


def compare(
    base: Outcome | File,
    new: Outcome | File,
    *,
    only: str = "*",
    name: str | None = None,
    fail_on: str | Sequence[str] = (),
    force: bool = False,
) -> Comparison:
    """What changed between two runs, or the JSON files of two, and why.

    ``only`` chooses entries ("kws@stm32f4"); ``name`` is what the only model of each is called;
    ``fail_on`` are thresholds ("cycles:+1%"), and ``breaches`` of the comparison says which are
    exceeded. Raises NothingRun where no entry is in both, and UsageError for a mistake and where
    the two were not run alike, but with ``force``.
    """
    limits = tuple(map(parse_threshold, _names(fail_on)))
    runs = tuple(each if isinstance(each, Outcome) else _stored(each) for each in (base, new))
    before, after = (each.run for each in runs)
    comparison = compare_alike(before, after, only=only, name=name, thresholds=limits, force=force)
    notes = (note for each in runs for note in each.warnings)
    return replace(comparison, notes=(*comparison.notes, *notes))


def read(path: File) -> Outcome | Profile | SweepPoints:
    """What the JSON of ``simbench run``, ``profile`` or ``sweep`` at ``path`` holds.

    What is odd about the file, such as an edit, is in its ``warnings`` (of a profile, ``notes``).
    Raises UsageError where it holds something else, is damaged, or is newer than this simbench.
    """
    document = read_document(Path(path), {RESULT: "run", PROFILE: "profile", SWEEP: "sweep"})
    if document.schema == SWEEP:
        return sweep_of(document)
    if document.schema == PROFILE:
        found = converted(document, Profile)
        return replace(found, notes=(*found.notes, *document.notes))
    stored = stored_run(document)
    return Outcome(stored.run, stored.notes)


def _stored(path: File) -> Outcome:
    stored = read_stored(Path(path))
    return Outcome(stored.run, stored.notes)


def _limits(budgets: Mapping[str, float | str]) -> Iterable[Limit]:
    for metric, text in budgets.items():
        try:
            yield Limit("*", metric, metric_limit(metric, str(text)))
        except ValueError as error:
            raise UsageError(str(error)) from None


def _names(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _files(files: File | Sequence[File]) -> tuple[File, ...]:
    return (files,) if isinstance(files, str | Path) else tuple(files)


def _path(file: File | None) -> Path | None:
    return None if file is None else Path(file)


def _store(no_cache: bool) -> Store | None:
    return None if no_cache else default_store()
