"""What calls cost with all that they call, worked out from the counts of calls."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from simbench.profiles import Call


def inclusive(own: Mapping[int, float], calls: Sequence[Call]) -> dict[int, float]:
    """The cost of each function with those it calls, from ``own`` costs by a function's address.

    Each call of a function is taken to cost the same, whoever calls. Functions that call one
    another in a circle cost what the circle does.
    """
    circle = _circles(own, calls)
    place = {first: index for index, first in enumerate(dict.fromkeys(circle.values()))}
    costs = np.zeros(len(place))
    for address, cost in own.items():
        costs[place[circle[address]]] += cost
    parts = np.zeros((len(place), len(place)))
    for call, part in zip(calls, call_parts(own, calls), strict=True):
        parts[place[circle[call.caller]], place[circle[call.callee]]] += part
    # without circles this has a solution: what a function costs is its own and its parts of others
    found = np.linalg.solve(np.eye(len(place)) - parts, costs)
    return {address: float(found[place[circle[address]]]) for address in own}


def call_parts(functions: Iterable[int], calls: Sequence[Call]) -> list[float]:
    """For each of ``calls``, the part of its callee's cost, with all it calls, that it pays.

    Calls within a circle pay nothing: who enters the circle pays for all of it.
    """
    circle = _circles(functions, calls)
    entered: Counter[int] = Counter()
    for call in calls:
        if circle[call.caller] != circle[call.callee]:
            entered[circle[call.callee]] += call.count
    return [
        call.count / entered[circle[call.callee]]
        if circle[call.caller] != circle[call.callee]
        else 0.0
        for call in calls
    ]


def _circles(functions: Iterable[int], calls: Iterable[Call]) -> dict[int, int]:
    """The first function of the circle of calls that each one is in: itself, where in none."""
    callees: defaultdict[int, set[int]] = defaultdict(set)
    for call in calls:
        callees[call.caller].add(call.callee)
    reached = {function: _reach(callees, function) for function in functions}
    return {
        function: min([function, *(g for g in found if function in reached[g])])
        for function, found in reached.items()
    }


def _reach(callees: Mapping[int, set[int]], start: int) -> set[int]:
    """What ``start`` calls, directly or not."""
    reached: set[int] = set()
    waiting = [start]
    while waiting:
        for function in callees.get(waiting.pop(), set()) - reached:
            reached.add(function)
            waiting.append(function)
    return reached
