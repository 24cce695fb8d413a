"""What a page opens with: which board, and is it enough? Bars, a table, and a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from simbench.exports.html.blocks import Bar, Bars, Block, Link, Rows, Section, Text
from simbench.result.axes import by_axis
from simbench.result.estimate import Estimate
from simbench.result.ranking import ranked, verdict
from simbench.result.tree import DOES_NOT_FIT, OK, Result
from simbench.result.units import format_kib, format_range, format_si

UNKNOWN = "–"
_HEADINGS = ("status", "outputs exact", "instructions", "cycles", "time", "energy")
_MEMORY = ("arena", "RAM of there", "flash of there")

Anchors = dict[str, str]
"""Where on the page a result is, by its id."""


def answer_sections(results: Sequence[Result], anchors: Anchors) -> Iterator[Section]:
    """A section for each benchmark on several boards, or for each board with its benchmarks."""
    boards, benchmarks = ({getattr(r, axis) for r in results} for axis in ("platform", "benchmark"))
    axis = "benchmark" if len(boards) > max(1, len(benchmarks)) else "platform"
    of = "platform" if axis == "benchmark" else "benchmark"
    for title, rows in by_axis(results, axis):
        yield Section(title, list(_blocks(rows, of, anchors)))


def _blocks(results: Sequence[Result], of: str, anchors: Anchors) -> Iterator[Block]:
    rows = ranked(results) if of == "platform" else results
    said = (
        verdict(results) if of == "platform" and len(results) > 1 else "; ".join(map(_said, rows))
    )
    if said:
        yield Text(f"{said}.", strong=True)

    def name(result: Result) -> Link:
        return Link(str(getattr(result, of)), anchors[result.id])

    for caption, unit, pick in (
        ("Time", "s", lambda r: r.time_s),
        ("Energy", "J", lambda r: r.energy_j),
    ):
        yield from _estimates(rows, name, caption, unit, pick)
    for kind, called in (("ram", "RAM"), ("flash", "Flash")):
        yield from _memory(rows, name, kind, called)
    cells: list[list[str | Link]] = [[name(result), *_cells(result)] for result in rows]
    yield Rows(("", *_HEADINGS, *_MEMORY), cells, text_columns=2)


def _said(result: Result) -> str:
    """One result in words."""
    name = f"{result.benchmark} on {result.platform}"
    if result.status != OK:
        return f"{name}: {result.status}" + (f", {result.reason}" if result.reason else "")
    takes = [(result.time_s, "s"), (result.energy_j, "J")]
    known = [f"{format_si(e.value, u)} ({format_range(e)})" for e, u in takes if e is not None]
    return f"{name} takes {' and '.join(known)}" if known else f"{name} has no price"


def _estimates(
    results: Sequence[Result],
    name: Callable[[Result], Link],
    caption: str,
    unit: str,
    pick: Callable[[Result], Estimate | None],
) -> Iterator[Bars]:
    known = [(result, pick(result)) for result in results]
    longest = max((e.upper for _, e in known if e is not None), default=0.0)
    if not longest or len(results) < 2:
        return
    bars = [
        Bar(name(result), UNKNOWN)
        if estimate is None
        else Bar(
            name(result),
            f"{format_si(estimate.value, unit)} ({format_range(estimate)})",
            estimate.value / longest,
            (estimate.lower / longest, estimate.upper / longest),
            is_faint=result.status != OK,
        )
        for result, estimate in known
    ]
    yield Bars(caption, bars)


def _memory(
    results: Sequence[Result], name: Callable[[Result], Link], kind: str, called: str
) -> Iterator[Bars]:
    """The share of a kind of memory that is used; one that is too small is full, and said so."""
    bars = []
    for result in results:
        kinds = result.memory.kinds if result.memory is not None else None
        if kinds is None or not kinds[kind]["size_bytes"]:
            continue
        used, there = kinds[kind]["used_bytes"], kinds[kind]["size_bytes"]
        over = result.status == DOES_NOT_FIT
        bars.append(Bar(name(result), _of(used, there), min(used / there, 1.0), is_faint=over))
    if bars:
        yield Bars(f"{called} used of what is there", bars)


def _of(used: int, there: int) -> str:
    return f"{used / 1024:.1f} of {there / 1024:.0f} KiB"


def _cells(result: Result) -> Iterator[str]:
    yield result.status
    yield UNKNOWN if result.parity is None else result.parity.shown
    yield UNKNOWN if result.instructions is None else f"{result.instructions:,}"
    for estimate, unit in ((result.cycles, ""), (result.time_s, "s"), (result.energy_j, "J")):
        if estimate is None:
            yield UNKNOWN
        else:
            yield f"{format_si(estimate.value, unit)} ({format_range(estimate)})"
    memory = result.memory
    if memory is None:
        yield from (UNKNOWN,) * 3
        return
    yield UNKNOWN if memory.arena_bytes is None else format_kib(memory.arena_bytes)
    for kind, size in zip(("ram", "flash"), memory.placed, strict=True):
        if size is None:
            yield UNKNOWN
        elif memory.kinds is None:
            yield format_kib(size)
        else:
            yield _of(size, memory.kinds[kind]["size_bytes"])
