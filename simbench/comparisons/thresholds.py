"""Thresholds: how much worse a metric may get, written ``cycles:+1%`` or ``arena_bytes@kws:+0``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from simbench.comparisons.comparison import Change, Comparison, Entry
from simbench.comparisons.wording import both, quantity
from simbench.errors import UsageError
from simbench.result.metrics import METRICS, selects
from simbench.result.tree import OK

STATUS = "status"
OUTPUTS = "outputs"
FACTS = (STATUS, OUTPUTS)
"""What fails on any change for the worse, without a number."""
SHORT = {"parity": "wrong_outputs"}
"""Other names of metrics."""

_FORM = re.compile(
    r"(?P<metric>[a-z_]+)(@(?P<entries>[^:]+))?(:(?P<allowed>[+-]?\d+(\.\d+)?)(?P<percent>%)?)?"
)
_EXAMPLE = "write METRIC[@ENTRIES][:CHANGE], like cycles:+1%, arena_bytes:+0 or status@kws"
_ROUNDING = 1e-9  # a sum of floating point numbers may differ in the last digits


@dataclass(frozen=True, slots=True)
class Threshold:
    """``metric`` of the chosen entries may grow by ``allowed``, a number in the metric's unit or a
    percentage of what it was. A negative one asks for an improvement."""

    text: str
    metric: str
    entries: str
    allowed: float
    is_percentage: bool

    def limit(self, base: float) -> float:
        """The most that the metric may be where it was ``base``."""
        return base * (1 + self.allowed / 100) if self.is_percentage else base + self.allowed


def parse_threshold(text: str) -> Threshold:
    """The threshold that ``text`` says. Raises :class:`UsageError` where it says none."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise UsageError(f"--fail-on {text} is no threshold: {_EXAMPLE}")
    metric = SHORT.get(match["metric"], match["metric"])
    allowed = match["allowed"]
    if metric not in (*METRICS, *FACTS):
        known = ", ".join((*METRICS, *SHORT, *FACTS))
        raise UsageError(f"--fail-on {text}: nothing is called {metric}; there are {known}")
    if metric in FACTS and allowed is not None:
        raise UsageError(f"--fail-on {text}: {metric} is no number; write --fail-on {metric}")
    entries = match["entries"] or "*"
    return Threshold(text, metric, entries, float(allowed or 0), match["percent"] is not None)


def breaches(threshold: Threshold, comparison: Comparison) -> Iterator[str]:
    """A sentence for every entry that breaks ``threshold``.

    Raises :class:`UsageError` where it chooses no entry: it could never fail.
    """
    chosen = [entry for entry in comparison.entries if selects(threshold.entries, entry.id)]
    if not chosen:
        names = ", ".join(entry.id for entry in comparison.entries[:4])
        raise UsageError(f"--fail-on {threshold.text} chooses no entry: there are {names}, ...")
    for entry in chosen:
        wrong = _breach(threshold, entry)
        if wrong is not None:
            yield f"{entry.id}: {wrong} (--fail-on {threshold.text})"


def _breach(threshold: Threshold, entry: Entry) -> str | None:
    if entry.base is None:
        return None
    if entry.new is None:
        return "is missing" if threshold.metric == STATUS else None
    if threshold.metric == STATUS:
        return _worse_status(entry)
    if threshold.metric == OUTPUTS:
        differs = any(fact.name == OUTPUTS and fact.base is not None for fact in entry.facts)
        return "the outputs differ" if differs else None
    change = next(change for change in entry.changes if change.metric == threshold.metric)
    return _excess(threshold, change, entry)


def _worse_status(entry: Entry) -> str | None:
    assert entry.base is not None
    assert entry.new is not None
    if entry.new.status in (OK, entry.base.status):
        return None
    return f"was {entry.base.status}, is {entry.new.status}: {entry.new.reason}"


def _excess(threshold: Threshold, change: Change, entry: Entry) -> str | None:
    if change.base is None:
        return None
    if change.new is None:
        why = entry.new.reason if entry.new is not None and entry.new.reason else "no reason given"
        return f"{change.metric} was {quantity(change.base, change.unit)}, is not known: {why}"
    if change.new <= threshold.limit(change.base) + _ROUNDING * abs(change.base):
        return None
    before, after = (quantity(value, change.unit) for value in (change.base, change.new))
    return f"{change.metric} was {before}, is {after}: {both(change)}"
