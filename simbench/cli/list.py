"""``simbench list``: what there is to run, and on what."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

Row = Mapping[str, Any]


def _platforms() -> Sequence[Row]:
    from simbench.platforms import load_platform, platform_files

    return [
        {
            "name": p.id,
            "core": p.core,
            "clock_hz": p.clock_hz,
            "memories": {m.name: m.size_bytes for m in p.memories.values()},
            "accuracy": p.accuracy,
        }
        for p in map(load_platform, platform_files())
    ]


def _benchmarks() -> Sequence[Row]:
    from simbench.benchmarks import load_benchmarks

    return [
        {"name": b.id, "title": b.title, "model_id": b.model_id, "macs": b.macs}
        for b in load_benchmarks().values()
    ]


def _kernels() -> Sequence[Row]:
    from simbench.firmware.build import KERNELS

    return [{"name": name, "title": title} for name, title in KERNELS.items()]


def _backends() -> Sequence[Row]:
    from simbench.backends import backend_names

    return [{"name": name} for name in backend_names()]


LISTS: Mapping[str, Callable[[], Sequence[Row]]] = {
    "platforms": _platforms,
    "benchmarks": _benchmarks,
    "kernels": _kernels,
    "backends": _backends,
}


@click.command(name="list")
@click.argument("what", required=False, type=click.Choice(list(LISTS)))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(what: str | None, as_json: bool) -> None:
    """List platforms, benchmarks, kernels and backends.

    \b
    Examples:
      simbench list
      simbench list platforms --json
    """
    found = {name: LISTS[name]() for name in ([what] if what else LISTS)}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    console = Console()
    for name, rows in found.items():
        console.print(_table(name, rows))


def _table(name: str, rows: Sequence[Row]) -> Table:
    table = Table(title=name, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for key in rows[0] if rows else ():
        table.add_column(_heading(key), justify="right" if key in ("macs", "clock_hz") else "left")
    for row in rows:
        table.add_row(*(_cell(key, value) for key, value in row.items()))
    return table


def _heading(key: str) -> str:
    return {
        "clock_hz": "clock",
        "macs": "MACs",
        "model_id": "model",
        "memories": "memories, KiB",
    }.get(key, key)


def _cell(key: str, value: Any) -> str:
    from simbench.cli.text import si

    if value is None:
        return "–"
    if key == "clock_hz":
        return si(value, "Hz")
    if key == "accuracy":
        return str(value).partition(",")[0].partition(" against")[0]
    if key == "memories":
        return ", ".join(f"{name} {size // 1024}" for name, size in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)
