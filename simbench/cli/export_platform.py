"""``simbench export-platform``: a board's machine and firmware, to run by hand in an emulator."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path

import click

from simbench.backends import LaunchSpec
from simbench.backends.qemu.command import machine_arguments
from simbench.backends.renode import platform as renode
from simbench.backends.renode.machines import machine_of
from simbench.catalog.benchmarks import benchmarks_called
from simbench.catalog.cores import core_record
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.cli.console import console, log_to
from simbench.cli.names import BENCHMARK
from simbench.cli.options import kernels_option
from simbench.errors import UsageError
from simbench.session.measure import launch_spec
from simbench.task.tasks import suite_task


@click.command(name="export-platform")
@click.argument("platform")
@click.option(
    "--benchmark",
    type=BENCHMARK,
    default="kws",
    show_default=True,
    metavar="NAME",
    help="What it runs.",
)
@kernels_option
@click.option(
    "--renode",
    "renode_folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write a platform description and a script for Renode into this folder.",
)
@click.option(
    "--qemu",
    "qemu_folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write what QEMU loads into this folder, and print the command line.",
)
def command(
    platform: str,
    benchmark: str,
    kernels: str,
    renode_folder: Path | None,
    qemu_folder: Path | None,
) -> None:
    """Write a board's emulated machine with firmware, model and inputs, to run by hand.

    The machine is the one that simbench runs the board's firmware on: an image is linked for it
    once, and serves every board with that core. Talk to it by the UART protocol.

    \b
    Examples:
      simbench export-platform stm32f4 --renode board
      simbench export-platform stm32f4 --qemu board
    """
    if renode_folder is None and qemu_folder is None:
        raise UsageError("nothing to write: give --renode DIR or --qemu DIR")
    board = load_platform(platform)
    machine = core_record(board.core).machine
    chosen = benchmarks_called([benchmark])[0]
    scenario = Scenario(chosen.id, board.id, Variant(kernels))
    task = suite_task(scenario, board, chosen, machine, 1, log_to(console(stderr=True)))
    spec = launch_spec(task)
    if renode_folder is not None:
        _write(renode_folder, spec, _renode_files(spec))
        script = renode_folder / renode.SCRIPT
        click.echo(f"renode --console --disable-gui -e 'include @{script.resolve()}'")
    if qemu_folder is not None:
        _write(qemu_folder, spec, {})
        click.echo(_qemu_command(spec, qemu_folder))


def _write(folder: Path, spec: LaunchSpec, texts: dict[str, str]) -> None:
    """The firmware, what is loaded beside it, and ``texts`` by file name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(spec.image.path, folder / renode.FIRMWARE)
        for number, blob in enumerate(spec.blobs):
            (folder / renode.blob_name(number)).write_bytes(blob.data)
        for name, text in texts.items():
            (folder / name).write_text(text)
    except OSError as error:
        raise UsageError(
            f"cannot write {error.filename}: {error.strerror}; name another folder"
        ) from error


def _renode_files(spec: LaunchSpec) -> dict[str, str]:
    ranges = renode.memories(spec.image, spec.blobs)
    return {
        renode.DESCRIPTION: renode.description(machine_of(spec.machine), ranges),
        renode.SCRIPT: _lines((*renode.script(spec.image, spec.blobs), renode.SHOW_UART)),
    }


def _qemu_command(spec: LaunchSpec, folder: Path) -> str:
    blobs = [folder / renode.blob_name(number) for number in range(len(spec.blobs))]
    shown = ["qemu-system-arm", "-display", "none", "-serial", "stdio", "-monitor", "none"]
    return shlex.join([*shown, *machine_arguments(spec, folder / renode.FIRMWARE, blobs)])


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
