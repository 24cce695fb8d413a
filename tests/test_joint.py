"""Ranges of energies whose parts were split from a measured whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simbench.catalog.platforms import Platform, load_platform, platform_files
from simbench.cost.joint import Term, Values, joint_bounds

WITH_WHOLE = [
    name
    for name in platform_files()
    if (energy := load_platform(name).energy) is not None and energy.whole is not None
]


def term(low: float, value: float, high: float, times: float, share: float) -> Term:
    coefficient = np.array([[value, low, high]])
    return Term("", coefficient, np.full((1, 3), times), np.array([share]))


def bounds(terms: list[Term], low: float, high: float) -> tuple[float, float]:
    found = joint_bounds(terms, np.array([[(low + high) / 2, low, high]]), 1)
    return float(found[0][0]), float(found[1][0])


def test_parts_of_a_whole_are_not_all_low_at_once() -> None:
    # each of two is 1 to 3, their sum 4: twice the one and once the other is 5 to 7, not 3 to 9
    terms = [term(1, 2, 3, 2, 1), term(1, 2, 3, 1, 1)]
    assert bounds(terms, 4, 4) == pytest.approx((5, 7))
    assert bounds(terms, 2, 6) == pytest.approx((3, 9))


def test_what_the_whole_does_not_hold_is_free() -> None:
    terms = [term(1, 2, 3, 1, 1), term(0, 5, 10, 1, 0)]
    assert bounds(terms, 2, 2) == pytest.approx((2, 12))


numbers = st.floats(0, 10)


@given(
    st.lists(st.tuples(numbers, numbers, numbers, st.floats(0.1, 3)), min_size=1, max_size=4),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_no_choice_within_the_bounds_is_outside_and_one_is_at_each(
    made: list[tuple[float, float, float, float]], at: float, width: float
) -> None:
    lows = np.array([min(a, b) for a, b, _, _ in made])
    highs = np.array([max(a, b) for a, b, _, _ in made])
    times, shares = (np.array([each[i] for each in made]) for i in (2, 3))
    least, most = shares @ lows, shares @ highs
    low = least + at * (most - least)
    high = low + width * (most - low)
    assume(most - least > 1e-3)
    terms = [
        term(lo, lo, hi, t, s) for lo, hi, t, s in zip(lows, highs, times, shares, strict=True)
    ]
    lower, upper = bounds(terms, low, high)
    # a linear programme has its extremes at corners: all but one coefficient at a bound
    corners = list(_corners(lows, highs, shares, (low, high)))
    sums = [float(times @ corner) for corner in corners]
    assert lower == pytest.approx(min(sums), abs=1e-6)
    assert upper == pytest.approx(max(sums), abs=1e-6)


def _corners(
    lows: Values, highs: Values, shares: Values, wholes: tuple[float, float]
) -> Iterator[Values]:
    for bits in product((0, 1), repeat=len(lows)):
        point = np.where(bits, highs, lows)
        if wholes[0] - 1e-9 <= shares @ point <= wholes[1] + 1e-9:
            yield point
        for free, whole in product(range(len(lows)), wholes):
            moved = point.copy()
            rest = whole - (shares @ point - shares[free] * point[free])
            moved[free] = rest / shares[free]
            if lows[free] - 1e-9 <= moved[free] <= highs[free] + 1e-9:
                yield moved


@pytest.mark.parametrize("name", WITH_WHOLE)
def test_the_measured_code_priced_on_a_board_takes_what_was_measured(name: str) -> None:
    """CoreMark gives the datasheet's current, networks the published energy."""
    board = load_platform(name)
    assert board.energy is not None
    assert board.energy.whole is not None
    whole = board.energy.whole.cycle_j
    assert whole.lower <= _cycle_j(board) <= whole.upper
    assert _cycle_j(board) == pytest.approx(whole.value, rel=0.02)


def _cycle_j(board: Platform) -> float:
    energy = board.energy
    assert energy is not None
    assert energy.whole is not None
    words = max(each.value for each in energy.access_j.values())
    return (
        energy.static_w.value / board.clock_hz
        + energy.clock_j.value
        + energy.whole.executing * energy.instruction_j["alu"].value
        + energy.whole.words * words
        + energy.whole.reads * energy.line_j["flash"].value
    )
