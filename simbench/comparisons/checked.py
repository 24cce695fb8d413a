"""Two runs compared, where they can be: what they share was run alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from simbench.comparisons import compare
from simbench.comparisons.comparison import Comparison
from simbench.comparisons.thresholds import Threshold, breaches
from simbench.errors import NothingRun, UsageError
from simbench.result.metrics import selects
from simbench.result.tree import Result, Run


def compare_alike(
    base: Run,
    new: Run,
    *,
    only: str = "*",
    thresholds: Sequence[Threshold] = (),
    force: bool = False,
) -> Comparison:
    """The entries that ``only`` selects, compared and held against ``thresholds``.

    Where each run has one benchmark, model or firmware, the two are compared whatever they are
    called: versions of a model are often files of two names.

    Raises :class:`NothingRun` where none is in both runs, and :class:`UsageError` where the runs
    differ in their conditions, but with ``force``.
    """
    base, new = _selected(base, only), _selected(new, only)
    alone = _alone(base), _alone(new)
    notes: tuple[str, ...] = ()
    if None not in alone and alone[0] != alone[1]:
        base = _renamed(base, str(alone[1]))
        notes = (f"{alone[0]} of the base is compared with {alone[1]}, as each is alone",)
    comparison = compare(base, new)
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
    return replace(comparison, breaches=tuple(found), notes=notes)


def _selected(run: Run, only: str) -> Run:
    chosen = (result for result in run.results if selects(only, result.id))
    return replace(run, results=tuple(chosen))


def _alone(run: Run) -> str | None:
    """The one benchmark of ``run``; None where it has several, or none."""
    names = {result.benchmark for result in run.results}
    return names.pop() if len(names) == 1 else None


def _renamed(run: Run, benchmark: str) -> Run:
    """``run``, whose results are all of one benchmark, as if that were called ``benchmark``."""
    return replace(run, results=tuple(_as(result, benchmark) for result in run.results))


def _as(result: Result, benchmark: str) -> Result:
    rest = result.id.removeprefix(result.benchmark)
    return replace(result, id=f"{benchmark}{rest}", benchmark=benchmark)
