"""``simbench run``: benchmarks on emulated boards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from simbench import __version__
from simbench.backends import backend
from simbench.catalog.scenario import DEFAULT_KERNELS
from simbench.cli.formats import JSON, export_option, outputs, write_all
from simbench.cli.labelled import (
    accuracy_on_option,
    check_labelled,
    dataset_option,
    missed_target,
    with_labelled,
)
from simbench.cli.output import OutputFile
from simbench.cli.progress import progress_bar
from simbench.cli.suite import (
    CHECK_LOCK,
    WRITE_LOCK,
    Asked,
    asked_suite,
    lock_option,
    locked_option,
    suite_option,
)
from simbench.cli.tables.results import results_table
from simbench.cli.workload import (
    backend_option,
    check_own_elf,
    chosen_store,
    elf_option,
    environment,
    input_option,
    model_option,
    no_cache_option,
    own_elf,
    say_changes,
    section_option,
    teller,
    time_limit_option,
)
from simbench.errors import EXIT_GOOD, EXIT_INFRASTRUCTURE, EXIT_WRONG, NothingRun
from simbench.exports import RUN_FORMATS
from simbench.exports import json as json_export
from simbench.result.tree import ERROR, FAILED, Result, Run
from simbench.runs.priced import Ran
from simbench.runs.runner import run_tasks, settings
from simbench.suites import lock
from simbench.suites.budgets import breaches, held
from simbench.suites.suite import suite_tasks
from simbench.task.tasks import (
    DEFAULT_SAMPLES,
    Task,
    check_samples,
)

_DEFAULT_BAUD = 115_200


@click.command(name="run")
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="NAME",
    help="Board to emulate: a name, or your own YAML file (repeat).",
)
@click.option(
    "--benchmark",
    "benchmarks",
    multiple=True,
    metavar="NAME",
    help="Benchmark to run (repeat). Default: all.",
)
@click.option(
    "--kernels",
    multiple=True,
    metavar="NAME",
    help=f"Kernel set of the firmware (repeat). Default: {DEFAULT_KERNELS}.",
)
@click.option(
    "--samples",
    type=int,
    help="Seeded inputs whose outputs are compared with the host's, bit for bit. "
    f"Default: {DEFAULT_SAMPLES}.",
)
@model_option
@elf_option
@section_option
@input_option(multiple=True)
@click.option(
    "--port",
    metavar="DEVICE",
    help="Measure a real board on this serial port instead of emulating it.",
)
@click.option(
    "--baud",
    type=click.IntRange(min=1),
    default=_DEFAULT_BAUD,
    show_default=True,
    help="Baud rate of --port.",
)
@dataset_option
@accuracy_on_option
@backend_option
@time_limit_option
@no_cache_option
@suite_option
@lock_option
@locked_option
@click.option(
    "--json",
    "json_path",
    metavar="PATH",
    help="Write the results as JSON; '-' is standard output, instead of the table.",
)
@export_option(RUN_FORMATS)
def command(
    platforms: tuple[str, ...],
    benchmarks: tuple[str, ...],
    kernels: tuple[str, ...],
    samples: int | None,
    model: Path | None,
    elf: Path | None,
    section: str | None,
    inputs: tuple[Path, ...],
    port: str | None,
    baud: int,
    dataset: str | None,
    judge_on: str,
    backend_name: str,
    time_limit: float,
    no_cache: bool,
    suite_path: Path | None,
    locking: str | None,
    json_path: str | None,
    exports: tuple[str, ...],
) -> int:
    """Run benchmarks on emulated boards: outputs checked, counts exact, cycles and energy modelled.

    \b
    Examples:
      simbench run --platform stm32f4
      simbench run --platform stm32f4 --benchmark kws --kernels reference
      simbench run --platform stm32f4 --model my_model.tflite --samples 20
      simbench run --platform stm32f4 --benchmark ic --input cat.png --input dog.png
      simbench run --platform stm32f4 --elf app.elf --benchmark kws
      simbench run --platform stm32f4 --elf app.elf --section begin=start_fft,end=send
      simbench run --platform stm32f4 --benchmark vww --dataset smoke
      simbench run --suite simbench.yaml --benchmark kws
      simbench run --platform stm32l4r5 --benchmark kws --port /dev/ttyACM0
      simbench run --platform stm32f4 --json - | jq '.results[].cycles.value'
      simbench run --platform stm32f4 --export junit=simbench.xml
    """
    if samples is not None:
        check_samples(samples)
    check_own_elf(elf, section, has_input=bool(inputs))
    check_labelled(dataset, judge_on, is_emulated_model=elf is None and port is None)
    files = outputs(json_path, exports, RUN_FORMATS)
    emulator = backend(backend_name)
    asked = Asked(suite_path, platforms, benchmarks, kernels, samples, model, elf, inputs, dataset)
    console = Console(stderr=True, emoji=False)
    store = chosen_store(no_cache=no_cache)
    if port is not None:
        from simbench.cli.port import run_on_port  # a real board is rare

        title, run = run_on_port(asked, port, baud, time_limit, store, console)
        if not write_all(files, RUN_FORMATS, run):
            Console(emoji=False).print(results_table(title, run.results))
        return _verdict(run.results)
    suite = asked_suite(asked)
    if elf is not None:
        found = tuple(own_elf(b, benchmarks, model, elf, section) for b in suite.platforms)
    else:
        found = suite_tasks(suite, emulator, teller(console), store)
        if model is not None:
            say_changes(found[0], console)
    found = with_labelled(found, dataset, judge_on)
    tasks = tuple(replace(task, time_limit_s=time_limit) for task in found)
    run = Run(
        tool={"name": "simbench", "version": __version__},
        environment=environment(emulator),
        settings=settings(tasks, emulator.name, suite.samples),
        results=(),
    )
    if locking == CHECK_LOCK:
        lock.check(asked.lock_path, tasks)
    came = run_tasks(tasks, emulator, store)
    held_up = (replace(ran, result=held(ran.result, suite.limits)) for ran in came)
    kept = [file for form, file in files if form == JSON]
    run = _perform(run, tasks, held_up, kept, console)
    if not write_all(files, RUN_FORMATS, run):
        _show(run, tasks)
    if locking == WRITE_LOCK:
        OutputFile(str(asked.lock_path)).write(lock.render(tasks))
    return _verdict(run.results)


def _perform(
    run: Run,
    tasks: Sequence[Task],
    results: Iterable[Ran],
    kept: Sequence[OutputFile],
    console: Console,
) -> Run:
    """Run the tasks; keep the results in the order of the tasks, and the JSON up to date."""
    order = [task.scenario.id for task in tasks]
    for file in kept:
        file.write(json_export.render(run))
    done: dict[str, Ran] = {}
    tell = teller(console)
    with progress_bar(console) as progress:
        bar = progress.add_task("simulating", total=len(tasks))
        for ran in results:
            done[ran.result.id] = ran
            came = [done[id_] for id_ in order if id_ in done]
            run = _with_results(run, came)
            for file in kept:
                file.write(json_export.render(run))
            progress.advance(bar)
            _say(ran, console)
            for note in ran.notes:
                tell(note)
    if not run.results:
        raise NothingRun("nothing was run: name at least one benchmark and one platform")
    return run


def _with_results(run: Run, came: Sequence[Ran]) -> Run:
    """Where counts came from is a host fact: it is outside the fingerprint."""
    stored = [ran.result.id for ran in came if ran.is_cached]
    environment = {**run.environment, "from_store": stored}
    return replace(run, environment=environment, results=tuple(ran.result for ran in came))


def _say(ran: Ran, console: Console) -> None:
    source = " (counts from the store)" if ran.is_cached else ""
    if source or not console.is_terminal:
        console.print(f"{ran.result.id}: {ran.result.status}{source}", highlight=False)


def _show(run: Run, tasks: Sequence[Task]) -> None:
    console = Console(emoji=False)
    for task in {(t.platform.id, t.scenario.kernels): t for t in tasks}.values():
        board, kernels = task.platform, task.scenario.kernels
        rows = [r for r in run.results if (r.platform, r.kernels) == (board.id, kernels)]
        title = f"{board.title}, {kernels} kernels"
        console.print(results_table(title, rows))


def _verdict(results: Sequence[Result]) -> int:
    """The exit code; where it is not 0, the last lines on standard error say why."""
    for status, code in ((ERROR, EXIT_INFRASTRUCTURE), (FAILED, EXIT_WRONG)):
        bad = [result for result in results if result.status == status]
        if bad:
            click.echo(f"simbench: {bad[0].id}: {bad[0].reason}", err=True)
            return code
    broken = [
        sentence for result in results for sentence in (*breaches(result), *missed_target(result))
    ]
    for sentence in broken:
        click.echo(f"simbench: {sentence}", err=True)
    return EXIT_WRONG if broken else EXIT_GOOD
