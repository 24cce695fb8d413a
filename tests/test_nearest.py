"""``validate --board``: the published results of a board beside the model's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.table import Table

from simbench.catalog.platforms import load_platform
from simbench.cli.main import _run
from simbench.cli.tables.nearest import NOTICE, nearest_tables
from simbench.result.estimate import Estimate
from simbench.runs.provenance import host_facts
from simbench.validation.silicon import LIKE, silicon_rows
from simbench.validation.validate import Comparison

BOARD = load_platform("stm32l4r5")
ROWS = [row for row in silicon_rows() if row.platform == BOARD.id and row.benchmark == "ad"]


def compared(error: float, *, is_like: bool, submitter: str) -> Comparison:
    row = next(row for row in ROWS if (row.likeness == LIKE) == is_like)
    cycles = row.cycles * (1 + error)
    modelled = Estimate(cycles, 0.9 * cycles, 1.2 * cycles, "made")
    return Comparison(
        replace(row, submitter=submitter), modelled, None, error, None, None, "not known"
    )


def test_rows_like_ours_come_first_and_then_the_nearest() -> None:
    rows = [
        compared(0.05, is_like=False, submitter="near other"),
        compared(-0.5, is_like=True, submitter="far like"),
        compared(0.3, is_like=False, submitter="far other"),
        compared(-0.1, is_like=True, submitter="near like"),
    ]
    heading, table, notice = nearest_tables(BOARD, rows)
    assert isinstance(table, Table)
    assert list(table.columns[1].cells) == ["near like", "far like", "near other", "far other"]
    assert list(table.columns[6].cells) == ["-10%", "-50%", "+5%", "+30%"]
    ours = 0.9 * rows[3].row.cycles / BOARD.clock_hz
    assert str(heading).startswith(f"ad by simbench: {1e3 * ours:.2f} ms (")
    assert notice == NOTICE
    assert "no MLPerf result" in NOTICE


def test_what_is_more_than_a_screen_is_counted() -> None:
    rows = [compared(i / 100, is_like=True, submitter=f"row {i}") for i in range(9)]
    _, _, more, _ = nearest_tables(BOARD, rows)
    assert more == "and 3 more"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--board", "stm32f4"], "no measurements of stm32f4 are published"),
        (["--board", "stm32l4r5", "--platform", "stm32h7"], "--board shows a table alone"),
        (["--board", "stm32l4r6"], "did you mean stm32l4r5"),
    ],
)
def test_a_board_that_cannot_be_shown(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["validate", *words]) == 2
    assert says in capsys.readouterr().err


def test_every_document_says_that_it_is_no_mlperf_result() -> None:
    assert "no MLPerf result" in host_facts()["notice"]
