"""Measure what simbench promises about itself, and print a table. Nothing here is a test.

Ratios are of pairs measured side by side in this run, medians of several: machines are noisy.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from simbench.backends import Backend, LaunchSpec, backend
from simbench.benchmarks import load_benchmarks
from simbench.cost.core import load_core
from simbench.cost.price import estimate
from simbench.firmware.build import KERNELS
from simbench.measure import launch_spec, measure
from simbench.paths import build_dir
from simbench.platforms import load_platform
from simbench.runner import run_task
from simbench.scenario import DEFAULT_KERNELS, Scenario
from simbench.session import converse
from simbench.tasks import DEFAULT_SAMPLES, Task, suite_task

PLATFORM = "stm32f4"
SECOND_QEMU = build_dir() / "second-qemu" / "qemu-system-arm"
PAIRS = 7
INFERENCES = {"kws": 40, "vww": 12, "ic": 10, "ad": 400}

Row = tuple[str, str, str]


def tasks(kernels: str, samples: int) -> list[Task]:
    """The suite's tasks on the platform."""
    board = load_platform(PLATFORM)
    machine = backend("qemu").machine(board.core)
    return [
        suite_task(Scenario(b.id, board.id, kernels), board, b, machine, samples)
        for b in load_benchmarks().values()
    ]


def same_counts(emulator: Backend) -> Iterator[Row]:
    """Instructions of repeated runs, and of the second QEMU where there is one."""
    for task in tasks(DEFAULT_KERNELS, 1):
        seen = [_instructions(task, emulator) for _ in range(3)]
        said = [f"{seen[0]:,} in {len(seen)} runs of QEMU {emulator.version()}"]
        if SECOND_QEMU.exists():
            with _qemu(SECOND_QEMU):
                seen.append(_instructions(task, emulator))
                said.append(f"and in QEMU {emulator.version()}")
        verdict = "identical" if len(set(seen)) == 1 else f"DIFFERENT: {seen}"
        yield f"instructions of {task.scenario.benchmark}", verdict, " ".join(said)


def parity(emulator: Backend) -> Iterator[Row]:
    """Outputs of every benchmark against the host, for each kernel set; and whether vww fits."""
    for kernels in KERNELS:
        results = [run_task(task, emulator) for task in tasks(kernels, DEFAULT_SAMPLES)]
        compared = [r.parity for r in results if r.parity is not None]
        exact = f"{sum(p.exact for p in compared)}/{sum(p.samples for p in compared)}"
        yield f"exact outputs, {kernels}", exact, f"{len(results)} benchmarks"
        vww = next(r for r in results if r.benchmark == "vww")
        assert vww.memory is not None
        sram = vww.memory.memories["sram"]
        used = f"{vww.memory.arena_bytes:,} of {sram['size_bytes']:,} bytes"
        yield f"vww's arena in SRAM, {kernels}", vww.status, used


def counting_cost(emulator: Backend) -> Iterator[Row]:
    """The same inferences counted and bare, in turn; seconds by the board's own time stamps,
    which run with the host's clock."""
    for task in tasks(DEFAULT_KERNELS, 2):
        counted = replace(launch_spec(task), caches=(), counted_windows=None)
        cached = replace(launch_spec(task), counted_windows=None)
        bare = replace(counted, counting=False)
        n = INFERENCES[task.scenario.benchmark]
        times = [[_infer_s(emulator, s, n) for s in (bare, counted, cached)] for _ in range(PAIRS)]
        ratio = statistics.median(c / b for b, c, _ in times)
        with_caches = statistics.median(c / b for b, _, c in times)
        base = statistics.median(b for b, _, _ in times)
        yield (
            f"counting {task.scenario.benchmark}",
            f"{ratio:.2f} x bare",
            f"{with_caches:.2f} x with flash caches; bare {base:.3f} s for {n} inferences",
        )


def pricing(emulator: Backend) -> Iterator[Row]:
    """One stored run priced again and again."""
    for task in tasks(DEFAULT_KERNELS, 1):
        counts = measure(task, emulator).counts
        core = load_core(task.platform.core)
        _seconds(lambda c=counts, t=task, k=core: estimate(c, c.inference, t.platform, k))
        each = [
            _seconds(lambda c=counts, t=task, k=core: estimate(c, c.inference, t.platform, k))
            for _ in range(20)
        ]
        yield (
            f"pricing {task.scenario.benchmark}",
            f"{statistics.median(each) * 1e3:.1f} ms",
            "a run",
        )


def suite() -> Iterator[Row]:
    """The command a user types, everything built."""
    command = [sys.executable, "-m", "simbench.cli.main", "run", "--platform", PLATFORM]
    times = [
        _seconds(lambda: subprocess.run(command, capture_output=True, check=True)) for _ in range(5)
    ]
    spread = f"{min(times):.1f} to {max(times):.1f} s on {os.cpu_count()} cores"
    yield f"simbench run --platform {PLATFORM}", f"{statistics.median(times):.1f} s", spread


def _instructions(task: Task, emulator: Backend) -> int:
    counts = measure(task, emulator).counts
    return counts.instructions(counts.inference)


def _infer_s(emulator: Backend, spec: LaunchSpec, inferences: int) -> float:
    with emulator.launch(spec) as board:
        talk = converse(board, counted=spec.counting)
        talk.load_bank(0)
        began, ended = talk.infer(inferences).laps_us
        return (ended - began) * 1e-6


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class _qemu:  # noqa: N801
    """Another QEMU for the time of a with block."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def __enter__(self) -> None:
        self._before = os.environ.get("SIMBENCH_QEMU")
        os.environ["SIMBENCH_QEMU"] = str(self._program)

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            del os.environ["SIMBENCH_QEMU"]
        else:
            os.environ["SIMBENCH_QEMU"] = self._before


def main() -> None:
    """Print the table, row by row as it is measured."""
    emulator = backend("qemu")
    table = Table("what", "measured", "how", box=None, pad_edge=False)
    console = Console(stderr=True)
    for part in (
        same_counts(emulator),
        parity(emulator),
        counting_cost(emulator),
        pricing(emulator),
        suite(),
    ):
        for row in part:
            console.print(*row, style="dim", highlight=False)
            table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
