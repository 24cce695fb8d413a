"""``simbench serve``: the board that is not there, behind a serial port."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from simbench.backends import pricing_backend
from simbench.catalog.benchmarks import benchmarks_by_name, load_benchmarks
from simbench.cli.console import console, log_to
from simbench.cli.names import BENCHMARK
from simbench.cli.options import (
    backend_option,
    chosen_store,
    kernels_option,
    model_option,
    no_cache_option,
    platform_option,
    toolchain_option,
)
from simbench.errors import EXIT_GOOD, UsageError
from simbench.serve.mlcommons.runner import ACCURACY, MODES, Job
from simbench.serve.service import Serving, serve
from simbench.suites.request import Request, check, requested_model
from simbench.task.ends import ends_said

_BOARD, _FAST = "board", "fast"


@click.command(name="serve")
@platform_option
@click.option("--benchmark", type=BENCHMARK, metavar="NAME", help="Benchmark whose model is on it.")
@model_option(multiple=False)
@kernels_option
@toolchain_option(multiple=False)
@click.option(
    "--pace",
    type=click.Choice([_BOARD, _FAST]),
    default=_BOARD,
    show_default=True,
    help="Answer when the board would, or as soon as the emulator can.",
)
@click.option(
    "--tcp",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Listen on this port of 127.0.0.1 instead of a pseudo terminal; 0 is any free one.",
)
@click.option(
    "--link",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Make a symbolic link to the pseudo terminal, for as long as it serves.",
)
@click.option(
    "--power",
    type=click.Choice(["lpm01a"]),
    help="Be this power monitor too, on a second pseudo terminal.",
)
@click.option(
    "--interface",
    is_flag=True,
    help="Put MLCommons' interface board between the port and the board, as in energy mode.",
)
@click.option(
    "--runner",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Start MLCommons' runner (benchmark/runner of mlcommons/tiny) at the board, end with it.",
)
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default=ACCURACY,
    show_default=True,
    help="With --runner: what it measures.",
)
@click.option(
    "--dataset",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="With --runner: the folder of its data sets; what is in it of a stream is played.",
)
@click.option(
    "--runner-python",
    metavar="PYTHON",
    help="With --runner: a Python that has its packages. Default: simbench's own.",
)
@click.option("--reset-on-open", is_flag=True, help="Boot the board for every client.")
@backend_option
@no_cache_option
def command(
    platform_name: str,
    benchmark: str | None,
    models: tuple[Path, ...],
    kernels: str,
    toolchain: str,
    pace: str,
    tcp: int | None,
    link: Path | None,
    power: str | None,
    interface: bool,
    runner: Path | None,
    mode: str,
    dataset: Path | None,
    runner_python: str | None,
    reset_on_open: bool,
    backend_name: str,
    no_cache: bool,
) -> int:
    """Be a board: any client of the MLPerf Tiny protocol can talk to it, as to hardware.

    Prints the name of a pseudo terminal, on the first line of standard output, and serves one
    client after another. With --power, the second line is the power monitor's. Ctrl-C ends it;
    SIGUSR1 is the board's reset button. With --runner it prints no ports: it runs MLCommons'
    runner, unmodified, at them, and ends when that does.

    \b
    Examples:
      simbench serve --platform stm32l4r5 --benchmark kws
      simbench serve --platform stm32l4r5 --benchmark ic --link /tmp/dut
      simbench serve --platform stm32l4r5 --benchmark kws --power lpm01a
      simbench serve --platform stm32l4r5 --benchmark kws --model kws_ref_model.tflite \\
          --runner tiny/benchmark/runner --mode energy --dataset datasets
      simbench serve --platform nrf5340 --model my_model.tflite --pace fast --tcp 4000
    """
    if tcp is not None and link is not None:
        raise UsageError("--link is of a pseudo terminal: leave out --tcp, or --link")
    job = _job(runner, mode, dataset, runner_python)
    if job is not None:
        job = replace(job, is_streamed=_is_streamed(benchmark))
    elif dataset is not None and not _is_streamed(benchmark):
        raise UsageError("--dataset is of MLCommons' runner, or of a stream: give --runner")
    if job is not None and (tcp, power, interface) != (None, None, False):
        raise UsageError("--runner has the ports that its --mode needs: leave out the others")
    is_energy = job is not None and job.is_energy
    emulator = pricing_backend(backend_name)
    terminal = console(stderr=True)
    log, store = log_to(terminal), chosen_store(no_cache=no_cache)
    request = Request(
        platforms=(platform_name,),
        benchmarks=() if benchmark is None else (benchmark,),
        kernels=(kernels,),
        toolchains=(toolchain,),
        models=models,
    )
    check(request)
    task = requested_model("serve", request, emulator, log, store)
    what = f"{task.benchmark.title} on {task.platform.heading}"

    def announce(ports: Sequence[str]) -> None:
        for port in ports if job is None else ():
            click.echo(port)
        if not models and task.benchmark.data is not None:
            log(ends_said(task.benchmark, task.model))
        terminal.print(f"serving {what}; Ctrl-C ends it", soft_wrap=True)

    serving = Serving(
        is_paced=pace == _BOARD,
        tcp=tcp,
        link=link,
        has_monitor=power is not None or is_energy,
        has_interface=interface or (job is not None and job.has_interface),
        datasets=dataset,
        job=job,
        resets_on_open=reset_on_open,
    )
    serve(task, emulator, serving, announce, log)
    return EXIT_GOOD


def _is_streamed(name: str | None) -> bool:
    known = {**benchmarks_by_name(), **load_benchmarks()}
    return name in known and known[name].stream is not None


def _job(runner: Path | None, mode: str, dataset: Path | None, python: str | None) -> Job | None:
    """The session of the runner that is asked for, if one is."""
    if runner is None:
        if python is not None:
            raise UsageError("--runner-python is of MLCommons' runner: give --runner")
        return None
    if dataset is None:
        raise UsageError("--runner needs the folder of its data sets: give --dataset")
    return Job(runner, mode, dataset, python or sys.executable)
