"""What verbs that run firmware share: the workload, the kernels, the host's facts."""

from __future__ import annotations

import platform as host
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from simbench.backends import Backend
from simbench.catalog.benchmarks import Benchmark, load_benchmarks, select_benchmarks
from simbench.catalog.platforms import Platform, load_platform
from simbench.catalog.scenario import DEFAULT_KERNELS, Scenario
from simbench.errors import UsageError
from simbench.files.fetch import Progress
from simbench.firmware.build import kernel_set, toolchain_version
from simbench.models.reference import reference_version
from simbench.store import Store, default_store
from simbench.task.tasks import (
    DEFAULT_TIME_LIMIT_S,
    Task,
    benchmark_with_model,
    own_benchmark,
    own_elf_task,
    suite_task,
)

OWN_ELF = "own"
"""The kernel set of a user's own firmware."""

platform_option = click.option(
    "--platform",
    "platform_name",
    required=True,
    metavar="NAME",
    help="Board to emulate: a name, or your own YAML file.",
)

kernels_option = click.option(
    "--kernels",
    default=DEFAULT_KERNELS,
    show_default=True,
    metavar="NAME",
    help="Kernel set of the firmware.",
)

model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own .tflite instead of a benchmark's model.",
)

elf_option = click.option(
    "--elf",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own firmware, on the board's own emulated machine.",
)

backend_option = click.option(
    "--backend",
    "backend_name",
    default="qemu",
    show_default=True,
    metavar="NAME",
    help="Emulator: qemu, renode or recording:FILE.",
)

no_cache_option = click.option(
    "--no-cache",
    is_flag=True,
    help="Simulate anew, and leave the store of counts alone ('simbench cache').",
)

time_limit_option = click.option(
    "--time-limit",
    type=click.FloatRange(min=0.1),
    default=DEFAULT_TIME_LIMIT_S,
    show_default=True,
    metavar="SECONDS",
    help="Wall time to wait for any answer of the firmware.",
)


def input_option(*, multiple: bool) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The option of a user's own input, or of several."""
    several = " (repeat; the first is measured, then come the seeded)" if multiple else ""
    return click.option(
        "--input",
        "inputs" if multiple else "input_path",
        type=click.Path(path_type=Path),
        multiple=multiple,
        metavar="FILE",
        help=f"Your own input: .npy, .npz, .bin, .png or .wav{several}.",
    )


section_option = click.option(
    "--section",
    metavar="begin=SYM,end=SYM",
    help="With --elf: measure from the first execution of a symbol (or 0x address) to another's.",
)


@cache
def teller(console: Console) -> Progress:
    """Says sentences on ``console``, each of them once in a run."""
    return cache(partial(console.print, style="dim", highlight=False, soft_wrap=True))


def chosen_store(*, no_cache: bool) -> Store | None:
    """The user's store, or None where it is not wanted."""
    return None if no_cache else default_store()


def workloads(
    names: Sequence[str], model: Path | None, *, is_judged: bool = False
) -> tuple[Benchmark, ...]:
    """The benchmarks called ``names`` (all where none is), or a user's ``model`` as one.

    Where the model ``is_judged``, one name says by which benchmark's labelled data.
    """
    known = load_benchmarks()
    if model is None:
        return select_benchmarks(names or known, known)
    if not is_judged and names:
        raise UsageError("--model and --benchmark exclude each other: give one of them")
    if not is_judged:
        return (own_benchmark(model),)
    if len(names) != 1:
        raise UsageError(
            "--model with --dataset needs one --benchmark, which says what the data is"
        )
    return (benchmark_with_model(select_benchmarks(names, known)[0], model),)


def own_elf(
    board: Platform, names: Sequence[str], model: Path | None, elf: Path, section: str | None
) -> Task:
    """The task of a user's firmware, which is sent the input of the one benchmark in ``names``."""
    if model is not None:
        raise UsageError("--elf and --model exclude each other: the model is in the ELF")
    if len(names) > 1 or (not names and section is None):
        raise UsageError(
            "--elf needs one --benchmark, which says what input the firmware gets, or a --section "
            "that it passes without any"
        )
    benchmark = workloads(names, None)[0] if names else None
    id_ = (benchmark or own_benchmark(elf)).id
    return own_elf_task(Scenario(id_, board.id, OWN_ELF), board, benchmark, elf, section)


def check_own_elf(elf: Path | None, section: str | None, *, has_input: bool) -> None:
    """Raise UsageError for a section of simbench's own firmware, or an input of a user's."""
    if section is not None and elf is None:
        raise UsageError("--section is of your own firmware: name it with --elf")
    if has_input and elf is not None:
        raise UsageError("--input needs a model whose input is known: leave out --elf")


def say_changes(task: Task, console: Console) -> None:
    """Say what preparation changed in a user's model."""
    changes = () if task.model is None else task.model.changes
    title = f"{task.benchmark.title} {'was prepared:' if changes else 'is run as it is'}"
    said = "\n  ".join((title, *changes))
    console.print(said, style="dim", highlight=False, markup=False, soft_wrap=True)


def environment(emulator: Backend) -> dict[str, Any]:
    """The tools and the host that a result came from."""
    return {
        "emulator": emulator.name,
        "version": emulator.version(),
        "toolchain": toolchain_version(),
        "reference": reference_version(),
        "python": host.python_version(),
        "host": f"{host.system()} {host.machine()}",
    }


def one_task(
    verb: str,
    platform_name: str,
    benchmark: str | None,
    model: Path | None,
    kernels: str,
    emulator: Backend,
    store: Store | None,
    console: Console,
) -> Task:
    """The task of a ``verb`` that takes one benchmark, or one model, on one board."""
    if benchmark is None and model is None:
        raise UsageError(f"nothing to {verb}: name one --benchmark, or give a --model")
    board = load_platform(platform_name)
    workload = workloads([] if benchmark is None else [benchmark], model)[0]
    scenario = Scenario(workload.id, board.id, kernel_set(kernels))
    machine = emulator.machine(board.core)
    task = suite_task(scenario, board, workload, machine, 1, teller(console), store)
    if model is not None:
        say_changes(task, console)
    return task
