"""Results beside each other: those of one board or benchmark, and variant of the firmware."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from simbench.result.tree import Result


def by_axis(results: Sequence[Result], axis: str) -> Iterator[tuple[str, list[Result]]]:
    """Results of one ``axis`` and variant of the firmware, in the order in which these come."""

    def title(result: Result) -> str:
        return f"{getattr(result, axis)}, {result.variant} kernels"

    order = {name: number for number, name in enumerate(dict.fromkeys(map(title, results)))}
    for name, rows in groupby(sorted(results, key=lambda r: order[title(r)]), key=title):
        yield name, list(rows)
