"""Cycles that fetches wait for the memory that code lives in."""

from __future__ import annotations

import numpy as np

from simbench.catalog.platforms import Memory
from simbench.cost.bounds import Bounds
from simbench.cost.effects.code_reads import CodeReads
from simbench.cost.effects.run_on import run_on_waits
from simbench.cost.effects.watched import between, jump_wait


def reads_made(code: CodeReads) -> Bounds:
    """Reads of the memory itself, by group: (groups, 3)."""
    if code.note is not None:
        return between(code.phases[0].reads)
    phases = np.array([phase.reads for phase in code.phases])
    floor = np.array([phase.reads for phase in (*code.phases, *code.floor)])
    return np.stack([phases.mean(axis=0), floor.min(axis=0), phases.max(axis=0)], axis=-1)


def fetch_wait(code: CodeReads, memory: Memory, wait_states: Bounds, queue: Bounds) -> Bounds:
    """Cycles waited, for groups or for rows of ``wait_states`` and ``queue``: (rows, 3).

    ``queue`` is how many words of code the core reads ahead. How code lies in lines is not known:
    the value is the mean over the phases, between the least and the most.
    """
    jump = jump_wait(memory, wait_states)
    if code.note is not None:
        return between(code.phases[0].reads * jump[:, 2])
    times = [phase.run_on for phase in (*code.phases, *code.floor)]
    run_on = run_on_waits(code.run_on, times, memory, wait_states, queue)
    waits = np.array(
        [
            phase.jumps[:, np.newaxis] * jump + each
            for phase, each in zip([*code.phases, *code.floor], run_on, strict=True)
        ]
    )
    phases = waits[: len(code.phases)]
    columns = (phases[..., 0].mean(axis=0), waits[..., 1].min(axis=0), phases[..., 2].max(axis=0))
    return np.stack(columns, axis=-1)
