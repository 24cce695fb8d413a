"""Observe a task: from the store where it is known, else by running it, and keep it there.

Counts do not depend on the caches that are watched, and caches do not depend on each other unless
they share lines. So the counts of a benchmark on a core are one entry, and the events of each cache
geometry another: boards with the same core share the one, and, where their caches are alike, the
others too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from numpy.typing import NDArray

from simbench.backends import Backend, LaunchSpec
from simbench.backends.boards import Launched
from simbench.catalog.set_up import as_set_up, differences
from simbench.counts import Counts
from simbench.models.prepared import input_names
from simbench.session.measure import Observation, launch_spec, measure
from simbench.session.units import Unit, sections_of, shape_of, units_of, with_caches
from simbench.session.whole import are_events, are_whole
from simbench.store import Recall, Store, encode, key_of, sources_hash
from simbench.task.tasks import ModelTask, Task

_COUNTS = "counts"
_EVENTS = "events"

Measure = Callable[[Task, Backend, Launched | None], Observation]
"""Runs a task: :func:`simbench.session.measure.measure`, or its like on another machine."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What a board did with ``task``, whose platform is as the firmware set it up.

    ``is_cached`` says that it came from the store and no emulator started; ``notes`` what was wrong
    with the store, in sentences.
    """

    task: Task
    observation: Observation
    is_cached: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An observation without caches. ``outputs`` are by the hash of the input as sent; None where
    the firmware gives none."""

    observation: Observation
    outputs: Mapping[str, bytes] | None


@dataclass(frozen=True, slots=True)
class _Events:
    """What the caches of a unit did: by section (the inference, then its layers), then by cache.

    They name blocks by number: those with the hash ``blocks``.
    """

    blocks: str
    sections: tuple[tuple[NDArray[Any], ...], ...]


def observe(
    task: Task,
    backend: Backend,
    store: Store | None,
    launched: Launched | None = None,
    measuring: Measure = measure,
) -> Observed:
    """What ``task`` does: from the ``store`` where it is known, else by ``measuring``, and kept.

    A firmware that set its chip's memories up is of the board as it left it: where caches are then
    others, it is measured once more. Raises what :func:`simbench.session.measure.measure` raises.
    """
    seen = _once(task, backend, store, launched, measuring)
    found = as_set_up(task.platform, dict(seen.observation.words))
    if found is task.platform:
        return seen
    changed = replace(task, platform=found, notes=(*task.notes, *differences(task.platform, found)))
    if launch_spec(changed).caches != launch_spec(task).caches:
        return _once(changed, backend, store, launched, measuring)
    return replace(seen, task=changed)


def _once(
    task: Task, backend: Backend, store: Store | None, launched: Launched | None, measuring: Measure
) -> Observed:
    recall = Recall(store, task.benchmark.id)
    spec = launch_spec(task, watch_caches=backend.capabilities.caches)
    key = _key(task, backend)
    kept = recall.recall(_COUNTS, key, _Kept)
    has_outputs = kept is not None and _has_outputs(kept, task)
    if kept is not None and has_outputs:
        seen = _recalled(recall, key, kept, task, spec)
        if seen is not None:
            return Observed(task, seen, True, tuple(recall.notes))
    # outputs that are known need no inference
    is_known = has_outputs and isinstance(task, ModelTask)
    asked = replace(task, inputs=task.inputs[:1]) if is_known else task
    fresh = measuring(asked, backend, launched)
    kept = _with_outputs(fresh, asked, kept)
    recall.keep(_COUNTS, {key: kept})
    recall.keep(_EVENTS, _events(key, fresh.counts, spec))
    return Observed(task, replace(fresh, outputs=_outputs(kept, task)), False, tuple(recall.notes))


def _key(task: Task, backend: Backend) -> str:
    """The hash over all that decides counts and outputs: not the board's name, which the firmware
    only says, nor the inputs after the measured one, whose outputs are kept by input; a user's own
    firmware gives no outputs."""
    alone = replace(task, platform=replace(task.platform, id="board"))
    if isinstance(alone, ModelTask):
        alone = replace(alone, inputs=task.inputs[:1])
    spec = launch_spec(alone)
    image = (spec.image.sha256, spec.image.segments)
    named = (field.name for field in fields(LaunchSpec))
    rest = [getattr(spec, name) for name in named if name not in ("image", "caches")]
    sent = [given.wire for given in alone.inputs]
    code = sources_hash(__name__)
    return key_of(code, backend.name, backend.version(), image, rest, sent)


def _has_outputs(kept: _Kept, task: Task) -> bool:
    return kept.outputs is None or kept.outputs.keys() >= set(_names(task))


def _names(task: Task) -> tuple[str, ...]:
    model = task.model if isinstance(task, ModelTask) else None
    return input_names(model, (given.wire for given in task.inputs))


def _outputs(kept: _Kept, task: Task) -> tuple[bytes, ...]:
    return () if kept.outputs is None else tuple(kept.outputs[name] for name in _names(task))


def _with_outputs(fresh: Observation, task: Task, known: _Kept | None) -> _Kept:
    bare = replace(fresh, counts=_without_caches(fresh.counts), outputs=())
    if not fresh.outputs:
        return _Kept(bare, None)
    outputs = dict(zip(_names(task), fresh.outputs, strict=True))
    before = {} if known is None else known.outputs or {}
    return _Kept(bare, {**before, **outputs})


def _without_caches(counts: Counts) -> Counts:
    return with_caches(counts, (), [{} for _ in sections_of(counts)])


def _recalled(
    recall: Recall, key: str, kept: _Kept, task: Task, spec: LaunchSpec
) -> Observation | None:
    """The observation of ``task``, or None where something is missing, or not what it should be."""
    counts = kept.observation.counts
    if not are_whole(counts):
        return None
    blocks = _blocks_hash(counts)
    events: list[dict[str, NDArray[Any]]] = [{} for _ in sections_of(counts)]
    for unit in units_of(spec.caches):
        found = recall.recall(_EVENTS, _unit_key(key, unit), _Events)
        if found is None or found.blocks != blocks:
            return None
        if not are_events(found.sections, counts, len(unit)):
            return None
        for section, arrays in zip(events, found.sections, strict=True):
            section.update(zip((cache.name for cache in unit), arrays, strict=True))
    # in the order of the board's caches, as a fresh observation has them: sums depend on it
    ordered = [{cache.name: section[cache.name] for cache in spec.caches} for section in events]
    whole = with_caches(counts, spec.caches, ordered)
    return replace(kept.observation, counts=whole, outputs=_outputs(kept, task))


def _events(key: str, counts: Counts, spec: LaunchSpec) -> dict[str, _Events]:
    """What the caches did, by the key of their unit."""
    blocks = _blocks_hash(counts)
    found = {}
    for unit in units_of(spec.caches):
        sections = tuple(
            tuple(section.cache_events[cache.name] for cache in unit)
            for section in sections_of(counts)
        )
        found[_unit_key(key, unit)] = _Events(blocks, sections)
    return found


def _blocks_hash(counts: Counts) -> str:
    return hashlib.sha256(encode(counts.blocks)).hexdigest()


def _unit_key(key: str, unit: Unit) -> str:
    """By geometry alone: what a board calls its caches decides nothing."""
    return key_of(key, list(shape_of(unit)))
