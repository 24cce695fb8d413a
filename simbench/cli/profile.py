"""``simbench profile``: where the cycles of one inference go."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from simbench import __version__
from simbench.backends import Backend, backend
from simbench.cli.output import STDOUT, OutputFile
from simbench.cli.profile_table import profile_tables
from simbench.cli.workload import (
    OWN_ELF,
    backend_option,
    environment,
    kernel_set,
    time_limit_option,
    with_input,
    workloads,
)
from simbench.errors import EXIT_GOOD, EXIT_WRONG, UsageError
from simbench.exports import FORMATS
from simbench.platforms import load_platform
from simbench.profiler import Profiled, profile_task
from simbench.results import FAILED
from simbench.runner import settings
from simbench.scenario import DEFAULT_KERNELS, Scenario
from simbench.tasks import Task, own_elf_task, suite_task

_JSON = "json"


@click.command(name="profile")
@click.option(
    "--platform",
    "platform_name",
    required=True,
    metavar="NAME",
    help="Board to emulate: a name, or your own YAML file.",
)
@click.option("--benchmark", metavar="NAME", help="Benchmark to profile.")
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
@click.option(
    "--kernels",
    default=DEFAULT_KERNELS,
    show_default=True,
    metavar="NAME",
    help="Kernel set of the firmware.",
)
@click.option(
    "--input",
    "input_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own input: .npy, .npz, .bin, .png or .wav. Default: the benchmark's first.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Functions and source lines to show.",
)
@backend_option
@time_limit_option
@click.option(
    "--json",
    "json_path",
    metavar="PATH",
    help="Write the profile as JSON; '-' is standard output, instead of the tables.",
)
@click.option(
    "--export",
    "exports",
    multiple=True,
    metavar="FORMAT=PATH",
    help=f"Write it as {', '.join(FORMATS)} too (repeat); '-' is standard output.",
)
def command(
    platform_name: str,
    benchmark: str | None,
    model: Path | None,
    elf: Path | None,
    kernels: str,
    input_path: Path | None,
    top: int,
    backend_name: str,
    time_limit: float,
    json_path: str | None,
    exports: tuple[str, ...],
) -> int:
    """Show where the cycles and joules of one inference go: layers, functions, lines, memory.

    \b
    Examples:
      simbench profile --platform stm32f4 --benchmark kws
      simbench profile --platform stm32f4 --model my_model.tflite --input mine.npy
      simbench profile --platform stm32f4 --benchmark kws --export callgrind=kws.callgrind
      simbench profile --platform stm32f4 --benchmark kws --export speedscope=kws.json
    """
    emulator = backend(backend_name)
    console = Console(stderr=True)
    outputs = _outputs(json_path, exports)
    task = _task(platform_name, benchmark, model, elf, kernels, emulator, console)
    if input_path is not None:
        task = with_input(task, input_path, console)
    done = profile_task(replace(task, time_limit_s=time_limit), emulator)
    for form, output in outputs:
        output.write(_render(form, done, emulator, backend_name))
        output.close()
    if not any(output.is_stdout for _, output in outputs):
        Console().print(profile_tables(_title(task), done.profile, top))
    return _verdict(done)


def _outputs(json_path: str | None, exports: tuple[str, ...]) -> list[tuple[str, OutputFile]]:
    wanted = [] if json_path is None else [(_JSON, json_path)]
    for export in exports:
        form, separator, path = export.partition("=")
        if not separator or not path or form not in FORMATS:
            raise UsageError(
                f"--export {export} is not FORMAT=PATH: formats are {', '.join(FORMATS)}"
            )
        wanted.append((form, path))
    if [path for _, path in wanted].count(STDOUT) > 1:
        raise UsageError("only one of --json and --export can write to standard output ('-')")
    return [(form, OutputFile(path)) for form, path in wanted]


def _task(
    platform_name: str,
    benchmark: str | None,
    model: Path | None,
    elf: Path | None,
    kernels: str,
    emulator: Backend,
    console: Console,
) -> Task:
    if benchmark is None and model is None:
        raise UsageError("nothing to profile: name one --benchmark, or give a --model")
    board = load_platform(platform_name)
    workload = workloads([] if benchmark is None else [benchmark], model)[0]
    if elf is not None:
        if model is not None:
            raise UsageError("--elf and --model exclude each other: the model is in the ELF")
        return own_elf_task(Scenario(workload.id, board.id, OWN_ELF), board, workload, elf)
    scenario = Scenario(workload.id, board.id, kernel_set(kernels))
    machine = emulator.machine(board.core)
    task = suite_task(
        scenario, board, workload, machine, 1, lambda said: console.print(said, style="dim")
    )
    return replace(task, inputs=task.inputs[:1], real=min(task.real, 1))


def _render(form: str, done: Profiled, emulator: Backend, backend_name: str) -> str:
    if form != _JSON:
        return FORMATS[form](done.profile)
    tool = {"name": "simbench", "version": __version__}
    facts = environment(emulator)
    document = done.document(tool, facts, settings([done.task], backend_name, 1))
    return json.dumps(document, indent=2) + "\n"


def _title(task: Task) -> str:
    what = f"{task.benchmark.title} on {task.platform.title}"
    return f"{what}, {task.scenario.kernels} kernels, input {task.inputs[0].name}"


def _verdict(done: Profiled) -> int:
    """The exit code; what is wrong, or does not fit, is the last line on standard error."""
    if done.reason is not None:
        click.echo(f"simbench: {done.task.scenario.id}: {done.status}: {done.reason}", err=True)
    return EXIT_WRONG if done.status == FAILED else EXIT_GOOD
