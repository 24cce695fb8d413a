from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from simbench.errors import UsageError
from simbench.sweeps.answers import (
    Reach,
    Step,
    Swing,
    objectives_in_words,
    pareto,
    reached,
    steps,
    swings,
)
from simbench.sweeps.files import check_parquet, csv_text, parquet_bytes
from simbench.sweeps.points import Points, stacked
from simbench.sweeps.study import OBJECTIVES, Study, parse_goal, parse_objectives
from simbench.sweeps.sweep import Sweep

Point = tuple[float, float, float]


def points(costs: list[Point], *, status: str = "ok", energy: bool = True) -> Points:
    time_s, energy_j, ram = np.array(costs, np.float64).reshape(-1, 3).T
    return Points(
        {
            "benchmark": np.full(len(costs), "kws"),
            "status": np.full(len(costs), status),
            "time_s": time_s.copy(),
            "energy_j": energy_j.copy() if energy else np.full(len(costs), np.nan),
            "placed_ram_bytes": 1024 * ram,
        }
    )


def is_beaten(one: Point, costs: list[Point]) -> bool:
    return any(
        all(a <= b for a, b in zip(other, one, strict=True)) and other != one for other in costs
    )


small = st.integers(0, 4).map(float)


@pytest.mark.parametrize(
    "objectives",
    [("time",), ("ram",), ("time", "energy"), ("time", "ram"), ("time", "energy", "ram")],
)
@given(costs=st.lists(st.tuples(small, small, small), max_size=30))
def test_the_front_is_what_no_other_point_beats(
    costs: list[Point], objectives: tuple[str, ...]
) -> None:
    asked = [float(name in objectives) for name in ("time", "energy", "ram")]
    those = [(t * asked[0], e * asked[1], r * asked[2]) for t, e, r in costs]
    expected = [not is_beaten(one, those) for one in those]
    assert pareto(points(costs), objectives).tolist() == expected


@given(st.lists(st.tuples(small, small, small), max_size=30))
def test_without_energy_the_front_is_of_the_rest(costs: list[Point]) -> None:
    two = [(time, 0.0, ram) for time, _, ram in costs]
    expected = [not is_beaten(one, two) for one in two]
    assert pareto(points(costs, energy=False), tuple(OBJECTIVES)).tolist() == expected


def test_a_few_bytes_of_ram_put_nothing_on_the_front() -> None:
    costs: list[Point] = [(1, 1, 2.0), (9, 9, 2.0 - 16 / 1024), (5, 5, 1.0)]
    assert pareto(points(costs), tuple(OBJECTIVES)).tolist() == [True, False, True]
    assert pareto(points(costs)).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        ("time", ("time",), "time"),
        ("energy, time", ("time", "energy"), "time and energy"),
        ("RAM,time,energy", ("time", "energy", "ram"), "time, energy and RAM"),
    ],
)
def test_objectives_are_named(text: str, names: tuple[str, ...], said: str) -> None:
    assert parse_objectives(text) == names
    assert objectives_in_words(names) == said


@pytest.mark.parametrize("text", ["", "time,time", "speed", "time,"])
def test_objectives_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="are not some of time, energy, ram"):
        parse_objectives(text)


def test_what_does_not_fit_is_not_on_the_front() -> None:
    both = stacked([points([(1, 1, 1)], status="does-not-fit"), points([(2, 2, 2)])])
    assert pareto(both).tolist() == [False, True]


def test_benchmarks_have_fronts_of_their_own() -> None:
    other = points([(9, 9, 9)])
    other = Points({**other.columns, "benchmark": np.array(["ad"])})
    assert pareto(stacked([points([(1, 1, 1)]), other])).tolist() == [True, True]


def changes(axis: str, values: list[tuple[str, float, float]], was: float) -> Points:
    """``values`` are what is set, that as a number, and the time that it gives."""
    numbers = np.array([number for _, number, _ in values])
    times = np.array([time_s for _, _, time_s in values])
    return Points(
        {
            **{
                name: np.full(len(values), name[0]) for name in ("benchmark", "platform", "kernels")
            },
            "axis": np.full(len(values), axis),
            "value": np.array([value for value, _, _ in values]),
            "number": numbers,
            "was": np.full(len(values), was),
            "status": np.full(len(values), "ok"),
            "cycles": times * 1e6,
            "time_s": times,
            "time_s_upper": times * 1.5,
            "energy_j": np.full(len(values), np.nan),
        }
    )


def sweep(found: Points, base_time_s: float) -> Sweep:
    base = changes("", [("", np.nan, base_time_s)], np.nan)
    none = found.where(np.zeros(len(found), np.bool_))
    return Sweep(
        study=Study((), ()),
        axes=(),
        points=none,
        base=base,
        changes=found,
        sensitivities=none,
        settings={},
        simulations=1,
        from_store=0,
    )


WAITS = changes("waits", [("0", 0, 1.0), ("2", 2, 4.0), ("1", 1, 2.0), ("4", 4, 9.0)], was=2)
WHERE = changes("weights", [("flash", np.nan, 4.0), ("sram", np.nan, 3.0)], was=np.nan)


def test_an_axis_swings_between_its_least_and_its_most() -> None:
    of = "b@p/k"
    found = swings(stacked([WHERE, WAITS]), sweep(WAITS, 4.0).base)
    assert found == (
        Swing(of, "waits", "0..4", (-0.75, 1.25), None),
        Swing(of, "weights", "flash, sram", (-0.25, 0.0), None),
    )


def test_a_step_is_from_a_number_to_the_next() -> None:
    found = steps(sweep(stacked([WHERE, WAITS]), 4.0))
    assert [(s.start, s.end, s.time_s) for s in found] == [
        ("0", "1", 1.0),
        ("1", "2", 2.0),
        ("2", "4", 5.0),
    ]
    assert found[0] == Step("b@p/k", "waits", "0", "1", 1e6, 1.0, None)


def test_a_goal_is_reached_by_the_smallest_change() -> None:
    found = reached(sweep(stacked([WHERE, WAITS]), 4.0), parse_goal("time_s<=2500ms"))
    assert found == (
        Reach("b@p/k", "waits", "1", -0.5, 2.0, 3.0),
        Reach("b@p/k", "weights", "", None, 3.0, 4.5),
    )


def test_a_goal_that_is_met_takes_no_change() -> None:
    found = reached(sweep(stacked([WHERE, WAITS]), 4.0), parse_goal("time_s<=5s"))
    assert [(r.axis, r.value, r.relative, r.metric) for r in found] == [
        ("weights", "as-is", 0.0, 4.0),
        ("waits", "as-is", 0.0, 4.0),
    ]


def test_what_is_not_known_is_null_in_every_file(tmp_path: Path) -> None:
    table = Points(
        {
            "kernels": np.array(["reference", "cmsis-nn"]),
            "instructions": np.array([7.0, np.nan]),
            "energy_j": np.array([np.nan, 0.5]),
        }
    )
    rows = [
        {"kernels": "reference", "instructions": 7, "energy_j": None},
        {"kernels": "cmsis-nn", "instructions": None, "energy_j": 0.5},
    ]
    assert list(table.rows()) == rows
    assert list(csv.DictReader(io.StringIO(csv_text(table)))) == [
        {"kernels": "reference", "instructions": "7", "energy_j": ""},
        {"kernels": "cmsis-nn", "instructions": "", "energy_j": "0.5"},
    ]
    path = tmp_path / "points.parquet"
    path.write_bytes(parquet_bytes(table))
    assert parquet.read_table(path).to_pylist() == rows
    frame = table.to_pandas()
    assert frame["instructions"].isna().tolist() == [False, True]
    assert frame["instructions"][0] == 7


def test_without_pyarrow_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"install simbench-tinyml\[parquet\], or write CSV"):
        parquet_bytes(points([(1, 1, 1)]))
    with pytest.raises(UsageError, match="Parquet needs pyarrow"):
        check_parquet()


def test_a_table_cannot_be_written_into() -> None:
    with pytest.raises(ValueError, match="read-only"):
        points([(1, 1, 1)])["time_s"][0] = 2
