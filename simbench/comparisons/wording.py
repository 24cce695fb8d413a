"""Changes in words: quantities exactly, changes with their sign, entries in a phrase."""

from __future__ import annotations

from simbench.comparisons.comparison import CODE, IDENTITY, PRICE, TOOL, Change, Comparison, Entry
from simbench.result.metrics import METRICS
from simbench.result.tree import OK, Budget, Result
from simbench.result.units import format_si

UNKNOWN = "–"
_SI_UNITS = ("s", "J")
_CAUSES = {CODE: "code changed", PRICE: "price changed", TOOL: "simbench changed"}


def quantity(value: float | None, unit: str) -> str:
    """``value`` of a metric: seconds and joules with three digits, all else to the last one."""
    if value is None:
        return UNKNOWN
    return format_si(value, unit) if unit in _SI_UNITS else f"{value:,.0f}"


def ratio(value: float | None) -> str:
    """A ratio with four digits, a count to the last one."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value == int(value) else f"{value:.4g}"


def over_budget(budget: Budget) -> str:
    """How a budget was missed, in a sentence."""
    unit = METRICS[budget.metric].unit if budget.metric in METRICS else ""
    value, limit = (quantity(number, unit) for number in (budget.value, budget.limit))
    return f"{budget.metric} is {value}, its budget is {limit}"


def absolute(change: Change) -> str:
    """The change with its sign: "+35,679"."""
    if change.absolute is None:
        return UNKNOWN
    sign = "-" if change.absolute < 0 else "+"
    return sign + quantity(abs(change.absolute), change.unit)


def relative(change: Change) -> str:
    """The change as a share with its sign: "+0.45 %", or "x12"; what came from nothing has none."""
    share = change.relative
    if share is None:
        return UNKNOWN
    if share >= 10:
        return f"x{1 + share:.3g}"
    percent = share * 100
    if 0 < abs(percent) < 0.005:  # small is not nothing: counts are exact
        return f"{percent:+.5f} %" if abs(percent) >= 1e-5 else f"{percent:+.0e} %"
    return f"{percent:+.2f} %"


def both(change: Change) -> str:
    """The change absolutely and, where that has a meaning, as a share: "+35,679, +0.45 %"."""
    said = absolute(change)
    return said if change.relative is None else f"{said}, {relative(change)}"


def heading(entry: Entry) -> str:
    """What became of the entry, in a phrase."""
    if entry.new is None:
        return "missing: only the base has it"
    if entry.base is None:
        return f"added: only the new run has it ({_status(entry.new)})"
    hashes = [fact.name for fact in entry.facts if fact.name in IDENTITY]
    within = {CODE: f" ({', '.join(hashes)})" if hashes else ""}
    if entry.price_causes:
        within[PRICE] = f": {', '.join(entry.price_causes)}"
    said = [_CAUSES[cause] + within.get(cause, "") for cause in entry.causes]
    if any(fact.name == "outputs" for fact in entry.facts):
        said.append("outputs changed")
    if entry.base.status != entry.new.status:
        said.insert(0, f"was {entry.base.status}, is {_status(entry.new)}")
    return "; ".join(said)


def prices(entry: Entry) -> str | None:
    """Which price was used before and after, where they differ."""
    if PRICE not in entry.causes or entry.base is None or entry.new is None:
        return None
    pairs = zip(_sources(entry.base), _sources(entry.new), strict=True)
    old, new = next((old, new) for old, new in pairs if old != new)
    return f"{old} before, {new} after"


def summary(comparison: Comparison) -> str:
    """How many entries were compared and what became of them, in a sentence."""
    compared = [entry for entry in comparison.entries if entry.is_compared]
    changed = sum(entry.is_changed for entry in compared)
    parts = [f"{len(compared)} compared", f"{changed} changed", f"{len(compared) - changed} equal"]
    missing = sum(entry.new is None for entry in comparison.entries)
    added = sum(entry.base is None for entry in comparison.entries)
    parts += [f"{n} {word}" for n, word in ((missing, "missing"), (added, "added")) if n]
    return ", ".join(parts)


def _status(result: Result) -> str:
    return result.status if result.status == OK else f"{result.status}: {result.reason}"


def _sources(result: Result) -> tuple[str, ...]:
    estimates = (result.cycles, result.time_s, result.energy_j)
    return tuple("none" if estimate is None else estimate.source for estimate in estimates)
