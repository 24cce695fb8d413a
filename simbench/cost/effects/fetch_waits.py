"""Cycles that fetches wait for the memory that code lives in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import Memory
from simbench.cost.bounds import Bounds
from simbench.cost.effects.code_reads import CodeReads
from simbench.cost.effects.watched import between, jump_wait

_WORD = 4
_AT_ONCE = 1 << 18  # numbers: more machines than that are taken in turns, to bound the memory


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
    run_on = _run_on_waits(code, memory, wait_states, queue)
    waits = np.array(
        [
            phase.jumps[:, np.newaxis] * jump + each
            for phase, each in zip([*code.phases, *code.floor], run_on, strict=True)
        ]
    )
    phases = waits[: len(code.phases)]
    columns = (phases[..., 0].mean(axis=0), waits[..., 1].min(axis=0), phases[..., 2].max(axis=0))
    return np.stack(columns, axis=-1)


def _run_on_waits(
    code: CodeReads, memory: Memory, wait_states: Bounds, queue: Bounds
) -> Sequence[Bounds]:
    """What running on waits in each phase: (rows, 3). Equal numbers are worked out once."""
    distinct, which = _distinct(wait_states, queue)
    step = max(_AT_ONCE // max(code.executing.size, 1), 1)
    chunks = [distinct[start : start + step] for start in range(0, len(distinct), step)]
    exposed = [_exposed(code, memory, chunk) for chunk in chunks]
    sums = (
        [code.groups.weighted(code.blocks, phase.run_on, each) for each in exposed]
        for phase in (*code.phases, *code.floor)
    )
    # of groups and rows of numbers there is one, or as many as there are results
    return [np.concatenate(found, axis=1)[:, which].reshape(-1, 3) for found in sums]


def _distinct(wait_states: Bounds, queue: Bounds) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The rows of ``wait_states`` with the value of ``queue``, each once; and which is whose."""
    numbers = np.empty((max(len(wait_states), len(queue)), 4))
    numbers[:, :3], numbers[:, 3] = wait_states, queue[:, 0]
    if len(numbers) == 1:
        return numbers, np.zeros(1, np.int64)
    distinct, which = np.unique(numbers, axis=0, return_inverse=True)
    return distinct, which.ravel()


def _exposed(code: CodeReads, memory: Memory, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """What running on into the next read waits in each block: (blocks, rows of ``numbers``, 3).

    The memory reads on while the core executes what came last: with a prefetch from the moment that
    came, else from when the core's own queue asks for it.
    """
    executing = code.executing[:, np.newaxis]
    waits = numbers[:, :3]
    asked = _asked_for(executing, numbers[:, [3]], code.read_bytes / _WORD, memory)
    exposed: NDArray[np.float64] = np.clip(asked + waits + 1 - executing, 0, waits)
    if not memory.prefetch:
        exposed[..., 2] = waits[:, 2]
    return exposed


def _asked_for(
    executing: NDArray[np.float64], queue: NDArray[np.float64], words: float, memory: Memory
) -> NDArray[np.float64] | float:
    """Cycles from when a read came to when the next is asked for."""
    if memory.prefetch:
        return 0.0
    waits_for_room = executing * np.maximum(words - queue, 0.0) / words
    later: NDArray[np.float64] = np.maximum(waits_for_room, words - 1)
    return later
