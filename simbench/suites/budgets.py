"""Budgets: the most that a quantity of a result may be, and results held against them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType

from simbench.files.datafile import UNITS, parse_number
from simbench.result.estimate import Estimate
from simbench.result.metrics import METRICS, selects, value_of
from simbench.result.tree import DOES_NOT_FIT, Budget, Result
from simbench.result.units import format_range, format_si

BUDGETS: Mapping[str, str] = MappingProxyType(
    {
        m.name: m.unit if m.unit in UNITS else ""
        for m in METRICS.values()
        if m.name != "wrong_outputs"
    }
)
"""What can have a budget, by its name in a result, and the unit it is written in (a key of
:data:`simbench.files.datafile.UNITS`). A wrong output needs no budget: it always fails."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget for the results that ``results`` names ("kws@stm32f4"): ``metric`` may be at most
    ``most``, in the unit of the metric's name."""

    results: str
    metric: str
    most: float

    def holds_for(self, id_: str) -> bool:
        """Whether the result called ``id_`` has this budget."""
        return selects(self.results, id_)


def metric_limit(metric: str, text: str) -> float:
    """The budget ``text`` ("12e6", "5mJ", "64KiB") for ``metric``, in the unit of its name.

    Raises ValueError with a sentence saying what is wrong.
    """
    if metric not in BUDGETS:
        near = get_close_matches(metric, BUDGETS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(BUDGETS)}"
        raise ValueError(f"there is no budget for {metric}: {hint}")
    limit = parse_number(text, BUDGETS[metric])
    if limit < 0:
        raise ValueError(f"{text} is impossible: a budget is 0 or more")
    return limit


def held(result: Result, limits: Iterable[Limit]) -> Result:
    """``result`` with the budgets that ``limits`` give it, met or not; its status stays."""
    budgets = (_budget(result, limit) for limit in limits if limit.holds_for(result.id))
    return replace(result, budgets=tuple(budgets))


def breaches(result: Result) -> tuple[str, ...]:
    """A sentence for each budget that ``result`` does not meet; none where all are met.

    What does not fit its board meets no budget there.
    """
    if result.budgets and result.status == DOES_NOT_FIT:
        return (f"{result.id} has a budget and does not fit: {result.reason}",)
    return tuple(
        f"{result.id}: {_breach(result, budget)}" for budget in result.budgets if not budget.is_met
    )


def _budget(result: Result, limit: Limit) -> Budget:
    value = value_of(METRICS[limit.metric].read(result))
    is_met = value is not None and value <= limit.most
    return Budget(limit.metric, limit.most, value, is_met)


def _breach(result: Result, budget: Budget) -> str:
    metric, limit = budget.metric, shown(budget.metric, budget.limit)
    if budget.value is None:
        why = (result.missing or {}).get(metric, result.reason or "it was not measured")
        return f"{metric} has a budget of {limit} and is not known: {why}"
    over = budget.value - budget.limit
    share = f", {100 * over / budget.limit:+.1f} %" if budget.limit else ""
    value = f"{shown(metric, budget.value)}{_range(result, metric)}"
    return f"{metric} is {value}, {shown(metric, over)} over its budget of {limit}{share}"


def shown(metric: str, value: float) -> str:
    """``value`` of ``metric`` the way people read it: "10.9 M", "5.00 mJ", "65,536 bytes"."""
    unit = BUDGETS.get(metric, "")  # a stored result may know others
    if metric == "instructions" or unit == "bytes":
        return f"{value:,.0f} {unit}".strip()
    return format_si(value, unit)


def _range(result: Result, metric: str) -> str:
    reading = METRICS[metric].read(result)
    return f" ({format_range(reading)})" if isinstance(reading, Estimate) else ""
