"""The table of one benchmark on several boards, the best first: for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simbench.cli.tables.results import estimate_cell, exact_cell, remarks
from simbench.result.ranking import ranked, verdict
from simbench.result.tree import OK, MemoryUse, Result

_UNKNOWN = "–"


def boards_table(title: str, results: Sequence[Result]) -> RenderableType:
    """One row a board, its ranges beneath, then what is to be said, and last the verdict."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", overflow="fold")
    for heading in ("exact", "time", "energy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("RAM", "flash"):
        table.add_column(f"{heading}\n[dim]KiB of there", justify="right", no_wrap=True)
    rows = ranked(results)
    for result in rows:
        table.add_row(*_cells(result))
    said = verdict(results)
    last = [Text(f"{said}.", style="bold")] if said else []
    return Group(Text(title, style="bold"), table, *remarks(rows, lambda r: r.platform), *last)


def _cells(result: Result) -> Iterable[Text | str]:
    yield Text(result.platform, style="bold")
    yield exact_cell(result) if result.status == OK else Text(result.status, style="bold red")
    yield estimate_cell(result.time_s, "s")
    yield estimate_cell(result.energy_j, "J")
    yield _used(result.memory, "ram")
    yield _used(result.memory, "flash")


def _used(memory: MemoryUse | None, kind: str) -> str:
    if memory is None or memory.kinds is None:
        return _UNKNOWN
    used, there = (memory.kinds[kind][name] / 1024 for name in ("used_bytes", "size_bytes"))
    return f"{used:.1f} of {there:.0f}" if there else _UNKNOWN
