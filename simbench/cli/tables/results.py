"""The table of results: made to be read in a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from textwrap import wrap

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from simbench.result.estimate import Estimate
from simbench.result.tree import OK, Budget, Duty, MemoryUse, Result
from simbench.result.units import (
    format_accuracy,
    format_duration,
    format_range,
    format_score,
    format_si,
)
from simbench.runs.remarks import by_sentence
from simbench.suites.budgets import shown

_UNKNOWN = "–"
_WIDTH = 80
_SHORT_NAME = 6  # of a benchmark: shorter ones are not folded


def results_table(title: str, results: Sequence[Result]) -> RenderableType:
    """One row a result, its ranges beneath, then what the firmware said of real inputs."""
    longest = max((len(result.benchmark) for result in results), default=0)
    table = _table(results, 2, longest)
    if _width(table) > _WIDTH:
        table = _table(results, 1, longest)
    if (excess := _width(table) - _WIDTH) > 0:
        table = _table(results, 1, max(longest - excess, _SHORT_NAME))
    return Group(Text(title, style="bold"), table, *remarks(results, lambda r: r.benchmark))


def _width(table: Table) -> int:
    return Console(width=10 * _WIDTH).measure(table).maximum


def _table(results: Sequence[Result], gap: int, name_width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in ("exact", "instructions", "cycles", "time", "energy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("arena", "RAM", "flash"):
        table.add_column(f"{heading}\n[dim]KiB", justify="right", no_wrap=True)
    for result in results:
        # at its dashes, not within a word
        lines = wrap(result.benchmark, name_width or 1) or [""]
        table.add_row(Text("\n".join(lines), style="bold"), *_cells(result))
    return table


def remarks(results: Sequence[Result], name: Callable[[Result], str]) -> Iterable[RenderableType]:
    """What is to be said beside the numbers, each sentence once; ``name`` is of a row."""
    for note in (*_remarks(results, name), *_predictions(results, name)):
        yield Padding(note, (0, 0, 0, 0))


def _cells(result: Result) -> Iterable[Text | str]:
    yield exact_cell(result)
    yield _UNKNOWN if result.instructions is None else f"{result.instructions:,}"
    for estimate, unit in ((result.cycles, ""), (result.time_s, "s"), (result.energy_j, "J")):
        yield estimate_cell(estimate, unit)
    yield from _memory(result.memory)


def exact_cell(result: Result) -> Text:
    """How many outputs are right of how many."""
    if result.parity is None:
        return Text(_UNKNOWN)
    return Text(result.parity.shown, style="bold red" if result.parity.wrong else "green")


def estimate_cell(estimate: Estimate | None, unit: str) -> Text | str:
    """The value, and its range beneath."""
    if estimate is None:
        return _UNKNOWN
    return Text(format_si(estimate.value, unit)).append(f"\n{format_range(estimate)}", style="dim")


def _memory(memory: MemoryUse | None) -> Iterable[str]:
    if memory is None:
        return (_UNKNOWN,) * 3
    sizes = (memory.arena_bytes, *memory.placed)
    return (_UNKNOWN if size is None else f"{size / 1024:.1f}" for size in sizes)


def _remarks(results: Sequence[Result], name: Callable[[Result], str]) -> Iterable[Text]:
    for result in results:
        if result.status != OK:
            yield Text(f"{result.id}: {result.status}: {result.reason}", style="bold")
        if result.accuracy is not None:
            yield Text(f"{name(result)}: {format_accuracy(result.accuracy)}")
        if result.duty is not None:
            yield Text(f"{name(result)}: {duty_sentence(result.duty)}")
        if result.budgets:
            yield _budgets(result, name(result))
    for sentence, of in by_sentence(results).items():
        names = ", ".join(map(name, of))
        yield Text(sentence if len(of) == len(results) else f"{names}: {sentence}")


def duty_sentence(duty: Duty) -> str:
    """How often it infers, whether in time, its mean power, and how long a battery lasts."""
    parts = [f"every {format_duration(duty.period_s)}"]
    if duty.margin_s is not None:
        left = duty.margin_s.value
        late = "late" if left < 0 else "to spare"
        sure = "" if duty.is_in_time is not None else ", which its range does not settle"
        parts.append(f"{format_duration(abs(left))} {late}{sure}")
        parts.append(f"busy {1 - left / duty.period_s:.1%} of the time")
    if duty.average_w is not None and duty.sleep_w is not None:
        mean, asleep = duty.average_w, format_si(duty.sleep_w.value, "W")
        parts.append(f"{format_si(mean.value, 'W')} in the mean ({format_range(mean)})")
        parts.append(f"{asleep} asleep ({duty.sleep_mode})")
    if duty.battery_life_s is not None:
        life = duty.battery_life_s
        bounds = " to ".join(format_duration(bound) for bound in (life.lower, life.upper))
        parts.append(f"{duty.battery} last {format_duration(life.value)} ({bounds})")
    return "; ".join(parts)


def _budgets(result: Result, name: str) -> Text:
    said = Text(", ").join(
        Text(f"{b.metric} {_shown(b)}", "" if b.is_met else "bold red") for b in result.budgets
    )
    return Text(f"{name} of its budget: ").append_text(said)


def _shown(budget: Budget) -> str:
    used = _UNKNOWN if budget.value is None else shown(budget.metric, budget.value)
    verdict = "" if budget.is_met else " (over)"
    return f"{used} of {shown(budget.metric, budget.limit)}{verdict}"


def _predictions(results: Sequence[Result], name: Callable[[Result], str]) -> Iterable[Text]:
    for result in results:
        if result.predictions:
            said = ", ".join(
                f"{p.input}: {p.label} {format_score(p.score)}" for p in result.predictions
            )
            yield Text(f"{name(result)} says of {said}")
