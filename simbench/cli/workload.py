"""What verbs that run firmware share: the workload, the kernels, the host's facts."""

from __future__ import annotations

import platform as host
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from simbench.backends import Backend
from simbench.benchmarks import Benchmark, load_benchmarks, select_benchmarks
from simbench.errors import UsageError
from simbench.firmware.build import KERNELS, toolchain_version
from simbench.input_file import read_input
from simbench.models.reference import reference_version
from simbench.tasks import DEFAULT_TIME_LIMIT_S, Task, own_benchmark

OWN_ELF = "own"
"""The kernel set of a user's own firmware."""

backend_option = click.option(
    "--backend", "backend_name", default="qemu", show_default=True, metavar="NAME", help="Emulator."
)

time_limit_option = click.option(
    "--time-limit",
    type=click.FloatRange(min=0.1),
    default=DEFAULT_TIME_LIMIT_S,
    show_default=True,
    metavar="SECONDS",
    help="Wall time to wait for any answer of the firmware.",
)


def workloads(names: Sequence[str], model: Path | None) -> tuple[Benchmark, ...]:
    """The benchmarks called ``names`` (all where none is), or a user's ``model`` as one."""
    if model is not None:
        if names:
            raise UsageError("--model and --benchmark exclude each other: give one of them")
        return (own_benchmark(model),)
    known = load_benchmarks()
    return select_benchmarks(names or known, known)


def kernel_set(name: str) -> str:
    """``name``, where it is a kernel set of the firmware."""
    if name not in KERNELS:
        raise UsageError(f"no kernel set is called {name}: there are {', '.join(KERNELS)}")
    return name


def with_input(task: Task, path: Path, console: Console) -> Task:
    """``task`` with a user's input instead of its own; what was changed to make it fit is said."""
    if task.model is None:
        raise UsageError("--input needs a model whose input is known: leave out --elf")
    given = read_input(path, task.model, task.benchmark.encoding)
    for note in given.notes:
        console.print(note, style="dim", highlight=False, soft_wrap=True)
    return replace(task, inputs=(given.input,), real=0)


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
