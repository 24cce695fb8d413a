"""Cores that issue in order, at times two at once, each result ready some cycles later.

The pipeline of each such core says what an instruction takes, when its result is there, what waits
for it, and which two go together; here they are issued one after the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simbench.cost.bounds import of
from simbench.cost.cores.core import Core
from simbench.cost.cores.parts import PART_OF, Part
from simbench.isa.instruction import Instruction, InstructionClass


@dataclass(frozen=True, slots=True)
class Numbers:
    """A core's data at one bound: all values, all lower or all upper ones."""

    cycles: Mapping[InstructionClass, float]
    pipeline: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Result:
    """When a register can be used. The base that an access moves has no ``producer``."""

    ready: float
    producer: Instruction | None


class InOrder(ABC):
    """Prices a straight run of instructions. The numbers are the core's data."""

    def __init__(self, core: Core):
        self._quantities = {name: of(quantity) for name, quantity in core.pipeline.items()}
        self._numbers = tuple(
            Numbers(
                {kind: float(of(quantity)[bound]) for kind, quantity in core.cycles.items()},
                {name: float(of(quantity)[bound]) for name, quantity in core.pipeline.items()},
            )
            for bound in range(3)
        )

    def cycles(self, instructions: Sequence[Instruction], address: int) -> NDArray[np.float64]:
        """Cycles of each instruction of a run at ``address``: (instructions, len(Part), 3).

        Refills are not in it. Of the address only its alignment matters.
        """
        stack = np.zeros((len(instructions), len(Part), 3))
        for bound, numbers in enumerate(self._numbers):
            for row, spent in zip(stack, self._issue(instructions, address, numbers), strict=True):
                for part, cycles in spent:
                    row[part, bound] += cycles
        # with slower numbers fewer may wait
        stack[..., 1], stack[..., 2] = stack.min(axis=2), stack.max(axis=2)
        return stack

    @abstractmethod
    def takes(self, instruction: Instruction, numbers: Numbers, misaligned: bool) -> float:
        """Cycles from the issue of ``instruction`` to that of the next, if nothing else waits."""

    @abstractmethod
    def latency(self, instruction: Instruction, numbers: Numbers) -> float:
        """Cycles from the issue of ``instruction`` until the next can use its result."""

    @abstractmethod
    def needs(
        self, instruction: Instruction, register: int, producer: Instruction, numbers: Numbers
    ) -> float:
        """Cycles after its latency that ``producer`` must have had for ``instruction`` to issue.

        Negative for an operand that is used late in the pipeline.
        """

    @abstractmethod
    def together(self, older: Instruction, younger: Instruction, numbers: Numbers) -> float | None:
        """Cycles that ``younger`` takes beside ``older``, or None if it must go alone."""

    def pipe(self, instruction: Instruction) -> str | None:  # noqa: ARG002
        """The pipe that ``instruction`` keeps busy while others issue, or None."""
        return None

    def behind(
        self,
        previous: Instruction,  # noqa: ARG002
        instruction: Instruction,  # noqa: ARG002
        numbers: Numbers,  # noqa: ARG002
    ) -> float:
        """Cycles more until ``instruction`` can issue where ``previous`` was right before it."""
        return 0.0

    def _issue(
        self, instructions: Sequence[Instruction], address: int, numbers: Numbers
    ) -> Iterator[list[tuple[Part, float]]]:
        results: dict[int, _Result] = {}
        busy_until: dict[str, float] = {}
        time = 0.0  # when the next instruction can issue alone
        older: Instruction | None = None
        previous: Instruction | None = None
        issued = 0.0
        for instruction in instructions:
            misaligned = instruction.width == 4 and address % 4 != 0
            address += instruction.width
            ready = self._ready(instruction, results, numbers)
            pipe = self.pipe(instruction)
            if pipe is not None:
                ready = max(ready, busy_until.get(pipe, 0.0))
            after = 0.0 if previous is None else self.behind(previous, instruction, numbers)
            if after:
                ready = max(ready, time + after)
            previous = instruction
            beside = None if older is None else self.together(older, instruction, numbers)
            if beside is not None and ready <= issued:
                takes, older = beside, None
                spent = [(Part.ISSUE, beside)]
            else:
                wait = max(ready - time, 0.0)
                takes = self.takes(instruction, numbers, misaligned)
                issued, older = time + wait, instruction
                time = issued
                spent = [(Part.DEPENDENCE, wait), *_split(instruction, takes)]
            time += takes
            if pipe is not None:
                busy_until[pipe] = issued + numbers.pipeline["vector_ticks"]
            there = issued + max(takes - 1.0, 0.0) + self.latency(instruction, numbers)
            for register in _registers(instruction.writes):
                results[register] = _Result(there, instruction)
            memory = instruction.memory
            if memory is not None and memory.writeback:
                results[memory.base] = _Result(issued + 1.0, None)
            yield spent

    def _ready(
        self, instruction: Instruction, results: Mapping[int, _Result], numbers: Numbers
    ) -> float:
        """When all operands of ``instruction`` are there."""
        ready = 0.0
        for register in _registers(instruction.reads):
            result = results.get(register)
            if result is None:
                continue
            more = 0.0
            if result.producer is not None:
                more = self.needs(instruction, register, result.producer, numbers)
            ready = max(ready, result.ready + more)
        return ready


def _split(instruction: Instruction, takes: float) -> list[tuple[Part, float]]:
    """The first cycle is the issue; the others go where the instruction's class says."""
    further = PART_OF.get(instruction.kind, Part.MULTI_CYCLE)
    return [(Part.ISSUE, min(takes, 1.0)), (further, max(takes - 1.0, 0.0))]


@cache
def _registers(mask: int) -> tuple[int, ...]:
    return tuple(register for register in range(mask.bit_length()) if mask >> register & 1)
