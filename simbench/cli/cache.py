"""``simbench cache``: what simbench keeps on this machine, by kind, and how to remove it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table

from simbench.catalog.chosen import chosen
from simbench.cli.console import console
from simbench.errors import EXIT_GOOD
from simbench.files.kept import BUILT, clear_built, folder_bytes, kept_folder
from simbench.result.units import format_si
from simbench.store import Entry, Store, default_store

STORE = "store"


@click.group(name="cache")
def command() -> None:
    """Show or clear what simbench keeps: the store of counts, which spares a second simulation of
    the same thing, and what was fetched and built.

    SIMBENCH_CACHE names the store's folder, SIMBENCH_CACHE_LIMIT how large it may get (512M, 4G).

    \b
    Examples:
      simbench cache info
      simbench cache clear
      simbench cache clear all
      simbench run --platform stm32f4 --no-cache
    """


@command.command(name="info")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def info(as_json: bool) -> int:
    """Show what is kept by kind, and what the store holds by benchmark.

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
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
def clear(kinds: tuple[str, ...]) -> int:
    """Remove what is kept of each KIND ('simbench cache info' shows them), or "all". Default: the
    store, so that the next run simulates. What was fetched and built is made again when needed.

    \b
    Examples:
      simbench cache clear
      simbench cache clear firmware downloads
      simbench cache clear all
    """
    freed = 0
    for kind in chosen("kind", kinds or (STORE,), (STORE, *BUILT)):
        freed += default_store().clear() if kind == STORE else clear_built(kind)
    click.echo(f"{format_si(freed, 'B')} freed")
    return EXIT_GOOD


def _facts(store: Store, entries: Sequence[Entry]) -> dict[str, Any]:
    names = sorted({entry.about for entry in entries})
    return {
        "folder": str(store.folder),
        "limit_bytes": store.limit_bytes,
        "kept": {
            kind: {"folder": str(kept_folder(kind)), "bytes": folder_bytes(kept_folder(kind))}
            for kind in BUILT
        },
        **_total(entries),
        "benchmarks": {name: _total([e for e in entries if e.about == name]) for name in names},
    }


def _total(entries: Sequence[Entry]) -> dict[str, int]:
    return {"entries": len(entries), "bytes": sum(entry.bytes for entry in entries)}


def _report(facts: dict[str, Any]) -> None:
    terminal = console()
    used = f"{format_si(facts['bytes'], 'B')} of {format_si(facts['limit_bytes'], 'B')}"
    terminal.print(f"{STORE} {facts['folder']}: {used}", soft_wrap=True)
    for kind, kept in facts["kept"].items():
        terminal.print(f"{kind} {kept['folder']}: {format_si(kept['bytes'], 'B')}", soft_wrap=True)
    if not facts["benchmarks"]:
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("benchmark")
    table.add_column("entries", justify="right")
    table.add_column("size", justify="right")
    for name, total in facts["benchmarks"].items():
        table.add_row(name or "(damaged)", f"{total['entries']:,}", format_si(total["bytes"], "B"))
    terminal.print(table)
