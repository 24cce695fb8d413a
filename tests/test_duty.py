"""An inference every so often: mean power, the time to spare, how long a battery lasts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import simbench
from simbench.catalog.platforms import Sleep, load_platform, read_platform
from simbench.cli.main import _run
from simbench.cli.tables.results import duty_sentence
from simbench.errors import UsageError
from simbench.files.datafile import Quantity
from simbench.files.paths import data_dir
from simbench.result.estimate import Estimate
from simbench.result.tree import OK, Duty, Result
from simbench.result.units import format_duration
from simbench.runs.duty import with_duty
from simbench.suites.cycle import Battery, Cycle, read_cycle

BOARD = load_platform("nrf52840")
SCHEMA = json.loads(
    (Path(simbench.__file__).parent / "result" / "schemas" / "result-1.schema.json").read_text()
)
RANGES = st.tuples(st.floats(1e-6, 10), st.floats(0, 0.5), st.floats(0, 2))


def estimate(value: float, below: float = 0.1, above: float = 0.2) -> Estimate:
    return Estimate(value, value * (1 - below), value * (1 + above), "made")


def duty(time: Estimate | None, energy: Estimate | None, cycle: Cycle) -> Duty:
    bare = Result("a@b/c", "a", "b", "c", OK, time_s=time, energy_j=energy, missing={})
    found = with_duty(bare, BOARD, cycle).duty
    assert found is not None
    return found


def test_the_mean_power_is_that_of_both_parts_over_the_period() -> None:
    cycle = Cycle(2.0, Battery(0.225 * 3600, 3.0, "225mAh@3V"), 1e-6)
    found = duty(estimate(0.5, 0, 0), estimate(6e-3, 0, 0), cycle)
    mean = (6e-3 + 3e-6 * 1.5) / 2  # 1 uA at the board's 3 V
    assert found.average_w is not None
    assert found.average_w.value == pytest.approx(mean)
    assert found.average_w.lower == pytest.approx(mean)
    assert sum(found.average_w.stack.values()) == pytest.approx(mean)
    assert found.battery_life_s is not None
    assert found.battery_life_s.value == pytest.approx(0.225 * 3600 * 3 / mean)
    assert found.margin_s is not None
    assert found.margin_s.value == pytest.approx(1.5)
    assert found.is_in_time is True


def test_a_battery_above_the_supply_gives_its_current_and_at_most_its_power() -> None:
    cycle = Cycle(1.0, Battery(3600, 6.0, "1Ah@6V"), 0.001)
    life = duty(estimate(0.5, 0, 0), estimate(1e-3, 0, 0), cycle).battery_life_s
    assert life is not None
    assert life.upper == pytest.approx(2 * life.value)  # a converter, without loss
    assert life.lower == pytest.approx(life.value)


@given(RANGES, RANGES, st.floats(1e-3, 100), st.floats(1e-9, 1e-2))
def test_bounds_hold_the_value_and_more_sleep_is_less_power(
    time: tuple[float, float, float],
    energy: tuple[float, float, float],
    period_s: float,
    sleep_a: float,
) -> None:
    seconds, joules = estimate(*time), estimate(*energy)
    battery = Battery(1.0, 3.0, "made")
    found = duty(seconds, joules, Cycle(period_s, battery, sleep_a))
    for part in (found.average_w, found.battery_life_s, found.margin_s):
        assert part is not None
        slack = 1e-9 * abs(part.value)
        assert part.lower - slack <= part.value <= part.upper + slack
    longer = duty(seconds, joules, Cycle(2 * period_s, battery, 0.5 * sleep_a)).average_w
    assert found.average_w is not None
    assert longer is not None
    if energy[0] / time[0] > 3 * sleep_a:  # inferring takes more than sleeping
        assert longer.value <= found.average_w.value * (1 + 1e-9)


@pytest.mark.parametrize(("period_s", "is_in_time"), [(2.0, True), (0.8, False), (1.0, None)])
def test_whether_it_ends_in_time_is_said_only_where_the_range_says_it(
    period_s: float, is_in_time: bool | None
) -> None:
    found = duty(estimate(1.0), estimate(1e-3), Cycle(period_s))
    assert found.is_in_time is is_in_time
    assert ("does not settle" in duty_sentence(found)) == (is_in_time is None)
    assert ("late" in duty_sentence(found)) == (period_s < 1)


def test_what_is_not_known_is_null_with_its_reason() -> None:
    bare = Result("a@b/c", "a", "b", "c", OK, time_s=estimate(0.1), missing={"energy_j": "nobody"})
    cycle = Cycle(1.0, Battery(1.0, 3.0, "1Ah@3V"))
    found = with_duty(bare, BOARD, cycle)
    assert found.missing == {
        "energy_j": "nobody",
        "average_w": "nobody",
        "battery_life_s": "nobody",
    }
    awake = replace(BOARD, sleep=None)
    energetic = replace(bare, energy_j=estimate(1e-3), missing={})
    found = with_duty(energetic, awake, cycle)
    assert found.duty is not None
    assert found.duty.average_w is found.duty.battery_life_s is found.duty.sleep_w is None
    assert "give a current with --sleep" in (found.missing or {})["average_w"]
    assert with_duty(energetic, awake, replace(cycle, sleep_a=1e-6)).missing == {}


def test_a_cycle_is_read_as_people_write_it() -> None:
    cycle = read_cycle("10min", "225mAh@3V", "2.5uA")
    assert cycle is not None
    assert cycle.period_s == 600
    assert cycle.sleep_a == pytest.approx(2.5e-6)
    assert cycle.battery is not None
    assert cycle.battery.charge_c == pytest.approx(810)
    assert (cycle.battery.volts, cycle.battery.text) == (3.0, "225mAh@3V")
    assert read_cycle(None, None, None) is None


@pytest.mark.parametrize(
    ("every", "battery", "sleep", "says"),
    [
        (None, "1Ah@3V", None, "give --every"),
        (None, None, "1uA", "give --every"),
        ("1", None, None, "--every 1 cannot be read: write it as 1s"),
        ("-1s", None, None, "--every -1s"),
        ("1W", None, None, "--every 1W"),
        ("1s", "225mAh", None, "--battery 225mAh cannot be read"),
        ("1s", "225mAh@0V", None, "--battery 0V"),
        ("1s", None, "2.5uV", "--sleep 2.5uV"),
    ],
)
def test_what_cannot_be_read_is_refused(
    every: str | None, battery: str | None, sleep: str | None, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        read_cycle(every, battery, sleep)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0908, "90.8 ms"),
        (60.0, "60.0 s"),
        (150.0, "2.5 min"),
        (8 * 3600.0, "8.0 h"),
        (18.4 * 86400, "18 days"),
        (3 * 365.25 * 86400, "3.0 years"),
    ],
)
def test_durations_are_said_in_a_unit_that_fits(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


def test_a_sleep_mode_is_read_from_a_platforms_file() -> None:
    sleep = BOARD.sleep
    assert sleep is not None
    assert sleep.current_a.lower <= sleep.current_a.value <= sleep.current_a.upper
    assert sleep.current_a.source
    for path in sorted(data_dir("platforms").glob("*.yaml")):
        found = read_platform(path).sleep
        assert found is None or found == Sleep(found.mode, found.current_a)
        assert found is None or isinstance(found.current_a, Quantity)


@pytest.mark.emulator
def test_a_run_says_what_an_application_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.json"
    words = ["run", "--platform", "nrf52840", "--benchmark", "ad", "--samples", "1"]
    assert _run([*words, "--every", "1s", "--battery", "225mAh@3V", "--json", str(path)]) == 0
    document = json.loads(path.read_text())
    jsonschema.validate(document, SCHEMA)
    (result,) = document["results"]
    found = result["duty"]
    energy, sleep = result["energy_j"]["value"], found["sleep_w"]["value"]
    mean = energy + sleep * (1 - result["time_s"]["value"])
    assert found["average_w"]["value"] == pytest.approx(mean)
    assert found["is_in_time"] is True
    capsys.readouterr()
    assert _run([*words, "--every", "1s", "--battery", "225mAh@3V"]) == 0
    assert "ad: every 1.00 s; 986 ms to spare" in capsys.readouterr().out
    assert _run(words) == 0
    assert "every" not in capsys.readouterr().out
