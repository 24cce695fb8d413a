"""``simbench profile``: where the cycles of one inference go."""

from __future__ import annotations

import json
from pathlib import Path

import click

from simbench.backends import Backend, pricing_backend
from simbench.cli.console import console, log_to
from simbench.cli.formats import JSON, export_option, outputs, write_all
from simbench.cli.names import BENCHMARK
from simbench.cli.options import (
    backend_option,
    base_option,
    chosen_store,
    elf_option,
    input_option,
    kernels_option,
    model_option,
    no_cache_option,
    platform_option,
    runtime_option,
    section_option,
    skip_option,
    time_limit_option,
    toolchain_option,
)
from simbench.cli.tables.memory import memory_tables
from simbench.cli.tables.profile import profile_tables
from simbench.errors import EXIT_GOOD, EXIT_WRONG
from simbench.exports import PROFILE, formats
from simbench.profiles import Profile
from simbench.result.tree import FAILED
from simbench.runs.profiler import Profiled, profile_task
from simbench.runs.provenance import TOOL, environment, settings
from simbench.suites.request import Request, check, requested_task
from simbench.task.tasks import Task

FORMATS = formats(PROFILE)


@click.command(name="profile")
@platform_option
@click.option("--benchmark", type=BENCHMARK, metavar="NAME", help="Benchmark to profile.")
@model_option(multiple=False)
@elf_option
@kernels_option
@runtime_option(multiple=False)
@toolchain_option(multiple=False)
@section_option
@base_option
@skip_option
@input_option(multiple=False)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Functions and source lines to show.",
)
@backend_option
@time_limit_option
@no_cache_option
@click.option(
    "--json",
    "json_path",
    metavar="PATH",
    help="Write the profile as JSON; '-' is standard output, instead of the tables.",
)
@export_option(FORMATS)
def command(
    platform_name: str,
    benchmark: str | None,
    models: tuple[Path, ...],
    elf: Path | None,
    kernels: str,
    runtime: str,
    toolchain: str,
    section: str | None,
    base: int | None,
    skips: tuple[str, ...],
    input_path: Path | None,
    top: int,
    backend_name: str,
    time_limit: float,
    no_cache: bool,
    json_path: str | None,
    exports: tuple[str, ...],
) -> int:
    """Show where the cycles and joules of one inference go: layers, functions, lines, memory.

    \b
    Examples:
      simbench profile --platform stm32f4 --benchmark kws
      simbench profile --platform stm32f4 --model my_model.tflite --input mine.npy
      simbench profile --platform stm32f4 --elf app.elf --section begin=start_fft,end=send
      simbench profile --platform stm32f4 --benchmark kws --export callgrind=kws.callgrind
      simbench profile --platform stm32f4 --benchmark kws --export speedscope=kws.json
    """
    emulator = pricing_backend(backend_name)
    files = outputs(json_path, exports, FORMATS)
    store, log = chosen_store(no_cache=no_cache), log_to(console(stderr=True))
    request = Request(
        platforms=(platform_name,),
        benchmarks=() if benchmark is None else (benchmark,),
        kernels=(kernels,),
        runtimes=(runtime,),
        toolchains=(toolchain,),
        models=models,
        inputs=() if input_path is None else (input_path,),
        elf=elf,
        section=section,
        base=base,
        skips=skips,
        time_limit_s=time_limit,
    )
    check(request)
    task = requested_task("profile", request, emulator, log, store)
    done = profile_task(task, emulator, store)
    _log(done)
    write_all(files, lambda form: _render(form, done, emulator), lambda: _show(done, top))
    return _verdict(done.profile)


def _show(done: Profiled, top: int) -> None:
    console().print(profile_tables(_title(done.task), done.profile, top))
    if done.profile.memory is not None:
        console().print(memory_tables(done.profile.memory))


def _log(done: Profiled) -> None:
    terminal = console(stderr=True)
    if done.is_cached:
        terminal.print(f"{done.task.scenario.id}: counts from the store", highlight=False)
    for note in done.notes:
        log_to(terminal)(note)


def _render(form: str, done: Profiled, emulator: Backend) -> str:
    if form != JSON:
        return str(FORMATS[form](done.profile))
    facts = environment(emulator, [done.task.scenario.variant.toolchain])
    document = done.document(TOOL, facts, settings([done.task], emulator.name, 1))
    return json.dumps(document, indent=2) + "\n"


def _title(task: Task) -> str:
    what = f"{task.benchmark.title} on {task.platform.heading}"
    given = "" if task.measured is None else f", input {task.measured.name}"
    return f"{what}, {task.scenario.variant} kernels{given}"


def _verdict(profile: Profile) -> int:
    """The exit code; what is wrong, or does not fit, is the last line on standard error."""
    if profile.reason is not None:
        click.echo(f"simbench: {profile.title}: {profile.status}: {profile.reason}", err=True)
    return EXIT_WRONG if profile.status == FAILED else EXIT_GOOD
