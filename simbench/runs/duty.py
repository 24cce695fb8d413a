"""A result as part of an application: it infers now and then, and sleeps between.

The mean power is the energy of the inference and that of the sleep, over the period; bounds take
the least of all and the most of all together. What waking up costs (clocks, a PLL) and what stands
beside the chip on a board are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from simbench.catalog.platforms import Platform
from simbench.result.estimate import Estimate
from simbench.result.tree import Duty, Result
from simbench.suites.cycle import Battery, Cycle

_OWN = "a current of your own, --sleep"
_UNTIMED = "the time of an inference is not known"


def with_duty(result: Result, platform: Platform, cycle: Cycle) -> Result:
    """``result`` with what it means every ``cycle.period_s``; what of that is not known is None,
    and ``missing`` says why."""
    time, energy = result.time_s, result.energy_j
    sleep = _sleep_w(platform, cycle)
    average = None
    if time is not None and energy is not None and sleep is not None:
        average = _average_w(time, energy, sleep, cycle.period_s)
    life = None
    if average is not None and cycle.battery is not None:
        life = _life_s(average, cycle.battery, platform.supply_v)
    mode = platform.sleep.mode if platform.sleep is not None else None
    duty = Duty(
        period_s=cycle.period_s,
        margin_s=None if time is None else _margin_s(time, cycle.period_s),
        is_in_time=None if time is None else _is_in_time(time, cycle.period_s),
        sleep_mode=_OWN if cycle.sleep_a is not None else mode,
        sleep_w=sleep,
        average_w=average,
        battery=None if cycle.battery is None else cycle.battery.text,
        battery_life_s=life,
    )
    why = dict(_missing(result, platform, duty))
    return replace(result, duty=duty, missing={**(result.missing or {}), **why})


def _missing(result: Result, platform: Platform, duty: Duty) -> Iterator[tuple[str, str]]:
    known: Mapping[str, str] = result.missing or {}
    if duty.margin_s is None:
        yield "margin_s", known.get("time_s", _UNTIMED)
    if duty.average_w is not None:
        return
    if result.energy_j is None:
        reason = known.get("energy_j", result.reason or "the energy of an inference is not known")
    elif duty.sleep_w is None:
        reason = (
            f"what {platform.id} takes asleep is not in its file, as its datasheet's table was not "
            "to be had: give a current with --sleep"
        )
    else:
        reason = known.get("time_s", _UNTIMED)
    yield "average_w", reason
    if duty.battery is not None:
        yield "battery_life_s", reason


def _sleep_w(platform: Platform, cycle: Cycle) -> Estimate | None:
    volts = platform.supply_v
    if cycle.sleep_a is not None:
        watts = cycle.sleep_a * volts
        return Estimate(watts, watts, watts, _OWN)
    if platform.sleep is None:
        return None
    current = platform.sleep.current_a
    value, lower, upper = (a * volts for a in (current.value, current.lower, current.upper))
    return Estimate(value, lower, upper, current.source or "")


def _average_w(time: Estimate, energy: Estimate, sleep: Estimate, period_s: float) -> Estimate:
    def mean(joules: float, watts: float, seconds: float) -> float:
        idle = max(0.0, period_s - seconds)
        return (joules + watts * idle) / max(seconds, period_s)

    idle = max(0.0, period_s - time.value) / max(time.value, period_s)
    value = mean(energy.value, sleep.value, time.value)
    return Estimate(
        value,
        mean(energy.lower, sleep.lower, time.upper),
        mean(energy.upper, sleep.upper, time.lower),
        f"energy_j, and asleep: {sleep.source}",
        {"inference": value - sleep.value * idle, "sleep": sleep.value * idle},
    )


def _life_s(average: Estimate, battery: Battery, supply_v: float) -> Estimate:
    """A regulator takes the board's current from the battery; a converter without loss, its power.

    So the value is by the current, where the battery's voltage suffices, and the most by the power.
    """
    by_current = battery.charge_c * min(supply_v, battery.volts)
    return Estimate(
        by_current / average.value,
        by_current / average.upper,
        battery.charge_c * battery.volts / average.lower,
        f"{battery.text} and average_w, without self-discharge",
    )


def _margin_s(time: Estimate, period_s: float) -> Estimate:
    value, lower, upper = (period_s - s for s in (time.value, time.upper, time.lower))
    return Estimate(value, lower, upper, "the period less time_s")


def _is_in_time(time: Estimate, period_s: float) -> bool | None:
    if time.upper <= period_s:
        return True
    return False if time.lower > period_s else None
