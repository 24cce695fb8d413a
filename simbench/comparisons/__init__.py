"""Two runs, entry by entry: what changed, by how much, and whether code or price did it.

Counts are exact, so any difference is real; what matters is said by thresholds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from simbench.comparisons.comparison import (
    CODE,
    IDENTITY,
    PRICE,
    TOOL,
    Change,
    Comparison,
    Entry,
    Fact,
    LayerChange,
)
from simbench.comparisons.conditions import differences, price_causes
from simbench.comparisons.layers import paired
from simbench.result.metrics import LAYER_METRICS, METRICS, Metric, Subject, value_of
from simbench.result.tree import Layer, Result, Run


def compare(base: Run, new: Run) -> Comparison:
    """Every entry of either run, sorted by id."""
    before = {result.id: result for result in base.results}
    after = {result.id: result for result in new.results}
    names = sorted(before | after)
    entries = [_entry(name, before.get(name), after.get(name)) for name in names]
    priced = (_with_price(entry, base, new) for entry in entries)
    return Comparison(tuple(priced), differences(base, new))


def _with_price(entry: Entry, base: Run, new: Run) -> Entry:
    """``entry`` with what of its price changed, where that is known."""
    if PRICE not in entry.causes or entry.new is None:
        return entry
    return replace(entry, price_causes=price_causes(base, new, entry.new.platform))


def _entry(name: str, base: Result | None, new: Result | None) -> Entry:
    if new is None:
        return Entry(name, base, new)
    changes = _changes(METRICS.values(), base, new)
    if base is None:
        return Entry(name, base, new, changes)
    facts = tuple(_facts(base, new))
    layers = _layers(base.layers, new.layers)
    entry = Entry(name, base, new, changes, facts, layers)
    return replace(entry, causes=_causes(base, new, facts)) if entry.is_changed else entry


def _changes(
    metrics: Iterable[Metric[Subject]], base: Subject | None, new: Subject | None
) -> tuple[Change, ...]:
    def value(metric: Metric[Subject], subject: Subject | None) -> float | None:
        return None if subject is None else value_of(metric.read(subject))

    return tuple(Change(m.name, m.unit, value(m, base), value(m, new)) for m in metrics)


def _facts(base: Result, new: Result) -> Iterable[Fact]:
    pairs = zip(_identity(base).items(), _identity(new).values(), strict=True)
    return (Fact(name, before, after) for (name, before), after in pairs if before != after)


def _identity(result: Result) -> dict[str, str | None]:
    return {
        "status": result.status,
        "firmware": result.firmware_sha256,
        "model": None if result.model is None else result.model.sha256,
        "input": None if result.input is None else result.input.sha256,
        "outputs": result.output_sha256,
    }


def _layers(base: Sequence[Layer], new: Sequence[Layer]) -> tuple[LayerChange, ...]:
    if not base or not new:
        return ()  # one of them was not executed
    pairs = paired(base, new)
    return tuple(LayerChange(old, now, _changes(LAYER_METRICS, old, now)) for old, now in pairs)


def _causes(base: Result, new: Result, facts: Sequence[Fact]) -> tuple[str, ...]:
    if base.instructions is None or new.instructions is None:
        return ()  # nothing was executed, so there is nothing to explain
    causes = []
    names = {fact.name for fact in facts}
    if base.instructions != new.instructions or names & {*IDENTITY, "outputs"}:
        causes.append(CODE)
    if _price(base) != _price(new):
        causes.append(PRICE)
    return tuple(causes) or (TOOL,)


def _price(result: Result) -> tuple[str | None, ...]:
    """What priced the result: core, platform, supply, and the hash of all that made the price."""
    estimates = (result.cycles, result.time_s, result.energy_j)
    return tuple(None if estimate is None else estimate.source for estimate in estimates)
