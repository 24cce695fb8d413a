"""``simbench list``: what there is to run, and on what."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from simbench.catalog.scenario import DEFAULT_KERNELS, TOOLCHAINS, Variant
from simbench.cli.console import console
from simbench.cli.names import KERNELS, PLATFORM
from simbench.errors import UsageError

if TYPE_CHECKING:
    from simbench.firmware.runtimes import ForeignRuntime

OPS = "ops"
_OLD_NAMES = {"model_error": "accuracy"}
_NUMBERS = ("macs", "clock_hz", "highest_version")

Row = Mapping[str, Any]


def _platforms() -> Sequence[Row]:
    from simbench.catalog.platforms import load_platform, platform_files

    return [
        {
            "name": p.id,
            "core": p.core,
            "clock_hz": p.clock_hz,
            "memories": {m.name: m.size_bytes for m in p.memories.values()},
            "model_error": p.model_error,
        }
        for p in map(load_platform, platform_files())
    ]


def _benchmarks() -> Sequence[Row]:
    from simbench.catalog.benchmarks import benchmarks_by_name, load_benchmarks

    own = load_benchmarks()
    named = (
        b if b.has_model else replace(b, title=f"{b.title} (with --model alone)")
        for b in benchmarks_by_name().values()
        if b.id not in own
    )
    return [
        {"name": b.id, "title": b.title, "model_id": b.model_id, "macs": b.macs}
        for b in (*own.values(), *named)
    ]


def _kernels() -> Sequence[Row]:
    from simbench.firmware.build import KERNELS

    return [{"name": name, "title": title} for name, title in KERNELS.items()]


def _runtimes() -> Sequence[Row]:
    from simbench.catalog.scenario import OWN_RUNTIME
    from simbench.firmware.runtimes import runtimes

    own = {"name": OWN_RUNTIME, "title": "simbench's own interpreter and kernels"}
    return [own, *({"name": r.name, "title": _of_trees(r)} for r in runtimes().values())]


def _of_trees(runtime: ForeignRuntime) -> str:
    trees = {"tflite-micro": runtime.tflm, "CMSIS-NN": runtime.cmsis_nn}
    return ", ".join(f"{name} {t.commit[:16]} ({t.path})" for name, t in trees.items() if t)


def _toolchains() -> Sequence[Row]:
    from simbench.firmware.compilers import compilers
    from simbench.firmware.toolchain import toolchain_version

    places = {compiler.name: f" ({compiler.program})" for compiler in compilers().values()}
    return [
        {"name": name, "title": (toolchain_version(name) or "not here") + places.get(name, "")}
        for name in (*TOOLCHAINS, *places)
    ]


def _backends() -> Sequence[Row]:
    from simbench.backends import BACKEND_TITLES

    return [{"name": name, "title": title} for name, title in BACKEND_TITLES.items()]


def _ops(core: str, kernels: str) -> Sequence[Row]:
    """The operators of simbench's own firmware, which is built where it is not."""
    from simbench.firmware.build import build_image
    from simbench.firmware.operators import operators
    from simbench.firmware.read import ops

    image = build_image(core, Variant(kernels), lambda said: click.echo(said, err=True))
    versions = ops(image)
    return [
        {
            "name": operator.name,
            "highest_version": versions[operator.code],
            "types": ", ".join(operator.types),
            "features": ", ".join(operator.features),
            "kernels": ", ".join(operator.sources(kernels)),
        }
        for operator in operators()
        if operator.code in versions
    ]


def _formats() -> Sequence[Row]:
    """What ``--export`` takes, of simbench and of plug-ins, which are not loaded for it."""
    from simbench import __version__
    from simbench.exports import GROUP, SUBJECTS, formats
    from simbench.files.plugins import plugins

    own = f"simbench {__version__}"
    built_in = [(subject, name, own) for subject in SUBJECTS for name in formats(subject)]
    others = [(*name.partition(".")[::2], where) for name, where in plugins(GROUP)]
    return [
        {"subject": subject, "name": name, "distribution": where}
        for subject, name, where in (*built_in, *others)
    ]


LISTS: Mapping[str, Callable[[], Sequence[Row]]] = {
    "platforms": _platforms,
    "benchmarks": _benchmarks,
    "kernels": _kernels,
    "backends": _backends,
}


ASKED_FOR: Mapping[str, Callable[[], Sequence[Row]]] = {
    "formats": _formats,
    "runtimes": _runtimes,
    "toolchains": _toolchains,
}


@click.command(name="list")
@click.argument("what", required=False, type=click.Choice([*LISTS, *ASKED_FOR, OPS]))
@click.option(
    "--platform",
    type=PLATFORM,
    metavar="NAME",
    help="With ops: a platform, for its core's firmware.",
)
@click.option("--core", metavar="NAME", help="With ops: the firmware's core. Default: cortex-m4.")
@click.option(
    "--kernels", type=KERNELS, metavar="NAME", help="With ops: its kernel set. Default: cmsis-nn."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(
    what: str | None, platform: str | None, core: str | None, kernels: str | None, as_json: bool
) -> None:
    """List platforms, benchmarks, kernels and backends; or what is named, such as formats.

    \b
    Examples:
      simbench list
      simbench list platforms --json
      simbench list formats
      simbench list ops --platform stm32f4
      simbench list runtimes
    """
    if what == OPS:
        found = {OPS: _ops(_core(platform, core), kernels or DEFAULT_KERNELS)}
    elif platform or core or kernels:
        raise UsageError("--platform, --core and --kernels are for 'simbench list ops' alone")
    elif what is not None and what in ASKED_FOR:
        found = {what: ASKED_FOR[what]()}
    else:
        found = {name: LISTS[name]() for name in ([what] if what else LISTS)}
    if as_json:
        old = {name: [_with_old_names(row) for row in rows] for name, rows in found.items()}
        click.echo(json.dumps(old, indent=2))
        return
    terminal = console()
    for name, rows in found.items():
        terminal.print(_table(name, rows))


def _with_old_names(row: Row) -> Row:
    """``row`` with the keys that scripts of before read."""
    return {**row, **{old: row[new] for new, old in _OLD_NAMES.items() if new in row}}


def _core(platform: str | None, core: str | None) -> str:
    from simbench.catalog.platforms import load_platform

    if platform is None:
        return core or "cortex-m4"
    if core is not None:
        raise UsageError("--platform and --core exclude each other: give one of them")
    return load_platform(platform).core


def _table(name: str, rows: Sequence[Row]) -> Table:
    table = Table(title=name, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for key in rows[0] if rows else ():
        table.add_column(
            _heading(key),
            justify="right" if key in _NUMBERS else "left",
            no_wrap=key == "name",
        )
    for row in rows:
        table.add_row(*(_cell(key, value) for key, value in row.items()))
    return table


def _heading(key: str) -> str:
    return {
        "clock_hz": "clock",
        "macs": "MACs",
        "model_id": "model",
        "memories": "memories, KiB",
        "model_error": "model error",
        "highest_version": "version",
    }.get(key, key)


def _cell(key: str, value: Any) -> str:
    from simbench.result.units import format_si

    if value is None:
        return "–"
    if key == "clock_hz":
        return format_si(value, "Hz")
    if key == "model_error":
        return str(value).partition(",")[0].partition(" against")[0]
    if key == "memories":
        return ", ".join(f"{name} {size // 1024}" for name, size in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)
