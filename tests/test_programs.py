"""Programs timed on silicon and built again: the facts, and what the page says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simbench.catalog.platforms import load_platform
from simbench.errors import UsageError
from simbench.exports.programs import programs_part
from simbench.files.paths import data_dir
from simbench.validation.programs import ProgramResult, kept_programs, render_programs

ROOT = Path(__file__).parent.parent
ROW = ProgramResult(
    suite="A suite",
    program="sort",
    board="A board",
    core="cortex-m4",
    calls_library=False,
    cycles=10**6,
    modelled=1_050_000,
    lower=990_000,
    upper=1_100_000,
    source="github someone/suite@0123456789 times.json",
)


def test_every_program_is_a_fact_with_its_source() -> None:
    kept = kept_programs()
    assert len({row.program for row in kept}) == len(kept) == 19
    for row in kept:
        assert row.source.startswith("github embench/embench-iot@")
        assert row.lower <= row.modelled <= row.upper
        assert row.cycles % 16_000 == 0  # milliseconds at 16 MHz


def test_the_board_of_the_programs_is_as_it_comes_out_of_reset() -> None:
    board = load_platform(str(ROOT / "scripts" / "programs" / "stm32f407.yaml"))
    flash = board.memories["flash"]
    assert {row.core for row in kept_programs()} == {board.core}
    assert (board.clock_hz, flash.wait_states.value) == (16e6, 0)
    assert not flash.prefetch
    assert flash.instruction_cache is None
    assert flash.data_cache is None


def test_kept_programs_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "programs.csv"
    path.write_text(render_programs(kept_programs()))
    assert kept_programs(path) == kept_programs()


@pytest.mark.parametrize(("old", "new"), [(",no,", ",perhaps,"), ("64032000", "many")])
def test_a_wrong_row_is_named(tmp_path: Path, old: str, new: str) -> None:
    text = (data_dir("platforms") / "programs.csv").read_text()
    assert old in text
    path = tmp_path / "own.csv"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=rf"own\.csv:\d+: .*{new.strip(',')}"):
        kept_programs(path)


def test_the_page_says_how_far_programs_are_off() -> None:
    outside = replace(ROW, program="hash", calls_library=True, cycles=1_250_000)
    said = " ".join(programs_part([ROW, outside]).split())
    assert "Of 2 programs the mean absolute error is **10.5%**, the largest 16.0%" in said
    assert "1 lie inside the stated range" in said
    assert "The 1 that call nothing of a library, marked ∘, are off by 5.0% in the mean" in said
    assert "| sort ∘ | A board | 1.0 M | 1.1 M | 1.0–1.1 M | +5.0% |" in said
    assert "| hash | A board |" in said
    assert said.count(ROW.source) == 1
