"""Boards that stay up: one for each image and set of caches, started once and begun anew for each
model.

What a board does after it was begun anew is what one does that was started: the memory that a model
may have written is cleared, and the caches that are watched are empty. A test holds the counts of
models in any order against those of boards of their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from simbench.backends import Backend, LaunchSpec
from simbench.backends.board import RestartingBoard
from simbench.backends.boards import Launched
from simbench.catalog.scenario import OWN_RUNTIME
from simbench.counts import CacheGeometry
from simbench.session.conversation import Patience, converse
from simbench.session.genuine import check_code
from simbench.session.measure import Observation, launch_spec, measure, observed_suite
from simbench.session.room import check_room
from simbench.task.tasks import ElfTask, ModelTask, Task

MOST_BOARDS = 8
_MOST_MODELS = 1000  # then a board is started anew: what the plugin knows of code grows


@dataclass(slots=True)
class _Lane:
    """A board that is up, and how much of its arena the last model took."""

    board: RestartingBoard
    arena_bytes: int = 0
    models: int = 0


class WarmBoards(contextlib.AbstractContextManager["WarmBoards"]):
    """Measures tasks on boards that stay up until this is closed. For one thread."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[object, ...], _Lane] = {}

    def __exit__(self, *_: object) -> None:
        """Close the boards."""
        for lane in self._lanes.values():
            lane.board.close()
        self._lanes.clear()

    def measure(
        self,
        task: Task,
        backend: Backend,
        launched: Launched | None = None,
        caches: Sequence[CacheGeometry] | None = None,
    ) -> Observation:
        """As :func:`simbench.session.measure.measure`, and with what it raises.

        What cannot be begun anew, or is not sure to leave nothing behind, has a board of its own.
        """
        if not _may_be_warm(task, backend):
            return measure(task, backend, launched, caches)
        assert isinstance(task, ModelTask)
        check_room(task)
        can = backend.capabilities
        spec = launch_spec(task, watch_caches=can.caches, caches=caches)
        spec = replace(spec, restarts=True)
        key = (backend.name, spec.image.sha256, spec.machine, spec.caches)
        lane = self._lanes.pop(key, None)
        with contextlib.ExitStack() as unless_good:
            if lane is None:
                lane = self._started(spec, backend)
                unless_good.callback(lane.board.close)
            else:
                unless_good.callback(lane.board.close)
                lane.board.restart(spec.blobs, _spoilt(task, lane.arena_bytes))
            if launched is not None:
                launched(lane.board)
            patience = Patience().within(task.time_limit_s)
            seen = observed_suite(converse(lane.board, patience), task)
            assert seen.footprint is not None
            lane.arena_bytes, lane.models = seen.footprint.arena.bytes, lane.models + 1
            if lane.models < _MOST_MODELS:
                unless_good.pop_all()
                self._lanes[key] = lane
        check_code(seen.counts, spec)
        return seen

    def _started(self, spec: LaunchSpec, backend: Backend) -> _Lane:
        while len(self._lanes) >= MOST_BOARDS:  # the one that waits for longest
            self._lanes.pop(next(iter(self._lanes))).board.close()
        board = backend.launch(spec)
        assert isinstance(board, RestartingBoard)
        return _Lane(board)


def _may_be_warm(task: Task, backend: Backend) -> bool:
    if isinstance(task, ElfTask) or not backend.capabilities.restarts:
        return False
    return task.scenario.variant.runtime == OWN_RUNTIME


def _spoilt(task: ModelTask, used_bytes: int) -> tuple[range, ...]:
    """Where a model that needs ``used_bytes`` of arena wrote: at the start of the region, where it
    ran, and at its end, where the firmware first set it up."""
    start, end = (task.image.symbols[f"__arena_{name}"] for name in ("start", "end"))
    used = min(used_bytes, end - start)
    return range(start, start + used), range(end - used, end)
