"""Exceptions: what the core does itself when one is taken or left, beyond its instructions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds
from simbench.cost.groups import Groups, owners
from simbench.counts import Passage, SectionCounts

PARAMETER: Mapping[Passage, str] = {
    Passage.ENTERED: "exception_entry",
    Passage.CHAINED: "exception_chain",
    Passage.RETURNED: "exception_return",
    Passage.FLOATS: "exception_floats",
}
"""The parameter of a core's pipeline that says what a passage takes."""

UNPRICED = "what taking and leaving an exception costs on this core is not known, and not counted"


def passages_by_kind(section: SectionCounts, groups: Groups) -> NDArray[np.float64]:
    """Passages by :class:`~simbench.counts.Passage`: (groups, kinds).

    What an exception takes is that of its handler: of the code that it leads to, or returns from.
    """
    found = np.zeros((groups.count, len(Passage)))
    for kind in Passage:
        rows = section.passages[section.passages["kind"] == kind]
        end = "target" if kind in (Passage.ENTERED, Passage.CHAINED) else "source"
        found[:, kind] = groups.total(owners(section, end, rows), rows["count"])
    return found


def jumps_of(section: SectionCounts) -> NDArray[np.void]:
    """The passages that lead to other code, as a jump does."""
    found: NDArray[np.void] = section.passages[section.passages["kind"] != Passage.FLOATS]
    return found


def exceptions(passages: NDArray[np.float64], pipeline: Mapping[str, Bounds]) -> Bounds:
    """Cycles of ``passages``, (rows, kinds): (rows, 3). What the core does not say is nothing."""
    cycles: Bounds = np.zeros((len(passages), 3))
    for kind, name in PARAMETER.items():
        if name in pipeline:
            cycles = cycles + passages[:, [kind]] * pipeline[name]
    return cycles
