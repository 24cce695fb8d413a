"""``simbench build``: the firmware images and the counting plugin, by hand."""

from __future__ import annotations

from pathlib import Path

import click

from simbench.catalog.scenario import DEFAULT_KERNELS, OWN_RUNTIME, Variant
from simbench.cli.console import console, log_to
from simbench.cli.names import KERNELS, RUNTIME
from simbench.cli.options import toolchain_option
from simbench.errors import UsageError
from simbench.result.units import format_kib


@click.command(name="build")
@click.option("--core", "cores", multiple=True, metavar="CORE", help="Core to build for (repeat).")
@click.option(
    "--kernels", type=KERNELS, multiple=True, metavar="NAME", help="Kernel set to build (repeat)."
)
@click.option(
    "--runtime",
    type=RUNTIME,
    metavar="tflm:PATH",
    help="Build with the interpreter and the kernels of your checkout of tflite-micro.",
)
@click.option(
    "--cmsis-nn",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="With --runtime: your checkout of CMSIS-NN, for the kernel set cmsis-nn.",
)
@click.option(
    "--name",
    metavar="NAME",
    help="With --runtime: what it is called. Default: tflm and its commit.",
)
@toolchain_option(multiple=False)
@click.option(
    "--sources-only",
    is_flag=True,
    help="Fetch the pinned sources and compiler, and build nothing.",
)
def command(
    cores: tuple[str, ...],
    kernels: tuple[str, ...],
    runtime: str | None,
    cmsis_nn: Path | None,
    name: str | None,
    toolchain: str,
    sources_only: bool,
) -> None:
    """Build the firmware images and the counting plugin; what is built already stays.

    \b
    Examples:
      simbench build
      simbench build --core cortex-m4 --kernels reference
      simbench build --runtime tflm:../tflite-micro --cmsis-nn ../CMSIS-NN --core cortex-m4
    """
    from simbench.backends.qemu.plugin_build import build_plugin
    from simbench.backends.qemu.tool import find_tool
    from simbench.files import fetch
    from simbench.firmware import build
    from simbench.firmware import toolchain as compilers
    from simbench.firmware.runtimes import register

    progress = log_to(console(stderr=True))
    if runtime is None and (cmsis_nn is not None or name is not None):
        raise UsageError("--cmsis-nn and --name are of a --runtime: give it, as tflm:PATH")
    foreign = None if runtime is None else register(runtime, cmsis_nn, name)
    if foreign is not None:
        click.echo(f"runtime {foreign.name}: tflite-micro at {foreign.tflm.commit}")
    fetch.fetch_all(progress)
    (toolchain,) = compilers.toolchains_called((toolchain,))
    compilers.toolchain(toolchain, progress)
    if sources_only:
        return
    usual = sorted(build.KERNELS, key=lambda k: k != DEFAULT_KERNELS)
    of = OWN_RUNTIME if foreign is None else foreign.name
    for core in cores or build.firmware_cores():
        for each in kernels or (usual if foreign is None else foreign.kernels):
            variant = Variant(each, of, toolchain)
            image = build.build_image(core, variant, progress)
            click.echo(f"{core} {variant}: {format_kib(image.code_bytes)} of code, {image.path}")
    click.echo(f"counting plugin: {build_plugin(find_tool().series)}")
