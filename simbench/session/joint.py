"""One inference for several platforms: boards with the same core differ in their caches alone, and
caches that share no lines do not influence each other, so all are watched at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from simbench.backends import Capabilities
from simbench.catalog.platforms import platform_caches
from simbench.counts import CacheGeometry
from simbench.session.measure import Observation
from simbench.session.units import Shape, Unit, sections_of, shape_of, units_of, with_caches
from simbench.task.tasks import ModelTask

MOST_CACHES = 16
"""How many the counting plugin watches at once."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Caches to watch for several platforms, and where each platform's are among them."""

    caches: tuple[CacheGeometry, ...]
    names: Mapping[str, Mapping[str, str]]

    def of(self, task: ModelTask, seen: Observation) -> Observation:
        """What was ``seen``, as it would have been seen of ``task`` alone."""
        if not self.caches:
            return seen
        names, caches = self.names[task.platform.id], _caches_of(task)
        events = [
            {cache.name: section.cache_events[names[cache.name]] for cache in caches}
            for section in sections_of(seen.counts)
        ]
        return replace(seen, counts=with_caches(seen.counts, caches, events))


def watched_together(
    tasks: Sequence[ModelTask], can: Capabilities
) -> Iterator[tuple[Watched, list[ModelTask]]]:
    """``tasks``, which differ in their platforms alone, in groups that one inference serves."""
    if not can.caches:
        yield Watched((), {}), list(tasks)
        return
    group: list[ModelTask] = []
    units: dict[Shape, Unit] = {}
    for task in tasks:
        asked = {shape_of(unit): unit for unit in units_of(_caches_of(task))}
        if group and _caches_in({**asked, **units}) > MOST_CACHES:
            yield _watched(group, units), group
            group, units = [], {}
        group.append(task)
        units = {**asked, **units}
    if group:
        yield _watched(group, units), group


def _caches_of(task: ModelTask) -> tuple[CacheGeometry, ...]:
    return platform_caches(task.platform)


def _caches_in(units: Mapping[Shape, Unit]) -> int:
    return sum(map(len, units.values()))


def _watched(tasks: Sequence[ModelTask], units: Mapping[Shape, Unit]) -> Watched:
    numbers = count()
    caches: list[CacheGeometry] = []
    placed: dict[Shape, list[str]] = {}
    for shape, unit in units.items():
        names = {cache.name: f"cache-{next(numbers)}" for cache in unit}
        placed[shape] = list(names.values())
        caches += (
            replace(cache, name=names[cache.name], shares=names.get(cache.shares, ""))
            for cache in unit
        )
    return Watched(
        tuple(caches),
        {
            task.platform.id: {
                cache.name: name
                for unit in units_of(_caches_of(task))
                for cache, name in zip(unit, placed[shape_of(unit)], strict=True)
            }
            for task in tasks
        },
    )
