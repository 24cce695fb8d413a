"""A served board's clock, and what it draws over that time: pure parts."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simbench.serve.clock import BoardClock
from simbench.serve.energy import EnergyTrace


class Wall:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.emulator
def test_held_time_is_made_up_for_where_the_emulator_was_faster() -> None:
    wall = Wall()
    clock = BoardClock(is_paced=True, wall=wall)
    wall.seconds += 2
    assert clock.hold() == pytest.approx(2)
    wall.seconds += 1
    assert clock.now() == pytest.approx(2)
    assert clock.release(latest=5) == 0
    assert clock.now() == pytest.approx(3)


def test_a_late_emulator_makes_the_wall_late_and_not_the_board() -> None:
    wall = Wall()
    clock = BoardClock(is_paced=True, wall=wall)
    clock.hold()
    wall.seconds += 4
    assert clock.release(latest=1) == pytest.approx(3)
    assert clock.now() == pytest.approx(1)
    wall.seconds += 1
    assert clock.now() == pytest.approx(2)


def test_a_fast_clock_skips_priced_time_and_never_goes_back() -> None:
    wall = Wall()
    clock = BoardClock(is_paced=False, wall=wall)
    asyncio.run(clock.reach(100.0))
    assert clock.now() >= 100.0
    asyncio.run(clock.reach(50.0))
    assert clock.now() >= 100.0
    wall.seconds += 1
    assert clock.now() == pytest.approx(101)


BURSTS = st.lists(
    st.tuples(st.floats(0, 2), st.floats(0.001, 2), st.floats(0.001, 0.5)), max_size=6
)


@given(BURSTS, st.floats(0.01, 0.5))
def test_energy_is_what_the_bursts_and_the_idle_power_between_add_up_to(
    bursts: list[tuple[float, float, float]], step: float
) -> None:
    trace, now, wanted = EnergyTrace(0.0, 0.01), 0.0, 0.0
    for pause, length, watts in bursts:
        trace.burst(now + pause, now + pause + length, watts)
        now += pause + length
        wanted += 0.01 * pause + watts * length
    assert float(trace.joules_until(now)) == pytest.approx(wanted)
    edges = [i * step for i in range(int(now / step) + 2)]
    joules = trace.joules_until(edges)
    assert all(after >= before for before, after in pairwise(joules.tolist()))
    half = edges[len(edges) // 2]
    before = trace.joules_until(edges[len(edges) // 2 :]).tolist()
    trace.forget(half)
    assert trace.joules_until(edges[len(edges) // 2 :]).tolist() == before


def test_a_board_without_supply_draws_nothing() -> None:
    trace = EnergyTrace(0.0, 0.02)
    trace.switch(1.0, on=False)
    trace.switch(3.0, on=True)
    assert trace.joules_until([1.0, 3.0, 4.0]).tolist() == pytest.approx([0.02, 0.02, 0.04])
