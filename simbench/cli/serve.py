"""``simbench serve``: the board that is not there, behind a serial port."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from simbench.backends import pricing_backend
from simbench.cli.console import console, log_to
from simbench.cli.options import (
    backend_option,
    chosen_store,
    kernels_option,
    model_option,
    no_cache_option,
    platform_option,
)
from simbench.errors import EXIT_GOOD, UsageError
from simbench.serve.service import Serving, serve
from simbench.suites.request import Request, check, requested_model
from simbench.task.ends import ends_said

_BOARD, _FAST = "board", "fast"


@click.command(name="serve")
@platform_option
@click.option("--benchmark", metavar="NAME", help="Benchmark whose model is on it.")
@model_option(multiple=False)
@kernels_option
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
@click.option("--reset-on-open", is_flag=True, help="Boot the board for every client.")
@backend_option
@no_cache_option
def command(
    platform_name: str,
    benchmark: str | None,
    models: tuple[Path, ...],
    kernels: str,
    pace: str,
    tcp: int | None,
    link: Path | None,
    power: str | None,
    reset_on_open: bool,
    backend_name: str,
    no_cache: bool,
) -> int:
    """Be a board: any client of the MLPerf Tiny protocol can talk to it, as to hardware.

    Prints the name of a pseudo terminal, on the first line of standard output, and serves one
    client after another. With --power, the second line is the power monitor's. Ctrl-C ends it;
    SIGUSR1 is the board's reset button.

    \b
    Examples:
      simbench serve --platform stm32l4r5 --benchmark kws
      simbench serve --platform stm32l4r5 --benchmark ic --link /tmp/dut
      simbench serve --platform stm32l4r5 --benchmark kws --power lpm01a
      simbench serve --platform nrf5340 --model my_model.tflite --pace fast --tcp 4000
    """
    if tcp is not None and link is not None:
        raise UsageError("--link is of a pseudo terminal: leave out --tcp, or --link")
    emulator = pricing_backend(backend_name)
    terminal = console(stderr=True)
    log, store = log_to(terminal), chosen_store(no_cache=no_cache)
    request = Request(
        platforms=(platform_name,),
        benchmarks=() if benchmark is None else (benchmark,),
        kernels=(kernels,),
        models=models,
    )
    check(request)
    task = requested_model("serve", request, emulator, log, store)
    what = f"{task.benchmark.title} on {task.platform.heading}"

    def announce(ports: Sequence[str]) -> None:
        for port in ports:
            click.echo(port)
        if not models and task.benchmark.data is not None:
            log(ends_said(task.benchmark, task.model))
        terminal.print(f"serving {what}; Ctrl-C ends it", soft_wrap=True)

    serving = Serving(
        is_paced=pace == _BOARD,
        tcp=tcp,
        link=link,
        has_monitor=power is not None,
        resets_on_open=reset_on_open,
    )
    serve(task, emulator, serving, announce, log)
    return EXIT_GOOD
