"""Options that verbs share, stated once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from simbench.catalog.scenario import DEFAULT_KERNELS, OWN_RUNTIME, PINNED_TOOLCHAIN
from simbench.cli.names import BACKEND, KERNELS, PLATFORM, RUNTIME, TOOLCHAIN
from simbench.errors import UsageError
from simbench.store import Store, default_store
from simbench.suites.file import SUITE_FILE
from simbench.suites.lock import LOCK_FILE
from simbench.task.labelled import EMULATOR, HOST
from simbench.task.tasks import DEFAULT_TIME_LIMIT_S

LOCAL = "local"
"""The executor that is this machine."""

_Command = TypeVar("_Command", bound=Callable[..., object])
_Value = TypeVar("_Value")


class Address(click.ParamType[int]):
    """An address of 32 bits, as 0x8000000."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The address that ``value`` says."""
        if isinstance(value, int):
            return value
        try:
            address = int(value, 0)
        except ValueError:
            self.fail(f"{value} is no address: write it as 0x08000000", param, ctx)
        if not 0 <= address <= 0xFFFFFFFF:
            self.fail(f"{value} is beyond the 32 bits of an address", param, ctx)
        return address


platform_option = click.option(
    "--platform",
    "platform_name",
    type=PLATFORM,
    required=True,
    metavar="NAME",
    help="Platform to emulate: a name, or your own YAML file.",
)

kernels_option = click.option(
    "--kernels",
    type=KERNELS,
    default=DEFAULT_KERNELS,
    show_default=True,
    metavar="NAME",
    help="Kernel set of the firmware.",
)


def runtime_option(*, multiple: bool) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Whose interpreter and kernels the firmware has, or several to compare."""
    several = " (repeat)" if multiple else ""
    return click.option(
        "--runtime",
        "runtimes" if multiple else "runtime",
        type=RUNTIME,
        multiple=multiple,
        default=None if multiple else OWN_RUNTIME,
        metavar="NAME",
        help=f"Runtime of the firmware, one of 'simbench list runtimes'{several}. "
        f"Default: {OWN_RUNTIME}.",
    )


def toolchain_option(*, multiple: bool) -> Callable[[_Command], _Command]:
    """Which compiler builds the firmware, or several to compare."""
    several = " (repeat)" if multiple else ""
    return click.option(
        "--toolchain",
        "toolchains" if multiple else "toolchain",
        type=TOOLCHAIN,
        multiple=multiple,
        default=None if multiple else PINNED_TOOLCHAIN,
        metavar="NAME|PATH",
        help="Compiler of the firmware: pinned, system (the one in PATH), or your own by its "
        f"folder{several}. Default: {PINNED_TOOLCHAIN}.",
    )


def model_option(*, multiple: bool) -> Callable[[_Command], _Command]:
    """A user's own model, or several; with a benchmark's name, in place of its model."""
    several = " (repeat)" if multiple else ""
    return click.option(
        "--model",
        "models",
        type=click.Path(path_type=Path),
        multiple=True,
        callback=None if multiple else _only_one,
        metavar="FILE",
        help=f"Your own .tflite; with --benchmark, in place of that one's model{several}.",
    )


def _given_once(
    context: click.Context, option: click.Parameter, values: tuple[_Value, ...]
) -> _Value | None:
    """The value of an option that is declared ``multiple`` only so that a second is refused."""
    if len(values) > 1:
        raise UsageError(
            f"{option.opts[0]} is given {len(values)} times, and {context.command.name} measures "
            "one: run it for each"
        )
    return values[0] if values else None


def _only_one(
    context: click.Context, option: click.Parameter, values: tuple[Path, ...]
) -> tuple[Path, ...]:
    if len(values) > 1:
        raise UsageError(f"{context.command.name} takes one {option.opts[0]}: run it for each")
    return values


elf_option = click.option(
    "--elf",
    type=click.Path(path_type=Path),
    multiple=True,
    callback=_given_once,
    metavar="FILE",
    help="Your own firmware, linked for the board's own chip: an ELF, .hex or .bin.",
)

base_option = click.option(
    "--base",
    type=Address(),
    metavar="0xADDRESS",
    help="With --elf: where a .bin belongs.",
)

skip_option = click.option(
    "--skip",
    "skips",
    multiple=True,
    metavar="NAME|0xADDR[=VALUE]",
    help="With --elf: a function that returns at once, and what it returns (repeat).",
)

backend_option = click.option(
    "--backend",
    "backend_name",
    type=BACKEND,
    default="qemu",
    show_default=True,
    metavar="NAME",
    help="Emulator: qemu, renode, recording:FILE, or a plug-in's.",
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
    multiple=True,
    callback=_given_once,
    metavar="begin=SYM,end=SYM",
    help="With --elf: measure from the first execution of a symbol (or 0x address) to another's; "
    "end=return is a call of the first. ',pass=3' behind it is the third time, ',pass=median:100' "
    "(least, most) that of a hundred.",
)

dataset_option = click.option(
    "--dataset",
    metavar="DIR|smoke",
    help="Judge the accuracy too: labelled data in the MLPerf Tiny runner's folders, or the small "
    "smoke set made here (write ./smoke for a folder of that name).",
)

accuracy_on_option = click.option(
    "--accuracy-on",
    "judge_on",
    type=click.Choice((HOST, EMULATOR)),
    default=HOST,
    show_default=True,
    help="With --dataset: whose outputs are judged. The host's are the firmware's once the samples "
    "were equal; the emulator proves every one.",
)

suite_option = click.option(
    "--suite",
    "suite_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Suite file. Default: {SUITE_FILE} here, where no --platform is given.",
)

WRITE_LOCK, CHECK_LOCK = "write", "check"

lock_option = click.option(
    "--lock", "locking", flag_value=WRITE_LOCK, help=f"Write {LOCK_FILE}: the hashes of what ran."
)

locked_option = click.option(
    "--locked", "locking", flag_value=CHECK_LOCK, help=f"Refuse what is not as {LOCK_FILE} says."
)


def chosen_store(*, no_cache: bool) -> Store | None:
    """The user's store, or None where it is not wanted."""
    return None if no_cache else default_store()


def executor_options(help_text: str) -> Callable[[_Command], _Command]:
    """``--executor`` and ``--scheduler``: where what ``help_text`` says is done."""

    def add(command: _Command) -> _Command:
        address = click.option(
            "--scheduler", metavar="ADDRESS", help="With --executor dask: tcp://host:port."
        )
        where = click.option(
            "--executor",
            type=click.Choice([LOCAL, "dask"]),
            default=LOCAL,
            show_default=True,
            help=help_text,
        )
        return where(address(command))

    return add


def chosen_scheduler(executor: str, scheduler: str | None) -> str | None:
    """The address of the scheduler; None for this machine. Raises UsageError for half of both."""
    if executor == LOCAL:
        if scheduler is not None:
            raise UsageError("--scheduler is of --executor dask: give that too")
        return None
    if scheduler is None:
        raise UsageError("--executor dask needs the --scheduler: tcp://host:port")
    return scheduler
