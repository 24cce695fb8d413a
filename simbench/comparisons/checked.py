"""Two runs compared, where they can be: what they share was run alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from simbench.comparisons import compare
from simbench.comparisons.comparison import Comparison
from simbench.comparisons.thresholds import Threshold, breaches
from simbench.errors import NothingRun, UsageError
from simbench.result.metrics import selects
from simbench.result.tree import Run


def compare_alike(
    base: Run,
    new: Run,
    *,
    only: str = "*",
    thresholds: Sequence[Threshold] = (),
    force: bool = False,
) -> Comparison:
    """The entries that ``only`` selects, compared and held against ``thresholds``.

    Raises :class:`NothingRun` where none is in both runs, and :class:`UsageError` where the runs
    differ in their conditions, but with ``force``.
    """
    comparison = compare(_selected(base, only), _selected(new, only))
    if not any(entry.is_compared for entry in comparison.entries):
        raise NothingRun(
            "nothing was compared: no benchmark, platform and kernel set is in both files"
        )
    if comparison.differences and not force:
        raise UsageError(
            f"the two cannot be compared, for they differ: {'; '.join(comparison.differences)}: "
            "run both alike, or say --force"
        )
    found = (line for limit in thresholds for line in breaches(limit, comparison))
    return replace(comparison, breaches=tuple(found))


def _selected(run: Run, only: str) -> Run:
    chosen = (result for result in run.results if selects(only, result.id))
    return replace(run, results=tuple(chosen))
