"""Branches that a core with a branch predictor gets wrong."""

from __future__ import annotations

import numpy as np

from simbench.cost.bounds import Bounds, bounds
from simbench.cost.core import Core
from simbench.cost.features import Features
from simbench.cost.pipelines import Predicting, pipeline
from simbench.counts import SectionCounts


def mispredictions(section: SectionCounts, features: Features, core: Core) -> Bounds:
    """Cycles lost to conditional branches that went the rarer way, as the end of a loop does.

    A predictor that remembers how a loop of few turns ended last time loses less: at least nothing.
    """
    pricing = pipeline(core)
    if not isinstance(pricing, Predicting):
        return bounds(0.0)
    edges = section.edges
    taken = np.bincount(edges["source"], edges["count"], len(section.executions))
    rarer = np.minimum(taken, section.executions - taken)
    wrong = float(rarer[features.refill == pricing.conditional].sum())
    each = pricing.misprediction()
    return bounds(wrong * each[0], 0.0, wrong * each[2])
