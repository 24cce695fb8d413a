"""The pipeline classes, by the name that the file of a core gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds
from simbench.cost.cores.core import PIPELINES, Core
from simbench.cost.cores.cortex_m0plus import CortexM0Plus
from simbench.cost.cores.cortex_m3 import CortexM3
from simbench.cost.cores.cortex_m4 import CortexM4
from simbench.cost.cores.cortex_m7 import CortexM7
from simbench.cost.cores.cortex_m33 import CortexM33
from simbench.cost.cores.cortex_m55 import CortexM55
from simbench.cost.cores.cortex_m85 import CortexM85
from simbench.cost.cores.parts import Pair, Part
from simbench.errors import UsageError
from simbench.files.plugins import guarded_methods, load_maker
from simbench.isa.instruction import Instruction

CORES_KEPT = 256
"""Cores whose pipelines are kept: what-if studies make many."""

_PIPELINES: Mapping[str, Callable[[Core], Pipeline]] = {
    built_in.__name__: built_in
    for built_in in (CortexM0Plus, CortexM3, CortexM4, CortexM7, CortexM33, CortexM55, CortexM85)
}

_METHODS = ("cycles", "refill", "refills", "pairs", "misprediction")


@runtime_checkable
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
    built_in = _PIPELINES.get(core.pipeline_class)
    return _plugged(core) if built_in is None else built_in(core)


def _plugged(core: Core) -> Pipeline:
    """The pipeline of a plug-in, whose mistakes are one sentence."""
    name = core.pipeline_class
    make = load_maker(PIPELINES, name)
    if make is None:
        raise UsageError(
            f"the core {core.id} names the pipeline_class {name}, which none is: "
            f"there are {', '.join(_PIPELINES)}"
        )
    made = make(core)
    if not isinstance(made, Pipeline):
        raise UsageError(
            f"the plug-in {name} of {PIPELINES} makes no pipeline, but {type(made).__name__}: it "
            "needs cycles, refill and refills"
        )
    parts: dict[str, Any] = {**guarded_methods(PIPELINES, name, made, _METHODS)}
    parts["cycles"] = staticmethod(_shaped(name, parts["cycles"]))
    if isinstance(made, Predicting):
        parts["conditional"] = made.conditional
    plugged: Pipeline = type(name, (), parts)()
    return plugged


def _shaped(name: str, cycles: Callable[..., Any]) -> Callable[..., Any]:
    """``cycles`` of a plug-in, whose shape is checked."""

    def checked(instructions: Sequence[Instruction], address: int) -> NDArray[np.float64]:
        stack = np.asarray(cycles(instructions, address))
        if stack.shape != (len(instructions), len(Part), 3):
            raise UsageError(
                f"the plug-in {name} of {PIPELINES} gave cycles of the shape {stack.shape}, not "
                f"{(len(instructions), len(Part), 3)}"
            )
        return stack

    return checked
