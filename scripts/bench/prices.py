"""What prices cost: of a run, of many machines, of other cores, by function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from measuring import Row, work_row
from workloads import kws_task, suite_tasks

from simbench.backends import backend
from simbench.catalog.platforms import Platform
from simbench.cost.cores.core import Core, load_core
from simbench.cost.points import price_points
from simbench.cost.price import estimate
from simbench.cost.residuals import load_target
from simbench.files.datafile import Quantity
from simbench.isa.instruction import InstructionClass
from simbench.profiles.attribution import frames
from simbench.profiles.functions import functions_of
from simbench.session.measure import measure

_PRICES = 100


def pricing() -> Iterator[Row]:
    """One stored run priced again and again."""
    for task in suite_tasks():
        counts = measure(task, backend("qemu")).counts
        price = partial(estimate, counts, counts.inference, load_target(task.platform))
        price()
        how = f"{len(counts.blocks):,} blocks"
        yield work_row(
            f"{_PRICES} prices of {task.scenario.benchmark}", partial(_again, price), how
        )


def _again(price: Callable[[], object]) -> None:
    for _ in range(_PRICES):
        price()


def what_if() -> Iterator[Row]:
    """One stored run priced on many machines, on other cores, and split over functions."""
    task = kws_task()
    counts = measure(task, backend("qemu")).counts
    board, core = task.platform, load_core(task.platform.core)
    price_points(counts, counts.inference, [load_target(board, core)])
    for what, values in (
        ("clocks", [(waits, hertz) for waits in range(10) for hertz in range(1, 1001)]),
        ("clocks and wait states", [(n / 1000, n + 1) for n in range(10_000)]),
    ):
        targets = [
            load_target(_with_flash(board, waits, 1e6 + hertz), core) for waits, hertz in values
        ]
        how = f"{len({waits for waits, _ in values}):,} different wait states of flash"
        work = partial(price_points, counts, counts.inference, targets)
        yield work_row(f"pricing {len(targets):,} {what}", work, how)
    # each time on a core that was not priced before
    others = (load_target(board, _slower_divide(core, 13 + n / 100)) for n in range(1000))

    def another() -> object:
        return price_points(counts, counts.inference, [next(others)])

    yield work_row("pricing another core", another, "another time of a division")
    functions = functions_of(task.image, counts.blocks)
    split = partial(frames, counts, counts.layers, functions, load_target(board, core))
    yield work_row("functions by layer", split, f"{len(counts.layers)} layers")


def _with_flash(board: Platform, waits: float, clock_hz: float) -> Platform:
    flash = replace(board.memories["flash"], wait_states=Quantity(waits, waits, waits, None))
    return replace(board, clock_hz=clock_hz, memories={**board.memories, "flash": flash})


def _slower_divide(core: Core, cycles: float) -> Core:
    divide = Quantity(cycles, cycles, cycles, None)
    return replace(core, cycles={**core.cycles, InstructionClass.DIVIDE: divide})
