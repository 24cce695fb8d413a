"""The table of results: made to be read in a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simbench.cli.text import kib, si, si_range
from simbench.estimate import Estimate
from simbench.results import DOES_NOT_FIT, ERROR, OK, Result

_STYLES = {OK: "green", DOES_NOT_FIT: "yellow"}


def results_table(title: str, results: Sequence[Result]) -> RenderableType:
    """One row a result, its ranges beneath, then what the firmware said of real inputs."""
    table = Table(title=title, title_justify="left", title_style="bold", pad_edge=False, box=None)
    table.add_column("benchmark")
    table.add_column("outputs")
    for heading in ("instructions", "cycles", "time", "energy", "arena", "RAM", "flash"):
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(*_cells(result))
    return Group(table, *_remarks(results), *_predictions(results))


def _cells(result: Result) -> Iterable[Text | str]:
    yield Text(result.benchmark, style="bold")
    yield _outputs(result)
    yield f"{result.instructions:,}" if result.instructions is not None else "–"
    for estimate, unit in ((result.cycles, ""), (result.time_s, "s"), (result.energy_j, "J")):
        yield _estimate(estimate, unit)
    if result.memory is None:
        yield from ("–", "–", "–")
    else:
        for size in (
            result.memory.arena_bytes,
            result.memory.ram_bytes,
            result.memory.flash_bytes,
        ):
            yield kib(size)


def _outputs(result: Result) -> Text:
    if result.status == OK and result.parity is not None:
        return Text(f"{result.parity.exact}/{result.parity.samples} exact", style="green")
    if result.status in (DOES_NOT_FIT, ERROR) or result.parity is None:
        word = "not compared" if result.status == OK else result.status
        return Text(word, style=_STYLES.get(result.status, "bold red"))
    return Text(f"{result.parity.exact}/{result.parity.samples} WRONG", style="bold red")


def _estimate(estimate: Estimate | None, unit: str) -> Text | str:
    if estimate is None:
        return "–"
    return Text(si(estimate.value, unit)).append(f"\n{si_range(estimate, unit)}", style="dim")


def _remarks(results: Sequence[Result]) -> Iterable[Text]:
    for result in results:
        if result.reason is not None:
            yield Text(f"{result.id}: {result.reason}")


def _predictions(results: Sequence[Result]) -> Iterable[Text]:
    for result in results:
        if result.predictions:
            said = ", ".join(f"{p.input}: {p.label} ({p.score:.2f})" for p in result.predictions)
            yield Text(f"{result.benchmark} says  {said}")
