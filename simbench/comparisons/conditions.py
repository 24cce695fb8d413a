"""What two runs must have in common for their numbers to be comparable, and what priced them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simbench.result.tree import Run

ENVIRONMENT = {"emulator": "emulator", "version": "emulator version", "toolchain": "toolchain"}
"""The host facts that decide what is executed, and what they are called."""

_PRICES = "prices"
_NUMBERS = {"platform": "platform {}", "core": "core of {}"}
_MODEL = {"residual": "residual of {}", "code": "pricing code"}


def differences(base: Run, new: Run) -> tuple[str, ...]:
    """The settings and tools that differ, one phrase each: "samples (10 and 2)".

    Of settings by name (the version of each platform, say) only the names in both runs count.
    Prices are told by their content: what the numbers of a platform or core are, not their version.
    """
    tools = (_named(run.environment) for run in (base, new))
    settings = ({k: v for k, v in run.settings.items() if k != _PRICES} for run in (base, new))
    return (*_differing(*settings), *_differing(*tools), *_changed_prices(base, new))


def price_causes(base: Run, new: Run, platform: str) -> tuple[str, ...]:
    """What of the price of ``platform`` is not the same in both runs: "platform mine"."""
    return tuple(_price_differences(base, new, platform, _NUMBERS | _MODEL))


def _changed_prices(base: Run, new: Run) -> Iterator[str]:
    """Other numbers in a data file; how they are made into a price may be another, and is told."""
    for platform in sorted({result.platform for result in base.results}):
        for what in _price_differences(base, new, platform, _NUMBERS):
            yield f"the price changed: {what}"


def _price_differences(
    base: Run, new: Run, platform: str, parts: Mapping[str, str]
) -> Iterator[str]:
    before, after = (run.settings.get(_PRICES, {}).get(platform, {}) for run in (base, new))
    for part, words in parts.items():
        if part in before and part in after and before[part] != after[part]:
            yield words.format(platform)


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
