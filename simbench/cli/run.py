"""``simbench run``: benchmarks on emulated boards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console

from simbench.backends import Backend, backend
from simbench.catalog.scenario import DEFAULT_KERNELS
from simbench.cli.console import console, log_to
from simbench.cli.formats import JSON, export_option, outputs, write_all
from simbench.cli.many import Many, check_alone, many_options, run_many
from simbench.cli.names import BENCHMARK, KERNELS, PLATFORM
from simbench.cli.options import (
    CHECK_LOCK,
    WRITE_LOCK,
    accuracy_on_option,
    backend_option,
    base_option,
    chosen_store,
    dataset_option,
    elf_option,
    input_option,
    lock_option,
    locked_option,
    model_option,
    no_cache_option,
    runtime_option,
    section_option,
    skip_option,
    suite_option,
    time_limit_option,
    toolchain_option,
)
from simbench.cli.output import OutputFile, Unwritten
from simbench.cli.progress import progress_bar
from simbench.cli.tables.results import results_table
from simbench.cli.tables.run import run_tables
from simbench.errors import EXIT_GOOD, EXIT_INFRASTRUCTURE, EXIT_USAGE, EXIT_WRONG, UsageError
from simbench.exports import RUN, formats
from simbench.exports import json as json_export
from simbench.files.fetch import Progress
from simbench.firmware.build import kernel_sets
from simbench.result.tree import ERROR, FAILED, UNSUPPORTED, Result, Run
from simbench.result.units import format_accuracy
from simbench.runs.plan import Plan, performed, planned
from simbench.runs.priced import Ran
from simbench.search.asked import Asked
from simbench.store import Store
from simbench.suites import lock
from simbench.suites.budgets import breaches
from simbench.suites.request import Request, check
from simbench.task.tasks import DEFAULT_SAMPLES, Task

FORMATS = formats(RUN)

_DEFAULT_BAUD = 115_200
_CODES = ((ERROR, EXIT_INFRASTRUCTURE), (FAILED, EXIT_WRONG), (UNSUPPORTED, EXIT_USAGE))
"""What a status ends with, the gravest first."""


@click.command(name="run")
@click.option(
    "--platform",
    "platforms",
    type=PLATFORM,
    multiple=True,
    metavar="NAME",
    help="Platform to emulate: a name, a pattern, 'all', or your own YAML file (repeat).",
)
@click.option(
    "--benchmark",
    "benchmarks",
    type=BENCHMARK,
    multiple=True,
    metavar="NAME",
    help="Benchmark to run (repeat). Default: all.",
)
@click.option(
    "--kernels",
    type=KERNELS,
    multiple=True,
    metavar="NAME",
    help=f"Kernel set of the firmware (repeat). Default: {DEFAULT_KERNELS}.",
)
@runtime_option(multiple=True)
@toolchain_option(multiple=True)
@click.option(
    "--samples",
    type=int,
    help="Seeded inputs whose outputs are compared with the host's, bit for bit. "
    f"Default: {DEFAULT_SAMPLES}.",
)
@model_option(multiple=True)
@many_options
@elf_option
@section_option
@base_option
@skip_option
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
@click.option(
    "--every",
    metavar="TIME",
    help="An inference every so often, with sleep between: 1s, 250ms, 10min. Shows the mean power "
    "and the time to spare.",
)
@click.option(
    "--battery", metavar="CHARGE@VOLTAGE", help="With --every: how long a battery lasts: 225mAh@3V."
)
@click.option(
    "--sleep",
    metavar="CURRENT",
    help="With --every: what the board takes asleep, instead of the platform's: 2.5uA.",
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
@export_option(FORMATS)
def command(
    platforms: tuple[str, ...],
    benchmarks: tuple[str, ...],
    kernels: tuple[str, ...],
    runtimes: tuple[str, ...],
    toolchains: tuple[str, ...],
    samples: int | None,
    models: tuple[Path, ...],
    elf: Path | None,
    section: str | None,
    base: int | None,
    skips: tuple[str, ...],
    inputs: tuple[Path, ...],
    port: str | None,
    baud: int,
    every: str | None,
    battery: str | None,
    sleep: str | None,
    dataset: str | None,
    judge_on: str,
    backend_name: str,
    time_limit: float,
    no_cache: bool,
    suite_path: Path | None,
    locking: str | None,
    json_path: str | None,
    exports: tuple[str, ...],
    many: Many | None,
) -> int:
    """Run benchmarks on emulated boards: outputs checked, counts exact, cycles and energy modelled.

    \b
    Examples:
      simbench run --platform stm32f4
      simbench run --platform stm32f4 --benchmark kws --kernels reference
      simbench run --platform stm32f4 --model my_model.tflite --samples 20
      simbench run --platform all --model my_model.tflite
      simbench run --platform all --models candidates/ --parquet rows.parquet
      simbench run --platform stm32f4 --benchmark kws --model kws_ref_model.tflite
      simbench run --platform stm32f4 --benchmark ic --input cat.png --input dog.png
      simbench run --platform stm32f4 --elf app.elf --benchmark kws
      simbench run --platform stm32f4 --elf app.elf --section begin=start_fft,end=send
      simbench run --platform stm32f4 --benchmark vww --dataset smoke
      simbench run --platform nrf52840 --benchmark kws --every 1s --battery 225mAh@3V
      simbench run --suite simbench.yaml --benchmark kws
      simbench run --platform stm32l4r5 --benchmark kws --port /dev/ttyACM0
      simbench run --platform stm32f4 --json - | jq '.results[].cycles.value'
      simbench run --platform stm32f4 --export junit=simbench.xml
    """
    request = Request(
        platforms=platforms,
        benchmarks=benchmarks,
        kernels=kernels,
        runtimes=runtimes,
        toolchains=toolchains,
        samples=samples,
        models=models,
        inputs=inputs,
        elf=elf,
        section=section,
        base=base,
        skips=skips,
        dataset=dataset,
        judge_on=judge_on,
        suite_path=suite_path,
        time_limit_s=time_limit,
        every=every,
        battery=battery,
        sleep=sleep,
    )
    check(request, on_port=port is not None)
    if many is not None:
        given = {"--port": port, "--lock, --locked": locking, "--json": json_path}
        check_alone({**_of_few(request), **given, "--export": exports})
        asked = _asked(request, many, backend_name)
        return run_many(many, asked, chosen_store(no_cache=no_cache))
    files = outputs(json_path, exports, FORMATS)
    log, store = log_to(console(stderr=True)), chosen_store(no_cache=no_cache)
    if port is not None:
        from simbench.runs.on_port import run_on_port  # a real board is rare

        title, run = run_on_port(request, port, baud, store, log)
        table = results_table(title, run.results)
        write_all(files, lambda form: FORMATS[form](run), lambda: console().print(table))
        return _verdict(run.results)
    emulator = backend(backend_name)
    plan = planned(request, emulator, store, progress=log)
    if locking == CHECK_LOCK:
        lock.check(request.lock_path, plan.tasks)
    run = _followed(plan, emulator, store, [file for form, file in files if form == JSON])
    write_all(files, lambda form: FORMATS[form](run), lambda: _report(run, plan.tasks))
    if locking == WRITE_LOCK:
        OutputFile(str(request.lock_path)).write(lock.render(plan.tasks))
    return _verdict(run.results)


def _of_few(request: Request) -> Mapping[str, object]:
    """What of ``request`` is not of many models, by the option."""
    return {
        "--benchmark": request.benchmarks,
        "--runtime": request.runtimes,
        "--toolchain": request.toolchains,
        "--samples": request.samples,
        "--model": request.models,
        "--elf": request.elf,
        "--input": request.inputs,
        "--dataset": request.dataset,
        "--suite": request.suite_path,
    }


def _asked(request: Request, many: Many, backend_name: str) -> Asked:
    kernels = request.kernels or (DEFAULT_KERNELS,)
    if len(kernels) > 1:
        raise UsageError("--models takes one kernel set: give one --kernels")
    return Asked(
        platforms=tuple(request.platforms),
        kernels=kernel_sets(kernels)[0],
        parity=many.parity,
        layers=many.layers,
        backend=backend_name,
        time_limit_s=request.time_limit_s,
    )


def _followed(
    plan: Plan, emulator: Backend, store: Store | None, kept: Sequence[OutputFile]
) -> Run:
    """The run of ``plan``, told as it goes; the JSON of ``kept`` is up to date at every moment."""
    terminal, run = console(stderr=True), plan.run
    log = log_to(terminal)
    _keep(run, kept, log)
    with progress_bar(terminal) as progress:
        bar = progress.add_task("simulating", total=len(plan.tasks))
        for ran, run in performed(plan, emulator, store):
            _keep(run, kept, log)
            progress.advance(bar)
            _log(ran, terminal)
            for note in ran.notes:
                log(note)
    return run


def _keep(run: Run, files: Sequence[OutputFile], log: Progress) -> None:
    """Write what there is; a file that cannot be is told now, and ends the run when it is over."""
    for file in files:
        try:
            file.write(json_export.render(run))
        except Unwritten as error:
            log(str(error))


def _log(ran: Ran, terminal: Console) -> None:
    source = " (counts from the store)" if ran.is_cached else ""
    if source or not terminal.is_terminal:
        terminal.print(f"{ran.result.id}: {ran.result.status}{source}", highlight=False)


def _report(run: Run, tasks: Sequence[Task]) -> None:
    titles = {task.platform.id: task.platform.heading for task in tasks}
    for table in run_tables(run.results, titles):
        console().print(table)


def _verdict(results: Sequence[Result]) -> int:
    """The exit code; where it is not 0, the last lines on standard error say why."""
    for status, code in _CODES:
        bad = [result for result in results if result.status == status]
        if bad:
            click.echo(f"simbench: {bad[0].id}: {bad[0].reason}", err=True)
            return code
    broken = [
        sentence for result in results for sentence in (*breaches(result), *_missed_target(result))
    ]
    for sentence in broken:
        click.echo(f"simbench: {sentence}", err=True)
    return EXIT_WRONG if broken else EXIT_GOOD


def _missed_target(result: Result) -> Iterator[str]:
    """A sentence where the accuracy of ``result`` is below its target."""
    accuracy = result.accuracy
    if accuracy is not None and accuracy.passed is False:
        yield f"{result.id}: {format_accuracy(accuracy)}"
