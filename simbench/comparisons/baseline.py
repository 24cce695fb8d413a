"""Baselines: a result document without its bulk and its host facts, to be kept in a repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from simbench.comparisons.conditions import ENVIRONMENT, differences
from simbench.errors import NothingRun, UsageError
from simbench.result.metrics import selects
from simbench.result.tree import Layer, MemoryUse, Result, Run

DEFAULT_FILE = "simbench-baseline.json"


def lean(run: Run) -> Run:
    """What a comparison needs of ``run``, sorted by id: equal inputs give equal baselines."""
    environment = {key: run.environment.get(key) for key in ENVIRONMENT}
    results = sorted(map(_lean_result, run.results), key=lambda result: result.id)
    return replace(run, environment=environment, results=tuple(results))


def render(run: Run) -> str:
    """``run``, one fact a line in a fixed order, so that a change reads well as a diff."""
    return json.dumps(lean(run).document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def accept(baseline: Run, new: Run, pattern: str) -> Run:
    """``baseline`` with the results of ``new`` that ``pattern`` selects in the place of its own.

    Raises :class:`NothingRun` where it selects none, and :class:`UsageError` where results that
    stay were measured under other conditions: one document cannot hold both.
    """
    accepted = {result.id: result for result in new.results if selects(pattern, result.id)}
    if not accepted:
        near = get_close_matches(pattern, [result.id for result in new.results], 1, cutoff=0)
        hint = f"the nearest is {near[0]}" if near else "it has none"
        raise NothingRun(f"nothing was accepted: the run has no result {pattern}; {hint}")
    kept = {result.id: result for result in baseline.results if result.id not in accepted}
    remaining = _without(baseline, kept)
    wrong = differences(remaining, new) if kept else ()
    if wrong:
        raise UsageError(
            f"the baseline's other results were measured with other {', '.join(wrong)}: "
            "accept a run of all of them, without --only"
        )
    results = tuple((kept | accepted).values())
    return replace(new, settings=_merged(remaining.settings, new.settings), results=results)


def _without(baseline: Run, kept: Mapping[str, Result]) -> Run:
    """``baseline`` without the settings of benchmarks and platforms that no kept result has."""
    there = {name for result in kept.values() for name in (result.benchmark, result.platform)}
    before = {name for result in baseline.results for name in (result.benchmark, result.platform)}
    settings = {
        key: {name: said for name, said in value.items() if name not in before - there}
        if isinstance(value, Mapping)
        else value
        for key, value in baseline.settings.items()
    }
    return replace(baseline, settings=settings if kept else {})


def _merged(base: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of both; what is by name (versions by platform, say) holds the names of both."""
    return {
        key: {**base[key], **value} if isinstance(base.get(key), Mapping) else value
        for key, value in new.items()
    }


def _lean_result(result: Result) -> Result:
    return replace(
        result,
        time_s=None if result.time_s is None else replace(result.time_s, stack={}),
        layers=tuple(map(_lean_layer, result.layers)),
        frames=(),
        what_if=None,
        memory=_lean_memory(result.memory),
    )


def _lean_layer(layer: Layer) -> Layer:
    return replace(layer, cycles=replace(layer.cycles, stack={}), energy_j=None)


def _lean_memory(memory: MemoryUse | None) -> MemoryUse | None:
    if memory is None or memory.arena is None:
        return memory
    return replace(memory, arena=replace(memory.arena, plan=()))
