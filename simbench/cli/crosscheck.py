"""``simbench crosscheck``: the same firmware on two emulators, which must execute the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simbench.backends import Backend, backend
from simbench.backends.naming import place
from simbench.backends.recording import RecordedBackend, Recorder, save
from simbench.catalog.benchmarks import benchmarks_called
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.cli.console import console, log_to
from simbench.cli.names import BENCHMARK
from simbench.cli.options import backend_option, kernels_option, platform_option
from simbench.comparisons.crosscheck import (
    ACCESSES,
    CACHE_EVENTS,
    EDGES,
    Compared,
    Quantity,
    compare,
)
from simbench.errors import EXIT_GOOD, EXIT_WRONG
from simbench.firmware.image import Image
from simbench.models.prepared import Layer
from simbench.session.measure import Observation, measure
from simbench.task.tasks import ModelTask, suite_task

_SHOWN_PLACES = 5
_CAPABILITY = {EDGES: "edges", ACCESSES: "accesses", CACHE_EVENTS: "caches"}
"""By what is compared: the capability that it takes."""


@click.command(name="crosscheck")
@platform_option
@click.option(
    "--benchmark", type=BENCHMARK, required=True, metavar="NAME", help="Benchmark to run."
)
@kernels_option
@backend_option
@click.option(
    "--against",
    metavar="NAME",
    help="Emulator to compare with: renode (the default), qemu:PROGRAM or recording:FILE.",
)
@click.option(
    "--record",
    "record_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep the session on --backend, to compare with elsewhere.",
)
def command(
    platform_name: str,
    benchmark: str,
    kernels: str,
    backend_name: str,
    against: str | None,
    record_path: Path | None,
) -> int:
    """Run one inference on two emulators and compare, layer by layer, what they executed (every
    instruction, taken edge, access by segment and kind, and cache event) and the outputs. What
    one of them does not count is named and left out.

    Exits with 1 where they differ, and says where; with 3 where an emulator is missing.

    \b
    Examples:
      simbench crosscheck --platform stm32f4 --benchmark ad
      simbench crosscheck --platform stm32f4 --benchmark ad --against qemu:qemu-10
      simbench crosscheck --platform stm32f4 --benchmark ad --record ad.rec
      simbench crosscheck --platform stm32f4 --benchmark ad --against recording:ad.rec
    """
    terminal = console(stderr=True)
    emulator = backend(backend_name)
    other = None if record_path and not against else backend(against or "renode")
    for found in (emulator, other):
        if found is not None:
            found.version()  # what is missing is told before anything is built
    board = load_platform(platform_name)
    chosen = benchmarks_called([benchmark])[0]
    scenario = Scenario(chosen.id, board.id, Variant(kernels))
    machine = emulator.machine(board.core)
    task = suite_task(scenario, board, chosen, machine, 1, log_to(terminal))
    first = _observed(task, emulator, record_path)
    if other is None:
        return EXIT_GOOD
    return _report(task, (emulator, first), (other, measure(task, other)))


def _observed(task: ModelTask, emulator: Backend, record_path: Path | None) -> Observation:
    if record_path is None:
        return measure(task, emulator)
    recorder = Recorder(emulator)
    seen = measure(task, recorder)
    save(recorder.recordings[0], record_path)
    return seen


def _report(
    task: ModelTask, first: tuple[Backend, Observation], second: tuple[Backend, Observation]
) -> int:
    names = tuple(_shown(found) for found, _ in (first, second))
    left_out = dict(_left_out(first[0], names[0])) | dict(_left_out(second[0], names[1]))
    sections = compare(first[1].counts, second[1].counts, left_out)
    outputs_are_equal = first[1].outputs == second[1].outputs
    layers = task.model.layers
    terminal = console()
    terminal.print(f"{task.scenario.id} on {task.machine}", style="bold", highlight=False)
    terminal.print(_table(names, sections, layers))
    terminal.print(f"outputs are {'equal' if outputs_are_equal else 'not equal'}", highlight=False)
    for name, why in left_out.items():
        terminal.print(f"{name} were not compared: {why}", highlight=False)
    differing = [section for section in sections if not section.is_equal]
    for quantity in differing[0].differing if differing else ():
        _report_places(quantity, task.image, terminal)
    if not differing and outputs_are_equal:
        return EXIT_GOOD
    what = f"differ in {len(differing)} of {len(sections)} sections"
    if not differing:
        what = "give different outputs"
    click.echo(f"simbench: {names[0]} and {names[1]} {what}", err=True)
    return EXIT_WRONG


def _left_out(emulator: Backend, shown: str) -> Iterator[tuple[str, str]]:
    """What ``emulator`` does not count, and why."""
    can = emulator.capabilities
    for name, capability in _CAPABILITY.items():
        if not getattr(can, capability):
            yield name, f"{shown} has none of them ({can.reasons[capability]})"


def _shown(emulator: Backend) -> str:
    recorded = " recorded" if isinstance(emulator, RecordedBackend) else ""
    return f"{emulator.name} {emulator.version()}{recorded}"


def _table(names: Sequence[str], sections: Sequence[Compared], layers: Sequence[Layer]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("instructions")
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("")
    for section in sections:
        differing = ", ".join(quantity.name for quantity in section.differing)
        verdict = f"differs in {differing}" if differing else "equal"
        shown = Text(verdict, style="green" if section.is_equal else "bold red")
        found = section.instructions
        table.add_row(_name(section, layers), f"{found.first:,}", f"{found.second:,}", shown)
    return table


def _name(section: Compared, layers: Sequence[Layer]) -> str:
    if section.layer is None:
        return "inference"
    known = section.layer < len(layers)
    return f"layer {section.layer}{f', {layers[section.layer].op}' if known else ''}"


def _report_places(quantity: Quantity, image: Image, terminal: Console) -> None:
    """Where a quantity of the first section that differs is not the same."""
    places = len(quantity.differing)
    terminal.print(f"{quantity.name} differ in {places} places:", highlight=False)
    for at in quantity.differing[:_SHOWN_PLACES]:
        where = " ".join(filter(None, (place(image, at.address) if at.address else "", at.what)))
        terminal.print(f"  {where}: {at.first:,} and {at.second:,} times", highlight=False)
