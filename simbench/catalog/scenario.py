"""What to run: platforms x benchmarks x kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

DEFAULT_KERNELS = "cmsis-nn"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One benchmark on one platform with one kernel set, by name."""

    benchmark: str
    platform: str
    kernels: str

    @property
    def id(self) -> str:
        """The result's id: "kws@stm32f4/cmsis-nn"."""
        return f"{self.benchmark}@{self.platform}/{self.kernels}"


def cross(
    platforms: Sequence[str], benchmarks: Sequence[str], kernels: Sequence[str]
) -> tuple[Scenario, ...]:
    """Every combination once, platforms outermost, in the order given."""
    unique = product(*(dict.fromkeys(names) for names in (platforms, benchmarks, kernels)))
    return tuple(Scenario(b, p, k) for p, b, k in unique)
