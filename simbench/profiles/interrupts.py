"""What each exception of a section costs, with its handler and all that this calls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simbench.cost.points import price_split
from simbench.cost.price import Price, price_of
from simbench.cost.target import Target
from simbench.counts import Counts, Passage
from simbench.profiles.functions import Functions
from simbench.profiles.tree import Cost, InterruptCost

OUTSIDE = "none"
# Armv8-M Architecture Reference Manual (DDI 0553), exception numbers
_NAMES = {
    0: OUTSIDE,
    1: "Reset",
    2: "NMI",
    3: "HardFault",
    4: "MemManage",
    5: "BusFault",
    6: "UsageFault",
    7: "SecureFault",
    11: "SVCall",
    12: "DebugMonitor",
    14: "PendSV",
    15: "SysTick",
}
_FIRST_INTERRUPT = 16


def exception_name(number: int) -> str:
    """What exception ``number`` is called: "SysTick", "interrupt 3"."""
    return _NAMES.get(number, f"interrupt {number - _FIRST_INTERRUPT}")


def interrupt_costs(
    counts: Counts,
    target: Target,
    functions: Functions,
    cost_of: Callable[[int, Price], Cost],
) -> tuple[InterruptCost, ...]:
    """The exceptions of the inference of ``counts``, by number, after what none executed.

    Together they are the whole. Empty where no exception was taken, left or executed.
    """
    section = counts.inference
    contexts = [block.context for block in counts.blocks]
    split = price_split(counts, section, target, contexts)
    if not len(section.passages) and set(split.groups) <= {0}:
        return ()
    rows = enumerate(zip(split.groups, split.instructions, strict=True))
    return tuple(
        InterruptCost(
            number=number,
            name=exception_name(number),
            handler=_handler(counts, functions, number),
            taken=_times(counts, number, Passage.ENTERED),
            chained=_times(counts, number, Passage.CHAINED),
            returned=_times(counts, number, Passage.RETURNED),
            saved_floats=_times(counts, number, Passage.FLOATS),
            cost=cost_of(executed, price_of(split.prices, row, target)),
        )
        for row, (number, executed) in rows
    )


def _times(counts: Counts, number: int, kind: Passage) -> int:
    rows = counts.inference.passages
    return int(rows["count"][(rows["number"] == number) & (rows["kind"] == kind)].sum())


def _handler(counts: Counts, functions: Functions, number: int) -> str | None:
    rows = counts.inference.passages
    leads_in = (rows["kind"] == Passage.ENTERED) | (rows["kind"] == Passage.CHAINED)
    targets = rows["target"][leads_in & (rows["number"] == number)]
    starts = np.asarray(functions.starts)[targets]
    return functions.names[int(starts[0])] if len(starts) else None
