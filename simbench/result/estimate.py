"""Never a bare number: a value, its range, its source, and the stack it adds up from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Estimate:
    """A modelled quantity, in the unit of the name that holds it (``time_s``, ``energy_j``).

    ``lower`` and ``upper`` bound what the model's sources leave open. The parts of ``stack`` add up
    to ``value``. ``source`` names the model.
    """

    value: float
    lower: float
    upper: float
    source: str
    stack: Mapping[str, float] = field(default_factory=dict)
