"""A run as a comment on a pull request, in Markdown.

It begins with a marker that is not shown, so that a later run can find its comment and replace it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from simbench.comparisons.wording import over_budget
from simbench.exports.markdown_text import SENTENCE, code, listed, table
from simbench.result import notice
from simbench.result.estimate import Estimate
from simbench.result.tree import OK, Result, Run
from simbench.result.units import format_accuracy, format_kib, format_range, format_si

MARKER = "<!-- simbench -->"

_UNKNOWN = "–"
_HEADINGS = (
    *("result", "exact", "instructions", "cycles", "time", "energy"),
    *("arena", "RAM", "flash"),
)


def render(run: Run) -> str:
    """``run`` as a comment: verdict, a row for each result, its accuracy, and what is not ok."""
    return f"{MARKER}\n{body(run)}"


def body(run: Run) -> str:
    """The comment without its marker."""
    rows = [tuple(_cells(result)) for result in run.results]
    parts = [f"### simbench: {verdict(run.results)}", table(_HEADINGS, rows)]
    wrong = listed(tuple(_remarks(run.results)))
    closing = (
        "Ranges are what the cost model leaves open; instructions and bytes are exact. "
        f"{notice.SENTENCE}"
    )
    return "\n\n".join(filter(None, (*parts, wrong, closing))) + "\n"


def verdict(results: Sequence[Result]) -> str:
    """How many results there are of each status: "3 ok, 1 failed"."""
    counted = Counter(result.status for result in results)
    return ", ".join(f"{count} {status}" for status, count in counted.items()) or "nothing was run"


def _cells(result: Result) -> Iterator[str]:
    yield code(result.id)
    parity = result.parity
    yield _UNKNOWN if parity is None else parity.shown
    yield _UNKNOWN if result.instructions is None else f"{result.instructions:,}"
    for estimate, unit in ((result.cycles, ""), (result.time_s, "s"), (result.energy_j, "J")):
        yield _ranged(estimate, unit)
    memory = result.memory
    if memory is None:
        yield from (_UNKNOWN,) * 3
    else:
        for size in (memory.arena_bytes, *memory.placed):
            yield _UNKNOWN if size is None else format_kib(size)


def _ranged(estimate: Estimate | None, unit: str) -> str:
    if estimate is None:
        return _UNKNOWN
    return f"{format_si(estimate.value, unit)} ({format_range(estimate)})"


def _remarks(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        if result.accuracy is not None:
            yield f"{code(result.id)}: {code(format_accuracy(result.accuracy), SENTENCE)}"
        if result.status != OK:
            yield f"{code(result.id)} **{result.status}**: {code(result.reason, SENTENCE)}"
        yield from missed_budgets(result)


def missed_budgets(result: Result) -> Iterator[str]:
    """A sentence for each budget that ``result`` does not meet."""
    for budget in result.budgets:
        if not budget.is_met:
            yield f"{code(result.id)} **over budget**: {code(over_budget(budget), SENTENCE)}"
