"""Tasks observed and priced, or recalled where all that decides the result was the same before.

What makes a result takes longer to import than a kept one takes to read: it is imported here when
it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from threading import Lock

from simbench.backends import Backend
from simbench.backends.boards import Launched
from simbench.catalog.benchmarks import Benchmark
from simbench.cost.residuals import load_target
from simbench.files.installed import version_of
from simbench.firmware.names import demangler
from simbench.models.reference import interpreter_versions
from simbench.result.tree import Result
from simbench.store import ENCODING, Recall, Store, key_of, sources_hash
from simbench.task.tasks import Task

_RESULT = "result"
_PRICING = Lock()  # Python prices one at a time: two at once take longer than one after the other
_DECIDES_NOTHING = ("image", "benchmark", "time_limit_s", "data", "judge_on")  # or is there apart
_DESCRIBES = tuple(field.name for field in fields(Benchmark) if field.name != "model")


@dataclass(frozen=True, slots=True)
class Ran:
    """A result, and how it came about: ``is_cached`` says that its counts are from the store,
    ``notes`` what was wrong with the store."""

    result: Result
    is_cached: bool = False
    notes: tuple[str, ...] = ()


def priced(task: Task, backend: Backend, store: Store | None, launched: Launched | None) -> Ran:
    """The result of ``task``, not yet judged by labelled data; ``launched`` is given the board.

    Raises what measuring and pricing raise.
    """
    recall = Recall(store, task.benchmark.id)
    key = _key(task, backend)
    known = recall.recall(_RESULT, key, Result)
    if known is not None:
        return Ran(known, True, tuple(recall.notes))
    made = _made(task, backend, store, launched)
    recall.keep(_RESULT, {key: made.result})
    return replace(made, notes=tuple(dict.fromkeys((*recall.notes, *made.notes))))


def _made(task: Task, backend: Backend, store: Store | None, launched: Launched | None) -> Ran:
    from simbench.runs.assemble import assembled
    from simbench.runs.decoded import recall_decoded
    from simbench.runs.expected import expected_of
    from simbench.session.observe import observe

    observed = observe(task, backend, store, launched)
    task = observed.task
    expected = expected_of(task, store)
    with _PRICING:
        decoding = recall_decoded(task.benchmark.id, observed.observation.counts.blocks, store)
        result = assembled(task, observed.observation, expected.outputs)
    return Ran(result, observed.is_cached, (*observed.notes, *expected.notes, *decoding))


def _key(task: Task, backend: Backend) -> str:
    """The hash over all that decides the result: the task but for how long it may take and what
    judges it, the emulator, the host's tools, the data and the code of the price."""
    target = load_target(task.platform)
    return key_of(
        type(task).__name__,
        [getattr(task, f.name) for f in fields(task) if f.name not in _DECIDES_NOTHING],
        [getattr(task.benchmark, name) for name in _DESCRIBES],
        (task.image.sha256, task.image.segments),
        (backend.name, backend.version(), backend.capabilities),
        None if task.model is None else interpreter_versions(),
        (demangler(), version_of("capstone"), version_of("numpy")),
        (target.identity, target.source),
        sources_hash(__name__, ENCODING),
    )
