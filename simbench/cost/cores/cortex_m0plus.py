"""The Cortex-M0+'s pipeline: two stages, one instruction at a time, no overlap and no interlock.

Code and data share one bus: the second cycle of a load or store is that of its data.
Source: Arm Cortex-M0+ Technical Reference Manual DDI 0484C, table 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import Bounds, of
from simbench.cost.cores.core import Core
from simbench.cost.cores.parts import PART_OF, Part, Refill, refill_of
from simbench.isa.instruction import Instruction


class CortexM0Plus:
    """Prices a straight run of instructions. The numbers are the core's data."""

    def __init__(self, core: Core):
        self._cycles = {kind: of(quantity) for kind, quantity in core.cycles.items()}
        self._pipeline = {name: of(quantity) for name, quantity in core.pipeline.items()}

    def cycles(self, instructions: Sequence[Instruction], address: int) -> NDArray[np.float64]:  # noqa: ARG002
        """Cycles of each instruction of a run: (instructions, len(Part), 3).

        Refills are not in it. The address does not matter.
        """
        stack = np.zeros((len(instructions), len(Part), 3))
        takes = np.array([self._takes(instruction) for instruction in instructions]).reshape(-1, 3)
        further = [PART_OF.get(instruction.kind, Part.MULTI_CYCLE) for instruction in instructions]
        stack[:, Part.ISSUE] = np.minimum(takes, 1.0)
        stack[range(len(instructions)), further] = np.maximum(takes - 1.0, 0.0)
        return stack

    def refill(self, last: Instruction) -> Refill:
        """How the target becomes known when a taken edge leaves a block that ends in ``last``."""
        return refill_of(last)

    def refills(self) -> NDArray[np.float64]:
        """Cycles of a refill by :class:`Refill`, whether the target is misaligned, and bound."""
        # there is no table branch: its row, the last, is never asked for
        kinds = (Refill.DIRECT, Refill.INDIRECT, Refill.LOADED)
        straight = np.array([self._pipeline[f"refill_{kind.name.lower()}"] for kind in kinds])
        return np.stack([straight, straight + self._pipeline["refill_misaligned"]], axis=1)

    def _takes(self, instruction: Instruction) -> Bounds:
        cycles = self._cycles[instruction.kind]
        if instruction.memory is None:
            return cycles
        return cycles + (instruction.memory.words - 1) * self._pipeline["further_word"]
