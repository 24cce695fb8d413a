"""Caches by whose lines they use: what one does to its lines, none of another unit sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from simbench.counts import CacheGeometry, Counts, SectionCounts

Unit = tuple[CacheGeometry, ...]
"""Caches that share their lines, or one cache alone."""

Shape = tuple[tuple[CacheGeometry, bool], ...]
"""What decides the events of a unit."""


def units_of(caches: Unit) -> tuple[Unit, ...]:
    """``caches`` by whose lines they use; each unit begins with the cache that has them."""
    owner: dict[str, str] = {}
    units: dict[str, list[CacheGeometry]] = {}
    for cache in caches:
        owner[cache.name] = owner.get(cache.shares, cache.name)
        units.setdefault(owner[cache.name], []).append(cache)
    return tuple(map(tuple, units.values()))


def shape_of(unit: Unit) -> Shape:
    """The shape of ``unit``: its geometry, not what a board calls its caches."""
    return tuple((replace(cache, name="", shares=""), bool(cache.shares)) for cache in unit)


def sections_of(counts: Counts) -> tuple[SectionCounts, ...]:
    """The inference, then its layers."""
    return counts.inference, *counts.layers


def with_caches(
    counts: Counts, caches: Unit, events: Sequence[Mapping[str, NDArray[Any]]]
) -> Counts:
    """``counts`` with ``events`` of ``caches``, by section, in place of its own."""
    inference, *layers = (
        replace(section, cache_events=found)
        for section, found in zip(sections_of(counts), events, strict=True)
    )
    return replace(counts, inference=inference, layers=tuple(layers), caches=caches)
