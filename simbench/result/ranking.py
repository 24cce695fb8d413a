"""Which board, and is it enough? Results of one benchmark on several boards, ranked and judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simbench.result.estimate import Estimate
from simbench.result.tree import DOES_NOT_FIT, OK, Result
from simbench.result.units import format_si

_MOST_NAMED = 3


def ranked(results: Sequence[Result]) -> tuple[Result, ...]:
    """The fastest first; what does not fit after what does, and what has no time last."""
    return tuple(sorted(results, key=_rank))


def verdict(results: Sequence[Result]) -> str:
    """A sentence: which board is fastest, which takes least energy, and how many the model fits.

    ``results`` are of one benchmark with one variant of the firmware, each on another board. Only
    those that are ok are judged; an empty string where there is none.
    """
    good = [result for result in ranked(results) if result.status == OK]
    said = [*_fastest(good), *_thriftiest(good), *_fit(results)]
    return "; ".join(said) if good else ""


def _rank(result: Result) -> tuple[int, float]:
    order = (OK, DOES_NOT_FIT)
    status = order.index(result.status) if result.status in order else len(order)
    return status, result.time_s.value if result.time_s is not None else float("inf")


def _fastest(good: Sequence[Result]) -> Iterator[str]:
    timed = [(result.platform, result.time_s) for result in good if result.time_s is not None]
    if timed:
        yield _best("is fastest", "s", timed, "as fast as")


def _thriftiest(good: Sequence[Result]) -> Iterator[str]:
    known = [(result.platform, result.energy_j) for result in good if result.energy_j is not None]
    known.sort(key=lambda pair: pair[1].value)
    unknown = len(good) - len(known)
    if known:
        said = _best("takes least energy", "J", known)
        yield said + (f", of the {len(known)} whose energy is known" if unknown else "")


def _best(
    what: str, unit: str, ranked: Sequence[tuple[str, Estimate]], times: str | None = None
) -> str:
    (name, best), others = ranked[0], ranked[1:]
    said = format_si(best.value, unit)
    if times and others:
        second, estimate = others[0]
        said += f", {estimate.value / best.value:.2g} times {times} {second}"
    rivals = [other for other, estimate in others if estimate.lower <= best.upper]
    if rivals:
        more = len(rivals) - _MOST_NAMED
        named = ", ".join(rivals[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        said += f"; its range meets that of {named}"
    return f"{name} {what} ({said})"


def _fit(results: Sequence[Result]) -> Iterator[str]:
    fit = [result for result in results if result.status == OK]
    misfits = [result.platform for result in results if result.status == DOES_NOT_FIT]
    others = len(results) - len(fit) - len(misfits)
    if len(fit) == len(results):
        yield f"all {len(fit)} fit" if len(fit) != 1 else "it fits"
        return
    yield f"{len(fit)} of {len(results)} fit" + (f", not {', '.join(misfits)}" if misfits else "")
    if others:
        yield f"{others} {'has' if others == 1 else 'have'} no result"
