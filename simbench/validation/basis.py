"""Figures about the published rows themselves: what the page of the model error says of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from simbench.validation.silicon import LIKE
from simbench.validation.validate import Comparison

_VERSION = re.compile(r"\s+v?\d[\w.]*")


@dataclass(frozen=True, slots=True)
class EnergyBasis:
    """What a platform's energy was derived from: so many ``systems``, their energy a cycle taken in
    the mean. ``below`` is how far, least and most, the model would be below the rows like ours, as
    fractions of these, were it derived from the first system alone."""

    systems: int
    below: tuple[float, float]


def energy_basis(comparisons: Iterable[Comparison], platform: str) -> EnergyBasis | None:
    """The basis of the energy of ``platform``; None where no row, or none like ours, is measured.

    A system is one submitter's software, whatever its version. The first is that of the oldest
    round.
    """
    rows = [c for c in comparisons if c.row.platform == platform and c.energy_error is not None]
    by_system: dict[tuple[str, str], list[Comparison]] = {}
    for c in sorted((c for c in rows if c.calibrates), key=lambda c: c.row.round):
        by_system.setdefault((c.row.submitter, _VERSION.sub("", c.row.stack)), []).append(c)
    like = [c for c in rows if c.row.likeness == LIKE]
    if not by_system or not like:
        return None
    means = [fmean(map(_measured_j, group)) for group in by_system.values()]
    scale = means[0] / fmean(means)
    below = [1 - scale * _modelled_j(c) / _measured_j(c) for c in like]
    return EnergyBasis(len(means), (min(below), max(below)))


def spread(comparisons: Sequence[Comparison], submitter: str, benchmark: str) -> float | None:
    """How far the slowest row of ``submitter`` is above its fastest, as a fraction of that."""
    rows = (c.row for c in comparisons if c.row.benchmark == benchmark)
    cycles = [row.cycles for row in rows if row.submitter == submitter]
    return max(cycles) / min(cycles) - 1 if len(cycles) > 1 else None


def _modelled_j(c: Comparison) -> float:
    """Energy a cycle."""
    assert c.modelled_energy_j is not None
    return c.modelled_energy_j.value / c.modelled_cycles.value


def _measured_j(c: Comparison) -> float:
    """Energy a cycle, at the platform's supply."""
    assert c.energy_error is not None
    return _modelled_j(c) / (1 + c.energy_error)
