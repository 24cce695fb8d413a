"""``simbench profile``: where the cycles of one inference go."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from simbench import __version__
from simbench.backends import Backend, pricing_backend
from simbench.catalog.platforms import load_platform
from simbench.cli.formats import JSON, export_option, outputs
from simbench.cli.tables.memory import memory_tables
from simbench.cli.tables.profile import profile_tables
from simbench.cli.workload import (
    backend_option,
    check_own_elf,
    chosen_store,
    elf_option,
    environment,
    input_option,
    kernels_option,
    model_option,
    no_cache_option,
    one_task,
    own_elf,
    platform_option,
    section_option,
    teller,
    time_limit_option,
)
from simbench.errors import EXIT_GOOD, EXIT_WRONG
from simbench.exports import FORMATS
from simbench.profiles import Profile
from simbench.result.tree import FAILED
from simbench.runs.profiler import Profiled, profile_task
from simbench.runs.runner import settings
from simbench.task.tasks import Task, with_inputs


@click.command(name="profile")
@platform_option
@click.option("--benchmark", metavar="NAME", help="Benchmark to profile.")
@model_option
@elf_option
@kernels_option
@section_option
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
    model: Path | None,
    elf: Path | None,
    kernels: str,
    section: str | None,
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
    console = Console(stderr=True)
    files = outputs(json_path, exports, FORMATS)
    store = chosen_store(no_cache=no_cache)
    check_own_elf(elf, section, has_input=input_path is not None)
    if elf is None:
        task = one_task(
            "profile", platform_name, benchmark, model, kernels, emulator, store, console
        )
        task = replace(task, inputs=task.inputs[:1], real=min(task.real, 1))
    else:
        names = () if benchmark is None else (benchmark,)
        task = own_elf(load_platform(platform_name), names, model, elf, section)
    if input_path is not None:
        task = with_inputs(task, [input_path], seeded=False)
    done = profile_task(replace(task, time_limit_s=time_limit), emulator, store)
    _say(done, console)
    for form, output in files:
        output.write(_render(form, done, emulator))
        output.close()
    if not any(output.is_stdout for _, output in files):
        Console().print(profile_tables(_title(task), done.profile, top))
        if done.profile.memory is not None:
            Console().print(memory_tables(done.profile.memory))
    return _verdict(done.profile)


def _say(done: Profiled, console: Console) -> None:
    if done.is_cached:
        console.print(f"{done.task.scenario.id}: counts from the store", highlight=False)
    for note in done.notes:
        teller(console)(note)


def _render(form: str, done: Profiled, emulator: Backend) -> str:
    if form != JSON:
        return FORMATS[form](done.profile)
    tool = {"name": "simbench", "version": __version__}
    facts = environment(emulator)
    document = done.document(tool, facts, settings([done.task], emulator.name, 1))
    return json.dumps(document, indent=2) + "\n"


def _title(task: Task) -> str:
    what = f"{task.benchmark.title} on {task.platform.title}"
    given = "" if task.measured is None else f", input {task.measured.name}"
    return f"{what}, {task.scenario.kernels} kernels{given}"


def _verdict(profile: Profile) -> int:
    """The exit code; what is wrong, or does not fit, is the last line on standard error."""
    if profile.reason is not None:
        click.echo(f"simbench: {profile.title}: {profile.status}: {profile.reason}", err=True)
    return EXIT_WRONG if profile.status == FAILED else EXIT_GOOD
