"""The pipeline class of each core."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simbench.cost.core import Core
from simbench.cost.cortex_m4 import CortexM4
from simbench.cost.parts import Refill
from simbench.errors import UsageError
from simbench.isa.instruction import Instruction

_PIPELINES = {"cortex-m4": CortexM4}


class Pipeline(Protocol):
    """Prices straight runs of instructions and the refills between them."""

    def cycles(self, instructions: Sequence[Instruction], address: int) -> NDArray[np.float64]:
        """Cycles of each instruction of a run at ``address``: (instructions, len(Part), 3)."""
        ...

    def refill(self, last: Instruction) -> Refill:
        """What kind of refill a taken edge from ``last`` is."""
        ...

    def refills(self) -> NDArray[np.float64]:
        """Cycles of a refill by kind, misalignment of the target, and bound."""
        ...


@cache
def pipeline(core: Core) -> Pipeline:
    """The pipeline of ``core`` with its data.

    Raises UsageError when the core's data lack a parameter or no class prices it.
    """
    if core.id not in _PIPELINES:
        raise UsageError(f"no pipeline prices the core {core.id}")
    return _PIPELINES[core.id](core)
