"""Budgets of a model as tests: pytest -q examples/ci/test_budgets.py"""

from __future__ import annotations

import pytest

from simbench.pytest_plugin import Bench


@pytest.mark.simbench(platform="stm32f4", benchmark="kws", time_s="70ms", arena_bytes="64KiB")
def test_keywords_are_spotted_in_time() -> None:
    """All that is asked for is in the marker."""


@pytest.mark.simbench(platform="nrf52840", benchmark="kws", time_s="150ms")
def test_keywords_are_spotted_in_time_on_the_small_board() -> None:
    """This one fails: see what it says."""


def test_cmsis_nn_is_worth_its_flash(simbench: Bench) -> None:
    """A comparison needs the fixture: two runs, and their numbers."""
    fast = simbench.run(platform="stm32f4", benchmark="ad")
    plain = simbench.run(platform="stm32f4", benchmark="ad", kernels="reference")
    assert fast.cycles < plain.cycles
    assert fast.energy_j < 5e-3
