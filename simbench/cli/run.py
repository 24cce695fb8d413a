"""``simbench run``: benchmarks on emulated boards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from simbench import __version__
from simbench.backends import Backend, backend
from simbench.benchmarks import Benchmark
from simbench.cli.output import OutputFile
from simbench.cli.table import results_table
from simbench.cli.workload import (
    OWN_ELF,
    backend_option,
    environment,
    kernel_set,
    time_limit_option,
    workloads,
)
from simbench.errors import EXIT_GOOD, EXIT_INFRASTRUCTURE, EXIT_WRONG, NothingRun, UsageError
from simbench.exports import json as json_export
from simbench.platforms import Platform, load_platform
from simbench.results import ERROR, FAILED, Result, Run
from simbench.runner import run_tasks, settings
from simbench.scenario import DEFAULT_KERNELS, Scenario, cross
from simbench.tasks import (
    DEFAULT_SAMPLES,
    Task,
    check_samples,
    own_elf_task,
    suite_task,
)


@click.command(name="run")
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    required=True,
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
    default=(DEFAULT_KERNELS,),
    show_default=DEFAULT_KERNELS,
    help="Kernel set of the firmware (repeat).",
)
@click.option(
    "--samples",
    type=int,
    default=DEFAULT_SAMPLES,
    show_default=True,
    help="Seeded inputs whose outputs are compared with the host's, bit for bit.",
)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own .tflite instead of a benchmark's model.",
)
@click.option(
    "--elf",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own firmware, on the board's own emulated machine.",
)
@backend_option
@time_limit_option
@click.option(
    "--json",
    "json_path",
    metavar="PATH",
    help="Write the results as JSON; '-' is standard output, instead of the table.",
)
def command(
    platforms: tuple[str, ...],
    benchmarks: tuple[str, ...],
    kernels: tuple[str, ...],
    samples: int,
    model: Path | None,
    elf: Path | None,
    backend_name: str,
    time_limit: float,
    json_path: str | None,
) -> int:
    """Run benchmarks on emulated boards: outputs checked, counts exact, cycles and energy modelled.

    \b
    Examples:
      simbench run --platform stm32f4
      simbench run --platform stm32f4 --benchmark kws --kernels reference
      simbench run --platform stm32f4 --model my_model.tflite --samples 20
      simbench run --platform stm32f4 --elf app.elf --benchmark kws
      simbench run --platform stm32f4 --json - | jq '.results[].cycles.value'
    """
    check_samples(samples)
    output = OutputFile(json_path) if json_path else None
    emulator = backend(backend_name)
    chosen = workloads(benchmarks, model)
    console = Console(stderr=True)
    boards = {board.id: board for board in map(load_platform, platforms)}
    if elf is not None:
        scenarios = cross(tuple(boards), [_only(chosen, benchmarks).id], [OWN_ELF])
    else:
        names = [kernel_set(name) for name in kernels]
        scenarios = cross(tuple(boards), [benchmark.id for benchmark in chosen], names)
    found = _tasks(scenarios, boards, chosen, emulator, samples, elf, console)
    tasks = tuple(replace(task, time_limit_s=time_limit) for task in found)
    run = Run(
        tool={"name": "simbench", "version": __version__},
        environment=environment(emulator),
        settings=settings(tasks, backend_name, samples),
        results=(),
    )
    run = _perform(run, tasks, emulator, output, console)
    return _verdict(run.results)


def _only(chosen: Sequence[Benchmark], names: Sequence[str]) -> Benchmark:
    if len(names) != 1:
        raise UsageError("--elf needs one --benchmark: it says which input the firmware gets")
    return chosen[0]


def _tasks(
    scenarios: Iterable[Scenario],
    boards: Mapping[str, Platform],
    chosen: Sequence[Benchmark],
    emulator: Backend,
    samples: int,
    elf: Path | None,
    console: Console,
) -> tuple[Task, ...]:
    benchmarks = {benchmark.id: benchmark for benchmark in chosen}
    tasks = []
    for scenario in scenarios:
        board = boards[scenario.platform]
        workload = benchmarks[scenario.benchmark]
        if elf is not None:
            tasks.append(own_elf_task(scenario, board, workload, elf))
            continue
        tasks.append(
            suite_task(
                scenario,
                board,
                workload,
                emulator.machine(board.core),
                samples,
                lambda message: console.print(message, style="dim"),
            )
        )
    return tuple(tasks)


def _perform(
    run: Run, tasks: Sequence[Task], emulator: Backend, output: OutputFile | None, console: Console
) -> Run:
    """Run the tasks; keep the results in the order of the tasks, and the JSON up to date."""
    order = [task.scenario.id for task in tasks]
    if output is not None:
        output.write(json_export.render(run))
    done: dict[str, Result] = {}
    with _progress(console) as progress:
        bar = progress.add_task("simulating", total=len(tasks))
        for result in run_tasks(tasks, emulator):
            done[result.id] = result
            run = replace(run, results=tuple(done[id_] for id_ in order if id_ in done))
            if output is not None:
                output.write(json_export.render(run))
            progress.advance(bar)
            if not console.is_terminal:
                console.print(f"{result.id}: {result.status}", highlight=False)
    if not run.results:
        raise NothingRun("nothing was run: name at least one benchmark and one platform")
    _show(run, tasks, output)
    return run


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _show(run: Run, tasks: Sequence[Task], output: OutputFile | None) -> None:
    if output is not None:
        output.close()
        if output.is_stdout:
            return
    console = Console()
    for task in {(t.platform.id, t.scenario.kernels): t for t in tasks}.values():
        board, kernels = task.platform, task.scenario.kernels
        rows = [r for r in run.results if (r.platform, r.kernels) == (board.id, kernels)]
        title = f"{board.title}, {kernels} kernels"
        console.print(results_table(title, rows))


def _verdict(results: Sequence[Result]) -> int:
    """The exit code; where it is not 0, the last line on standard error says why."""
    for status, code in ((ERROR, EXIT_INFRASTRUCTURE), (FAILED, EXIT_WRONG)):
        bad = [result for result in results if result.status == status]
        if bad:
            click.echo(f"simbench: {bad[0].id}: {bad[0].reason}", err=True)
            return code
    return EXIT_GOOD
