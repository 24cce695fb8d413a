from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simbench.result.estimate import Estimate
from simbench.result.units import format_kib, format_range, format_si


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0564, "s", "56.4 ms"),
        (9_470_000, "", "9.47 M"),
        (0.9996, "s", "1.00 s"),
        (0.000_238, "J", "238 µJ"),
        (0, "J", "0 J"),
        (12, "", "12.0"),
    ],
)
def test_si_shows_three_significant_digits(value: float, unit: str, shown: str) -> None:
    assert format_si(value, unit) == shown


@given(st.floats(min_value=1e-9, max_value=9.99e11))
def test_si_never_needs_more_than_six_characters(value: float) -> None:
    assert len(format_si(value, "")) <= 6


def test_a_range_keeps_the_unit_of_its_value() -> None:
    estimate = Estimate(value=1.02e-3, lower=0.95e-3, upper=1.2e-3, source="test")
    assert format_range(estimate) == "0.95–1.20"


def test_kib() -> None:
    assert format_kib(118_848) == "116.1 KiB"
