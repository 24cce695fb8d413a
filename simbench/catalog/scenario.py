"""What to run: platforms x benchmarks x variants of the firmware."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

_T = TypeVar("_T", bound=Hashable)

DEFAULT_KERNELS = "cmsis-nn"
OWN_RUNTIME = "simbench"
"""The interpreter that is part of simbench's firmware."""
PINNED_TOOLCHAIN = "pinned"
"""The compiler that simbench's counts are of."""
SYSTEM_TOOLCHAIN = "system"
"""The compiler that is in PATH."""
TOOLCHAINS = (PINNED_TOOLCHAIN, SYSTEM_TOOLCHAIN)
"""Toolchains that have a name everywhere."""

_OF_VERSION = re.compile(r"(?:gcc|clang|zig)-\d[\d.]*(?:-[0-9a-f]{4})?")


@dataclass(frozen=True, slots=True)
class Variant:
    """What the firmware is made of, by name: its kernels, whose interpreter, by which compiler."""

    kernels: str = DEFAULT_KERNELS
    runtime: str = OWN_RUNTIME
    toolchain: str = PINNED_TOOLCHAIN

    def __str__(self) -> str:
        """The kernel set, and what is not simbench's own: "cmsis-nn", "reference+system"."""
        usual = Variant()
        others = [
            mine
            for mine, default in (
                (self.runtime, usual.runtime),
                (self.toolchain, usual.toolchain),
            )
            if mine != default
        ]
        return "+".join((self.kernels, *others))


def is_toolchain(name: str) -> bool:
    """Whether ``name`` is a toolchain's: those of a user's own are called by their version."""
    return name in TOOLCHAINS or _OF_VERSION.fullmatch(name) is not None


def variants(
    kernels: Sequence[str],
    runtimes: Sequence[str],
    toolchains: Sequence[str] = (PINNED_TOOLCHAIN,),
) -> tuple[Variant, ...]:
    """Every kernel set under every runtime by every toolchain, toolchains outermost."""
    named = product(toolchains, runtimes, kernels)
    return tuple(Variant(name, runtime, toolchain) for toolchain, runtime, name in named)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One benchmark on one platform with one variant of the firmware, by name."""

    benchmark: str
    platform: str
    variant: Variant = Variant()

    @property
    def id(self) -> str:
        """The result's id: "kws@stm32f4/cmsis-nn"."""
        return f"{self.benchmark}@{self.platform}/{self.variant}"


def cross(
    platforms: Sequence[str], benchmarks: Sequence[str], variants: Sequence[Variant]
) -> tuple[Scenario, ...]:
    """Every combination once, platforms outermost, in the order given."""
    unique = product(_once(platforms), _once(benchmarks), _once(variants))
    return tuple(Scenario(b, p, v) for p, b, v in unique)


def _once(names: Sequence[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(names))
