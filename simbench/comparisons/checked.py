"""Two runs compared, where they can be: what they share was run alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from simbench.catalog.scenario import PINNED_TOOLCHAIN, is_toolchain
from simbench.comparisons import compare
from simbench.comparisons.comparison import Comparison
from simbench.comparisons.thresholds import Threshold, breaches
from simbench.errors import NothingRun, UsageError
from simbench.result.metrics import selects
from simbench.result.sections import SECTIONS
from simbench.result.tree import Result, Run


def compare_alike(
    base: Run,
    new: Run,
    *,
    only: str = "*",
    name: str | None = None,
    thresholds: Sequence[Threshold] = (),
    force: bool = False,
) -> Comparison:
    """The entries that ``only`` selects, compared and held against ``thresholds``.

    Where each run has one benchmark, model or firmware, the two are compared whatever they are
    called: versions of a model are often files of two names. ``name`` is what both are then called.
    So are two kernel sets, runtimes or toolchains, where each run has one alone.

    Raises :class:`NothingRun` where none is in both runs, and :class:`UsageError` where the runs
    differ in their conditions, but with ``force``, and where one has several of which ``name``
    could be said.
    """
    base, new = _selected(base, only), _selected(new, only)
    before, after = _alone(base), _alone(new)
    if name is not None and (before is None or after is None):
        raise UsageError(
            f"--as {name} is for one benchmark, model or firmware in each: choose it with --only"
        )
    notes: tuple[str, ...] = ()
    if before is not None and after is not None and before != after:
        notes = (f"{before} of the base is compared with {after}, as each is alone",)
    if before is not None and after is not None:
        base, new = (_renamed(run, name or after) for run in (base, new))
    one, other = _only_variant(base), _only_variant(new)
    if one is not None and other is not None and one != other:
        notes = (*notes, f"{one} kernels of the base are compared with {other}, as each is alone")
        base = _of_variant(base, other)
        if _toolchain(one) != _toolchain(other):  # that is then what is compared
            base = replace(base, environment={**base.environment, **_compiler(new)})
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


def _toolchain(variant: str) -> str:
    """The toolchain that the name of a variant ends with; the pinned one is not named."""
    last = variant.rpartition("+")[2]
    return last if is_toolchain(last) else PINNED_TOOLCHAIN


def _compiler(run: Run) -> Mapping[str, object]:
    return {key: value for key, value in run.environment.items() if key == "toolchain"}


def _only_variant(run: Run) -> str | None:
    """The one variant of the firmware of ``run``; None where it has several, or none."""
    variants = {result.variant for result in run.results}
    return variants.pop() if len(variants) == 1 else None


def _of_variant(run: Run, variant: str) -> Run:
    """``run``, whose results are all of one variant, as if that were called ``variant``."""
    results = (
        replace(result, id=f"{result.benchmark}@{result.platform}/{variant}")
        for result in run.results
    )
    return replace(run, results=tuple(results))


def _renamed(run: Run, benchmark: str) -> Run:
    """``run``, whose results are all of one benchmark, as if that were called ``benchmark``."""
    sections = run.settings.get(SECTIONS)
    settings = dict(run.settings)
    if sections is not None:
        settings[SECTIONS] = {_called(id_, benchmark): said for id_, said in sections.items()}
    results = tuple(_as(result, benchmark) for result in run.results)
    return replace(run, settings=settings, results=results)


def _as(result: Result, benchmark: str) -> Result:
    return replace(result, id=_called(result.id, benchmark), benchmark=benchmark)


def _called(id_: str, benchmark: str) -> str:
    return f"{benchmark}@{id_.partition('@')[2]}"
