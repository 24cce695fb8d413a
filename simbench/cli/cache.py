"""``simbench cache``: what the store of counts holds, and how to empty it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table

from simbench.cli.console import console
from simbench.errors import EXIT_GOOD
from simbench.result.units import format_si
from simbench.store import Entry, Store, default_store


@click.group(name="cache")
def command() -> None:
    """Show or clear the store of counts, which spares a second simulation of the same thing.

    SIMBENCH_CACHE names its folder, SIMBENCH_CACHE_LIMIT how large it may get (512M, 4G).

    \b
    Examples:
      simbench cache info
      simbench cache clear
      simbench run --platform stm32f4 --no-cache
    """


@command.command(name="info")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def info(as_json: bool) -> int:
    """Show the store's folder, its limit, and what it holds by benchmark.

    \b
    Example:
      simbench cache info --json
    """
    store = default_store()
    facts = _facts(store, store.entries())
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        _report(facts)
    return EXIT_GOOD


@command.command(name="clear")
def clear() -> int:
    """Remove all that the store holds: the next run simulates.

    \b
    Example:
      simbench cache clear
    """
    store = default_store()
    freed = store.clear()
    click.echo(f"{format_si(freed, 'B')} freed in {store.folder}")
    return EXIT_GOOD


def _facts(store: Store, entries: Sequence[Entry]) -> dict[str, Any]:
    names = sorted({entry.about for entry in entries})
    return {
        "folder": str(store.folder),
        "limit_bytes": store.limit_bytes,
        **_total(entries),
        "benchmarks": {name: _total([e for e in entries if e.about == name]) for name in names},
    }


def _total(entries: Sequence[Entry]) -> dict[str, int]:
    return {"entries": len(entries), "bytes": sum(entry.bytes for entry in entries)}


def _report(facts: dict[str, Any]) -> None:
    terminal = console()
    used = f"{format_si(facts['bytes'], 'B')} of {format_si(facts['limit_bytes'], 'B')}"
    terminal.print(f"{facts['folder']}: {used}", soft_wrap=True)
    if not facts["benchmarks"]:
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("benchmark")
    table.add_column("entries", justify="right")
    table.add_column("size", justify="right")
    for name, total in facts["benchmarks"].items():
        table.add_row(name or "(damaged)", f"{total['entries']:,}", format_si(total["bytes"], "B"))
    terminal.print(table)
