"""The pipeline classes, by the name that the file of a core gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds
from simbench.cost.cores.core import Core
from simbench.cost.cores.cortex_m0plus import CortexM0Plus
from simbench.cost.cores.cortex_m3 import CortexM3
from simbench.cost.cores.cortex_m4 import CortexM4
from simbench.cost.cores.cortex_m7 import CortexM7
from simbench.cost.cores.cortex_m33 import CortexM33
from simbench.cost.cores.cortex_m55 import CortexM55
from simbench.cost.cores.parts import Pair
from simbench.errors import UsageError
from simbench.isa.instruction import Instruction

CORES_KEPT = 256
"""Cores whose pipelines are kept: what-if studies make many."""

_PIPELINES: Mapping[str, Callable[[Core], Pipeline]] = {
    built_in.__name__: built_in
    for built_in in (CortexM0Plus, CortexM3, CortexM4, CortexM7, CortexM33, CortexM55)
}


class Pipeline(Protocol):
    """Prices straight runs of instructions and the refills between them."""

    def cycles(self, instructions: Sequence[Instruction], address: int) -> NDArray[np.float64]:
        """Cycles of each instruction of a run at ``address``: (instructions, len(Part), 3)."""
        ...

    def refill(self, last: Instruction) -> int:
        """What kind of refill a taken edge from ``last`` is: a row of :meth:`refills`."""
        ...

    def refills(self) -> NDArray[np.float64]:
        """Cycles of a refill by kind, misalignment of the target, and bound."""
        ...


@runtime_checkable
class Pairing(Protocol):
    """A pipeline that overlaps a load or store with the load before it: a further, optional part.

    Cores whose accesses do not depend on each other's memories leave it out.
    """

    def pairs(self, instructions: Sequence[Instruction], address: int) -> Sequence[Pair]:
        """The overlapping accesses of a run at ``address``, in order."""
        ...


@runtime_checkable
class Predicting(Protocol):
    """A pipeline that predicts branches: a further, optional part. Others leave it out."""

    conditional: int
    """The row of :meth:`Pipeline.refills` of conditional branches."""

    def misprediction(self) -> Bounds:
        """Cycles of a branch that was predicted wrong."""
        ...


@lru_cache(maxsize=CORES_KEPT)
def pipeline(core: Core) -> Pipeline:
    """The pipeline of ``core`` with its data.

    Raises UsageError when the core's data lack a parameter or no class prices it.
    """
    if core.pipeline_class not in _PIPELINES:
        raise UsageError(
            f"the core {core.id} names the pipeline_class {core.pipeline_class}, which none is: "
            f"there are {', '.join(_PIPELINES)}"
        )
    return _PIPELINES[core.pipeline_class](core)
