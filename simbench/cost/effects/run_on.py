"""What reads wait that a memory was asked for in order: it reads on while the core executes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import Memory
from simbench.cost.bounds import Bounds
from simbench.cost.groups import Groups

_WORD = 4
_AT_ONCE = 1 << 18  # numbers: more machines than that are taken in turns, to bound the memory


@dataclass(frozen=True, eq=False, slots=True)
class RunOn:
    """Reads of ``read_bytes`` each behind the last, by the block that makes them.

    ``executing`` are the cycles, by value, upper and lower bound, that each of ``blocks`` takes
    between two of its reads: (blocks, 3).
    """

    groups: Groups
    read_bytes: int
    blocks: NDArray[np.int64]
    executing: NDArray[np.float64]


def run_on_waits(
    reads: RunOn,
    times: Sequence[NDArray[np.float64]],
    memory: Memory,
    wait_states: Bounds,
    queue: Bounds,
) -> Sequence[Bounds]:
    """What ``reads`` wait, for each of several counts of them by block: (rows, 3).

    ``queue`` is how many words of code the core reads ahead. Equal numbers are worked out once.
    """
    distinct, which = _distinct(wait_states, queue)
    step = max(_AT_ONCE // max(reads.executing.size, 1), 1)
    chunks = [distinct[start : start + step] for start in range(0, len(distinct), step)]
    exposed = [_exposed(reads, memory, chunk) for chunk in chunks]
    sums = ([reads.groups.weighted(reads.blocks, each, e) for e in exposed] for each in times)
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


def _exposed(reads: RunOn, memory: Memory, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """What running on into the next read waits in each block: (blocks, rows of ``numbers``, 3).

    The memory reads on while the core executes what came last: with a prefetch from the moment that
    came, else from when the core's own queue asks for it.
    """
    executing = reads.executing[:, np.newaxis]
    waits = numbers[:, :3]
    asked = _asked_for(executing, numbers[:, [3]], reads.read_bytes / _WORD, memory)
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
