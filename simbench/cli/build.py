"""``simbench build``: the firmware images and the counting plugin, by hand."""

from __future__ import annotations

import click

from simbench.catalog.scenario import DEFAULT_KERNELS, Variant
from simbench.cli.console import console
from simbench.result.units import format_kib


@click.command(name="build")
@click.option("--core", "cores", multiple=True, metavar="CORE", help="Core to build for (repeat).")
@click.option("--kernels", multiple=True, metavar="NAME", help="Kernel set to build (repeat).")
@click.option("--sources-only", is_flag=True, help="Fetch the pinned sources, and build nothing.")
def command(cores: tuple[str, ...], kernels: tuple[str, ...], sources_only: bool) -> None:
    """Build the firmware images and the counting plugin; what is built already stays.

    \b
    Examples:
      simbench build
      simbench build --core cortex-m4 --kernels reference
    """
    from simbench.backends.qemu.plugin_build import build_plugin
    from simbench.backends.qemu.tool import find_tool
    from simbench.files import fetch
    from simbench.firmware import build

    terminal = console(stderr=True)

    def progress(line: str) -> None:
        terminal.print(line, style="dim", highlight=False)

    fetch.fetch_all(progress)
    if sources_only:
        return
    for core in cores or build.firmware_cores():
        for name in kernels or sorted(build.KERNELS, key=lambda k: k != DEFAULT_KERNELS):
            image = build.build_image(core, Variant(name), progress)
            click.echo(f"{core} {name}: {format_kib(image.code_bytes)} of code, {image.path}")
    click.echo(f"counting plugin: {build_plugin(find_tool().series)}")
