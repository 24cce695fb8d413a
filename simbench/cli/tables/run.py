"""The tables of a run: a board in each, or a benchmark where there are more boards than these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType

from simbench.cli.tables.boards import boards_table
from simbench.cli.tables.results import results_table
from simbench.result.axes import by_axis
from simbench.result.tree import Result


def run_tables(
    results: Sequence[Result], titles: Mapping[str, str] | None = None
) -> Iterator[RenderableType]:
    """``titles`` are those of platforms, by id."""
    boards, benchmarks = ({getattr(r, axis) for r in results} for axis in ("platform", "benchmark"))
    if len(boards) > max(1, len(benchmarks)):
        for name, rows in by_axis(results, "benchmark"):
            yield boards_table(name, rows)
    else:
        for name, rows in by_axis(results, "platform"):
            board = rows[0].platform
            yield results_table(name.replace(board, (titles or {}).get(board, board), 1), rows)
