"""Which board, and is it enough? The order of the boards, the sentence, and the table."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import MEMORY, made_result
from rich.console import Console

from simbench.cli.tables.run import run_tables
from simbench.result.estimate import Estimate
from simbench.result.ranking import ranked, verdict
from simbench.result.tree import DOES_NOT_FIT, ERROR, OK, UNSUPPORTED, MemoryUse, Result


def on(board: str, time: float | None = 1e-3, energy: float | None = 1e-4, **facts: Any) -> Result:
    """A result on ``board``, ranges a hundredth to both sides."""
    both = {"time_s": _near(time), "energy_j": _near(energy)}
    return made_result(f"kws@{board}/cmsis-nn", **both, **facts)


def _near(value: float | None) -> Estimate | None:
    return None if value is None else Estimate(value, value * 0.99, value * 1.01, "core", {})


FAST, THRIFTY, SMALL = (
    on("fast", 1.47e-3, 3e-4),
    on("thrifty", 3.38e-3, 1.1e-4),
    on("small", 2e-3, None, status=DOES_NOT_FIT, reason="the arena needs 9 bytes, 8 are free"),
)


def test_the_fastest_is_first_and_what_does_not_fit_or_has_no_time_last() -> None:
    refused = on("refused", None, None, status=UNSUPPORTED, reason="no")
    assert ranked([refused, SMALL, THRIFTY, FAST]) == (FAST, THRIFTY, SMALL, refused)


def test_the_verdict_names_the_best_of_each_and_how_many_fit() -> None:
    assert verdict([SMALL, THRIFTY, FAST]) == (
        "fast is fastest (1.47 ms, 2.3 times as fast as thrifty); thrifty takes least energy "
        "(110 µJ); 2 of 3 fit, not small"
    )
    assert verdict([FAST, THRIFTY]).endswith("; all 2 fit")
    assert verdict([SMALL]) == ""


def test_what_is_not_known_of_a_board_is_said() -> None:
    no_energy = on("mute", 5e-3, None)
    broken = on("broken", None, None, status=ERROR, reason="QEMU crashed")
    said = verdict([FAST, no_energy, broken])
    assert "fast takes least energy (300 µJ), of the 1 whose energy is known" in said
    assert said.endswith("2 of 3 fit; 1 has no result")


def test_ranges_that_meet_are_no_victory() -> None:
    near = on("near", 1.48e-3, 9e-4)
    assert "(1.47 ms, 1 times as fast as near; its range meets that of near)" in verdict(
        [FAST, near]
    )


@given(st.lists(st.tuples(st.sampled_from((OK, DOES_NOT_FIT, ERROR)), st.floats(1e-6, 1e2))))
def test_every_board_is_ranked_once(facts: list[tuple[str, float]]) -> None:
    results = [on(f"b{i}", time, status=status) for i, (status, time) in enumerate(facts)]
    order = ranked(results)
    assert sorted(r.id for r in order) == sorted(r.id for r in results)
    good = [r.time_s.value for r in order if r.status == OK and r.time_s is not None]
    assert good == sorted(good)


def shown(results: list[Result]) -> str:
    console = Console(width=80, record=True, file=StringIO())
    for table in run_tables(results):
        console.print(table)
    return console.export_text()


def test_more_boards_than_benchmarks_are_one_table_of_boards() -> None:
    kinds = {
        "ram": {"used_bytes": 512 << 10, "size_bytes": 1024 << 10},
        "flash": {"used_bytes": 1 << 20, "size_bytes": 2 << 20},
    }
    memory = MemoryUse(**{f: getattr(MEMORY, f) for f in MEMORY.__slots__} | {"kinds": kinds})
    text = shown([on("a-long-board-name", memory=memory), on("another-board"), SMALL])
    assert max(map(len, text.splitlines())) <= 80
    assert "512.0 of 1024  1024.0 of 2048" in text
    assert DOES_NOT_FIT in text
    assert "kws@small/cmsis-nn: does-not-fit: the arena needs 9 bytes, 8 are free" in text
    assert text.rstrip().endswith("not small.")


@pytest.mark.parametrize("benchmarks", [("kws",), ("kws", "ad")])
def test_a_board_with_its_benchmarks_is_a_table(benchmarks: tuple[str, ...]) -> None:
    text = shown([made_result(f"{name}@stm32f4/cmsis-nn") for name in benchmarks])
    assert "stm32f4, cmsis-nn kernels" in text
    assert "fastest" not in text
