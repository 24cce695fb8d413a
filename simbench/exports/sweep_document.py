"""A sweep as a JSON document: its points by column, and its answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from simbench.result.tree import fingerprint
from simbench.sweeps.answers import pareto, reached, steps, swings
from simbench.sweeps.points import Points, plain_values
from simbench.sweeps.study import OBJECTIVES
from simbench.sweeps.sweep import Sweep

SCHEMA = "simbench.sweep/1"


def document(
    sweep: Sweep, tool: Mapping[str, str], environment: Mapping[str, Any]
) -> dict[str, Any]:
    """The JSON document; what is not known is null, and host facts are outside its fingerprint."""
    goal = sweep.study.goal
    body = {
        "schema": SCHEMA,
        "tool": tool,
        "environment": {**environment, "from_store": sweep.from_store},
        "settings": sweep.settings,
        "axes": sweep.axes,
        "simulations": sweep.simulations,
        "points": _columns(sweep.points),
        "base": _columns(sweep.base),
        "pareto": np.flatnonzero(pareto(sweep.points, sweep.study.pareto)).tolist(),
        "pareto_of": [OBJECTIVES[name] for name in sweep.study.pareto],
        "swings": [asdict(swing) for swing in swings(sweep.changes, sweep.base)],
        "sensitivities": [asdict(swing) for swing in swings(sweep.sensitivities, sweep.base)],
        "steps": [asdict(step) for step in steps(sweep)],
        "goal": None if goal is None else asdict(goal),
        "reached": [] if goal is None else [asdict(reach) for reach in reached(sweep, goal)],
        "notes": sweep.notes,
        "reasons": sweep.reasons,
    }
    made: dict[str, Any] = json.loads(json.dumps(body))
    return {**made, "fingerprint": fingerprint(made)}


def _columns(table: Points) -> dict[str, list[Any]]:
    return {name: plain_values(name, column) for name, column in table.columns.items()}
