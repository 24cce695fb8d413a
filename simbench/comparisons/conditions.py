"""What two runs must have in common for their numbers to be comparable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simbench.result.tree import Run

ENVIRONMENT = {"emulator": "emulator", "version": "emulator version", "toolchain": "toolchain"}
"""The host facts that decide what is executed, and what they are called."""


def differences(base: Run, new: Run) -> tuple[str, ...]:
    """The settings and tools that differ, one phrase each: "samples (10 and 2)".

    Of settings by name (the version of each platform, say) only the names in both runs count.
    """
    tools = (_named(run.environment) for run in (base, new))
    return (*_differing(base.settings, new.settings), *_differing(*tools))


def _named(environment: Mapping[str, Any]) -> dict[str, Any]:
    return {name: environment.get(key) for key, name in ENVIRONMENT.items()}


def _differing(base: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(base.keys() | new.keys()):
        before, after = base.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            common = before.keys() & after.keys()
            within = _differing({k: before[k] for k in common}, {k: after[k] for k in common})
            yield from (f"{name} {said}" for said in within)
        elif before != after:
            yield f"{name} ({_said(before)} and {_said(after)})"


def _said(value: object) -> str:
    return "not stated" if value is None else str(value)
