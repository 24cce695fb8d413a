"""What must be the same every time: instructions, outputs, fingerprints."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from measuring import SIMBENCH, Row, printed
from workloads import PLATFORM, suite_tasks

from simbench.backends import backend
from simbench.files.paths import build_dir
from simbench.firmware.build import KERNELS
from simbench.runs.runner import run_task
from simbench.session.measure import measure
from simbench.task.tasks import DEFAULT_SAMPLES, ModelTask

_OTHER_QEMUS = ("second-qemu", "newest-qemu")
_RUNS = 100


def counts() -> Iterator[Row]:
    """Instructions of repeated runs, and of the other QEMUs that are there."""
    for task in suite_tasks():
        name = task.scenario.benchmark
        seen = [_instructions(task) for _ in range(3)]
        how = f"in {len(seen)} runs of QEMU {backend('qemu').version()}"
        for program in (build_dir() / other / "qemu-system-arm" for other in _OTHER_QEMUS):
            if not program.exists():
                continue
            with _other_qemu(program):
                seen.append(_instructions(task))
                how += f" and in QEMU {backend('qemu').version()}"
        yield Row(f"instructions of {name}", seen[0], how)
        yield Row(f"other instructions of {name}", len(set(seen)) - 1, f"0 is identical, {how}")


def parity() -> Iterator[Row]:
    """Outputs of every benchmark against the host, for each kernel set; and the arena of vww."""
    for kernels in KERNELS:
        tasks = suite_tasks(kernels, DEFAULT_SAMPLES)
        results = [run_task(task, backend("qemu")) for task in tasks]
        compared = [r.parity for r in results if r.parity is not None]
        wrong = sum(p.samples - p.exact for p in compared)
        how = f"of {sum(p.samples for p in compared)} of {len(compared)} benchmarks"
        yield Row(f"outputs not exact, {kernels}", wrong, how)
        vww = next(r for r in results if r.benchmark == "vww")
        assert vww.memory is not None
        assert vww.memory.arena_bytes is not None
        sram = vww.memory.memories["sram"]["size_bytes"]
        how = f"bytes of {sram:,} of SRAM: {vww.status}"
        yield Row(f"vww's arena, {kernels}", vww.memory.arena_bytes, how)


def fingerprint() -> Iterator[Row]:
    """Whole runs again and again, two at a time, the emulator started anew in each."""
    words = ["run", "--platform", PLATFORM, "--benchmark", "ad", "--samples", "1", "--no-cache"]
    command = [*SIMBENCH, *words, "--json", "-"]
    with ThreadPoolExecutor(max_workers=2) as pool:
        texts = pool.map(lambda _: printed(command), range(_RUNS))
        marks = {json.loads(text)["fingerprint"] for text in texts}
    how = f"0 is identical, in {_RUNS} runs, two at a time: {min(marks)[:12]}..."
    yield Row("other fingerprints of a run", len(marks) - 1, how)


def _instructions(task: ModelTask) -> int:
    found = measure(task, backend("qemu")).counts
    return found.instructions(found.inference)


@contextmanager
def _other_qemu(program: Path) -> Iterator[None]:
    before = os.environ.get("SIMBENCH_QEMU")
    os.environ["SIMBENCH_QEMU"] = str(program)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SIMBENCH_QEMU"]
        else:
            os.environ["SIMBENCH_QEMU"] = before
