"""Taken branches: the refills they need, and those that a core with a predictor gets wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds
from simbench.cost.features import Features
from simbench.cost.groups import Groups, owners
from simbench.counts import SectionCounts


def taken(
    section: SectionCounts, known: Features, kinds: int, groups: Groups
) -> NDArray[np.float64]:
    """Taken branches by kind of refill and whether the target is misaligned: (groups, kinds, 2)."""
    edges = section.edges
    cell = known.refill[edges["source"]] * 2 + known.code.misaligned[edges["target"]]
    found = groups.weighted(owners(section, "source"), edges["count"], np.eye(kinds * 2)[cell])
    return found.reshape(-1, kinds, 2)


def branch_refill(branches: NDArray[np.float64], refills: NDArray[np.float64]) -> Bounds:
    """Cycles of the refills: (rows, 3). ``refills`` is (rows, kinds, 2, 3), as a pipeline's."""
    total: Bounds = (branches[..., np.newaxis] * refills).sum(axis=(1, 2))
    return total


def mispredicted(section: SectionCounts, known: Features, groups: Groups) -> NDArray[np.float64]:
    """Conditional branches that went the rarer way, as the end of a loop does: (groups,).

    Of a core that predicts none, none are predicted wrong.
    """
    if known.conditional is None:
        return np.zeros(groups.count)
    edges = section.edges
    blocks = np.flatnonzero((known.refill == known.conditional) & (section.executions > 0))
    times = np.bincount(edges["source"], edges["count"], len(section.executions))[blocks]
    rarer = np.minimum(times, section.executions[blocks] - times)
    return groups.total(blocks, np.maximum(rarer, 0))


def misprediction(wrong: NDArray[np.float64], each: Bounds) -> Bounds:
    """Cycles lost to branches that were predicted wrong: (rows, 3).

    A predictor that remembers how a loop of few turns ended last time loses less: at least nothing.
    """
    cycles: Bounds = wrong[:, np.newaxis] * each * np.array([1.0, 0.0, 1.0])
    return cycles
