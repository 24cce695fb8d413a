"""``simbench sweep``: what-if studies, thousands of prices from a few simulations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from simbench.backends import Backend, pricing_backend
from simbench.catalog.benchmarks import benchmarks_called
from simbench.catalog.platforms import platform_names
from simbench.catalog.scenario import DEFAULT_KERNELS
from simbench.cli.console import console, log_to
from simbench.cli.formats import Files, export_option, outputs, write_all
from simbench.cli.names import BENCHMARK, KERNELS, PLATFORM
from simbench.cli.options import (
    backend_option,
    chosen_scheduler,
    chosen_store,
    executor_options,
    model_option,
    no_cache_option,
    time_limit_option,
    toolchain_option,
)
from simbench.cli.output import STDOUT
from simbench.cli.progress import progress_bar
from simbench.cli.tables.sweep import sweep_tables
from simbench.errors import EXIT_GOOD, EXIT_INFRASTRUCTURE, EXIT_WRONG, UsageError
from simbench.exports import SWEEP, formats
from simbench.exports.sweep import Swept
from simbench.files.fetch import Progress
from simbench.firmware.build import kernel_sets
from simbench.firmware.toolchain import toolchains_called
from simbench.result.tree import ERROR
from simbench.result.units import format_count
from simbench.runs.provenance import environment
from simbench.suites.request import workloads
from simbench.sweeps.axes import Group, check_groups, group, parse_axis
from simbench.sweeps.files import check_parquet
from simbench.sweeps.run import run_study
from simbench.sweeps.simulate import LOCAL, Executor
from simbench.sweeps.study import (
    Study,
    parse_fraction,
    parse_goal,
    parse_objectives,
    read_study,
)
from simbench.sweeps.sweep import Sweep

FORMATS = formats(SWEEP)


@click.command(name="sweep")
@click.argument("study", type=click.Path(path_type=Path), required=False)
@click.option(
    "--platform",
    "platforms",
    type=PLATFORM,
    multiple=True,
    metavar="NAME",
    help="Platform: a name, a pattern such as 'stm32*', or your own YAML file (repeat).",
)
@click.option(
    "--benchmark",
    "benchmarks",
    type=BENCHMARK,
    multiple=True,
    metavar="NAME",
    help="Benchmark, or a pattern (repeat). Default: all.",
)
@model_option(multiple=True)
@click.option(
    "--kernels",
    type=KERNELS,
    multiple=True,
    metavar="NAME",
    help=f"Kernel set of the firmware, or a pattern (repeat). Default: {DEFAULT_KERNELS}.",
)
@toolchain_option(multiple=True)
@click.option(
    "--set",
    "axes",
    multiple=True,
    metavar="PATH=VALUES",
    help="An axis: a path in the board's file, or core.PATH in its core's (repeat: crossed).",
)
@click.option(
    "--zip",
    "zipped",
    multiple=True,
    metavar="'A=VALUES B=VALUES'",
    help="Axes that take their first values together, then their second, ... (repeat).",
)
@click.option(
    "--goal", metavar="METRIC<=NUMBER", help="What it takes along each axis: time_s<=20ms."
)
@click.option(
    "--sensitivity",
    metavar="SHARE",
    help="Make every number that prices are made of lower and higher by this: 20%.",
)
@click.option(
    "--pareto",
    metavar="OBJECTIVES",
    help="What points are marked by: some of time,energy,ram. Default: time,energy.",
)
@click.option("--csv", "csv_path", metavar="PATH", help="Write the points as CSV; '-' is stdout.")
@click.option("--parquet", "parquet_path", metavar="PATH", help="Write the points as Parquet.")
@click.option("--html", "html_path", metavar="PATH", help="Write a page with plots.")
@click.option("--json", "json_path", metavar="PATH", help="Write points and answers as JSON.")
@export_option(FORMATS)
@click.option(
    "--force", is_flag=True, help="Replace files that the study's outputs name and that are there."
)
@executor_options("Where simulations run.")
@backend_option
@time_limit_option
@no_cache_option
def command(
    study: Path | None,
    platforms: tuple[str, ...],
    benchmarks: tuple[str, ...],
    models: tuple[Path, ...],
    kernels: tuple[str, ...],
    toolchains: tuple[str, ...],
    axes: tuple[str, ...],
    zipped: tuple[str, ...],
    goal: str | None,
    sensitivity: str | None,
    pareto: str | None,
    csv_path: str | None,
    parquet_path: str | None,
    html_path: str | None,
    json_path: str | None,
    exports: tuple[str, ...],
    force: bool,
    executor: str,
    scheduler: str | None,
    backend_name: str,
    time_limit: float,
    no_cache: bool,
) -> int:
    """What if: other clocks, wait states, memories, placements, cores, boards, kernels.

    What changes counts is simulated once, everything else is priced: thousands of points a second.
    Values are lists and ranges: 40MHz,80MHz or 0..5 or 40MHz..120MHz:20MHz.

    \b
    Examples:
      simbench sweep --platform stm32l4r5 --benchmark kws --set clock_hz=80MHz,120MHz
      simbench sweep --platform stm32f4 --set memories.flash.wait_states=0..5 \\
          --set placement.weights=flash,sram --goal 'time_s<=20ms' --html if.html
      simbench sweep --platform stm32f4 --benchmark ad \\
          --zip 'clock_hz=30MHz,60MHz memories.flash.wait_states=0,1'
      simbench sweep --platform '*' --kernels '*' --csv boards.csv
      simbench sweep --platform stm32f4 --benchmark ad --sensitivity 20%
      simbench sweep study.yaml --parquet points.parquet
    """
    given: dict[str, Any] = {
        "platforms": platform_names(platforms),
        "benchmarks": workloads(benchmarks, models) if models else benchmarks_called(benchmarks),
        "kernels": kernel_sets(kernels),
        "toolchains": toolchains_called(toolchains),
        "groups": _groups(axes, zipped),
        "goal": None if goal is None else parse_goal(goal),
        "sensitivity": None if sensitivity is None else parse_fraction(sensitivity),
        "pareto": None if pareto is None else parse_objectives(pareto),
    }
    asked = Study((), benchmarks_called("*")) if study is None else read_study(study)
    asked = replace(asked, **{name: value for name, value in given.items() if value})
    paths = {"csv": csv_path, "parquet": parquet_path, "html": html_path, "json": json_path}
    files = _files(asked, paths, exports, force=force)
    emulator = pricing_backend(backend_name)
    terminal = console(stderr=True)
    address, log = chosen_scheduler(executor, scheduler), log_to(terminal)
    with _executor(address, emulator, log) as running, progress_bar(terminal) as progress:
        bar = progress.add_task("simulating", total=None)
        sweep = run_study(
            asked,
            emulator,
            chosen_store(no_cache=no_cache),
            executor=running,
            time_limit_s=time_limit,
            progress=log,
            advanced=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    for warning in sweep.warnings:
        terminal.print(warning, style="yellow", highlight=False, soft_wrap=True)
    terminal.print(_said(sweep), style="dim", highlight=False, soft_wrap=True)
    swept = Swept(sweep, environment(emulator, asked.toolchains))
    write_all(
        files, lambda form: FORMATS[form](swept), lambda: console().print(sweep_tables(sweep))
    )
    return _verdict(sweep)


def _groups(axes: Iterable[str], zipped: Iterable[str]) -> tuple[Group, ...]:
    crossed = (group([parse_axis(axis)]) for axis in axes)
    together = (group(map(parse_axis, text.split())) for text in zipped)
    return check_groups((*crossed, *together))


def _files(
    study: Study, flags: Mapping[str, str | None], exports: Sequence[str], *, force: bool
) -> Files:
    """The files to write: a path on the command line goes before the study's of that format.

    A study's replace nothing that is there, but with ``force``.
    """
    given = [f"{form}={path}" for form, path in flags.items() if path]
    asked = {export.partition("=")[0] for export in (*given, *exports)}
    left = {form: path for form, path in study.outputs.items() if form not in asked}
    there = [str(path) for path in left.values() if path.exists()]
    if there and not force:
        raise UsageError(
            f"{there[0]}, an output of the study, is there already: move it away, or replace it "
            "with --force"
        )
    own = [f"{form}={path}" for form, path in left.items()]
    if [path.partition("=")[2] for path in (*own, *given, *exports)].count(STDOUT) > 1:
        raise UsageError("only one file can be standard output ('-')")
    files = outputs(None, [*own, *given, *exports], FORMATS)
    if any(form == "parquet" for form, _ in files):
        check_parquet()
    return files


@contextmanager
def _executor(address: str | None, emulator: Backend, log: Progress) -> Iterator[Executor]:
    if address is None:
        yield LOCAL
        return
    from simbench.sweeps.remote import dask_executor

    with dask_executor(address, emulator, log) as executor:
        yield executor


def _said(sweep: Sweep) -> str:
    simulated = sweep.simulations - sweep.from_store
    return (
        f"{simulated:,} simulated, {sweep.from_store:,} from the store; "
        f"{format_count(len(sweep), 'point')} priced"
    )


def _verdict(sweep: Sweep) -> int:
    """The exit code; where it is not 0, the last line on standard error says why."""
    status = sweep.points["status"]
    if not sweep.reasons:
        return EXIT_GOOD
    click.echo(f"simbench: {sweep.reasons[0]}", err=True)
    return EXIT_INFRASTRUCTURE if ERROR in status else EXIT_WRONG
