"""Measure what simbench promises about itself, and print a table. Nothing here is a test.

Ratios are of pairs measured side by side in this run, medians of several: targets are noisy.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from simbench.accuracy.judge import board_outputs
from simbench.backends import Backend, LaunchSpec, backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import Platform, load_platform
from simbench.catalog.scenario import DEFAULT_KERNELS, Scenario
from simbench.cost.cores.core import Core, load_core
from simbench.cost.points import price_points
from simbench.cost.price import estimate
from simbench.cost.residuals import load_target
from simbench.exports import json as json_export
from simbench.files.datafile import Quantity
from simbench.files.paths import build_dir
from simbench.firmware.build import KERNELS
from simbench.hardware.serial_board import SerialBoard
from simbench.isa.instruction import InstructionClass
from simbench.models.recall import data_outputs
from simbench.profiles.attribution import frames
from simbench.profiles.functions import functions_of
from simbench.result.stored import read_run
from simbench.runs.runner import run_task
from simbench.session.conversation import Conversation, Patience, converse
from simbench.session.measure import launch_spec, measure
from simbench.task.inputs import benchmark_inputs
from simbench.task.tasks import DEFAULT_SAMPLES, Task, suite_task

PLATFORM = "stm32f4"
GATE = Path(__file__).resolve().parent.parent / "examples" / "gate"
SECOND_QEMU = build_dir() / "second-qemu" / "qemu-system-arm"
PAIRS = 7
RUNS = 100
SIMBENCH = [sys.executable, "-m", "simbench.cli.main"]
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
        price = partial(estimate, counts, counts.inference, load_target(task.platform))
        price()
        each = [_seconds(price) for _ in range(20)]
        yield (
            f"pricing {task.scenario.benchmark}",
            f"{statistics.median(each) * 1e3:.1f} ms",
            "a run",
        )


def what_if(emulator: Backend) -> Iterator[Row]:
    """One stored run priced on many targets, on other cores, and split over functions."""
    task = next(task for task in tasks(DEFAULT_KERNELS, 1) if task.scenario.benchmark == "kws")
    counts = measure(task, emulator).counts
    board, core = task.platform, load_core(task.platform.core)
    price_points(counts, counts.inference, [load_target(board, core)])
    for what, values in (
        ("clocks", [(waits, hertz) for waits in range(10) for hertz in range(1, 1001)]),
        ("clocks and wait states", [(n / 1000, n + 1) for n in range(10_000)]),
    ):
        targets = [
            load_target(_with_flash(board, waits, 1e6 + hertz), core) for waits, hertz in values
        ]
        took = _seconds(partial(price_points, counts, counts.inference, targets))
        distinct = len({waits for waits, _ in values})
        how = f"{len(targets):,} targets, {distinct:,} different wait states of flash"
        yield f"pricing many {what}", f"{len(targets) / took:,.0f} /s", how
    cores = [_slower_divide(core, cycles) for cycles in range(13, 23)]
    others = [load_target(board, each) for each in cores]
    took = _seconds(lambda: price_points(counts, counts.inference, others))
    yield "pricing another core", f"{took / len(cores) * 1e3:.0f} ms", f"each of {len(cores)}"
    functions = functions_of(task.image, counts.blocks)
    split = partial(frames, counts, counts.layers, functions, load_target(board, core))
    took = statistics.median(_seconds(split) for _ in range(10))
    yield "functions by layer", f"{took * 1e3:.0f} ms", f"{len(counts.layers)} layers"


def _with_flash(board: Platform, waits: float, clock_hz: float) -> Platform:
    flash = replace(board.memories["flash"], wait_states=Quantity(waits, waits, waits, None))
    return replace(board, clock_hz=clock_hz, memories={**board.memories, "flash": flash})


def _slower_divide(core: Core, cycles: float) -> Core:
    divide = Quantity(cycles, cycles, cycles, None)
    return replace(core, cycles={**core.cycles, InstructionClass.DIVIDE: divide})


def sweeping() -> Iterator[Row]:
    """A study of 10,000 points on one stored run: the whole command, by what it writes."""
    axes = ("clock_hz=40MHz..139MHz:1MHz", "memories.flash.wait_states=0..9")
    energy = "energy.clock=100pJ..109pJ:1pJ"
    command = ["sweep", "--platform", PLATFORM, "--benchmark", "kws"]
    command += [word for axis in (*axes, energy) for word in ("--set", axis)]
    with TemporaryDirectory() as folder:
        for what in ("csv", "parquet", "html"):
            words = [*command, f"--{what}", str(Path(folder) / f"points.{what}")]
            took, peak = zip(*(_timed(words) for _ in range(4)), strict=True)
            size = (Path(folder) / f"points.{what}").stat().st_size / 1e6
            seconds = statistics.median(took[1:])  # the first may simulate
            how = f"{10_000 / seconds:,.0f} points/s, {size:.1f} MB, peak {max(peak):.0f} MiB"
            yield f"sweep, 10,000 points to {what}", f"{seconds:.2f} s", how


def _timed(words: list[str]) -> tuple[float, float]:
    """Seconds of the whole command, and the most memory it took, in MiB."""
    code = (
        "import resource, sys; from simbench.cli.main import _run; _run(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    return time.perf_counter() - start, float(done.stderr.splitlines()[-1])


def suite() -> Iterator[Row]:
    """The command a user types, everything built: simulated, and again with stored counts."""
    command = [*SIMBENCH, "run", "--platform", PLATFORM]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SIMBENCH_CACHE": folder}

        def run(*options: str) -> float:
            words = [*command, *options]
            return _seconds(
                lambda: subprocess.run(words, env=environment, capture_output=True, check=True)
            )

        run()
        for title, options in ((" --no-cache", ["--no-cache"]), (", again", [])):
            times = [run(*options) for _ in range(5)]
            spread = f"{min(times):.2f} to {max(times):.2f} s on {os.cpu_count()} cores"
            what = f"simbench run --platform {PLATFORM}{title}"
            yield what, f"{statistics.median(times):.2f} s", spread


def same_fingerprint() -> Iterator[Row]:
    """Whole runs again and again, two at a time, the emulator started anew in each."""
    command = [*SIMBENCH, "run", "--platform", PLATFORM, "--benchmark", "ad", "--samples", "1"]
    with ThreadPoolExecutor(max_workers=2) as pool:
        printed = pool.map(lambda _: _printed([*command, "--no-cache", "--json", "-"]), range(RUNS))
        marks = {json.loads(text)["fingerprint"] for text in printed}
    verdict = "identical" if len(marks) == 1 else f"DIFFERENT: {len(marks)}"
    yield f"fingerprint of {RUNS} runs", verdict, f"two at a time: {min(marks)[:12]}..."


def judging(emulator: Backend) -> Iterator[Row]:
    """A thousand inferences of keyword spotting, every output the firmware's own or the host's."""
    task = next(task for task in tasks(DEFAULT_KERNELS, 1) if task.scenario.benchmark == "kws")
    model = task.model
    assert model is not None
    inputs = benchmark_inputs(task.benchmark, model, 1000)
    tensors = [given.tensor for given in inputs]
    what = f"{len(inputs):,} inferences of kws"
    how = f"on {os.cpu_count()} cores, {len(inputs[0].wire)} bytes each, booting included"
    answers: list[tuple[bytes, ...]] = []
    took = _seconds(lambda: answers.append(board_outputs(task, emulator, inputs, None)))
    yield f"{what} on the emulator", f"{took:.1f} s", how
    took = _seconds(lambda: answers.append(data_outputs("kws", model, "", tensors, None).outputs))
    same = "all outputs equal" if answers[0] == answers[1] else "OUTPUTS DIFFER"
    yield f"{what} on the host", f"{took:.1f} s", same


def plugin() -> Iterator[Row]:
    """A pytest session of one empty test that does not use the plugin, with and without it."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
        pairs = [
            (
                _seconds(lambda: _printed([*command, "-p", "no:simbench"])),
                _seconds(lambda: _printed(command)),
            )
            for _ in range(PAIRS)
        ]
    added = statistics.median(loaded - without for without, loaded in pairs)
    base = statistics.median(without for without, _ in pairs)
    yield "pytest plugin, not used", f"{added * 1e3:.0f} ms", f"of a session of {base * 1e3:.0f} ms"


def serving(emulator: Backend) -> Iterator[Row]:
    """Latencies as a client of a served board reads them, and how fast it answers."""
    for task in tasks(DEFAULT_KERNELS, 1):
        counts = measure(task, emulator).counts
        target = load_target(task.platform)
        modelled_us = 1e6 * estimate(counts, counts.inference, target).time_s.value
        with _served(task) as port, SerialBoard(port, 115_200) as board:
            board.wake()
            talk = Conversation(board, Patience(), counted=False, is_up=True)
            talk.load(task.inputs[0].wire)
            began, ended = talk.infer().laps_us
            took = _seconds(partial(_identify, talk, 50))
        off = f"{ended - began - modelled_us:+.2f} us"
        how = f"of {modelled_us:,.1f} us; {100 / took:,.0f} commands/s"
        yield f"served latency of {task.scenario.benchmark}", off, how


def _identify(talk: Conversation, times: int) -> None:
    """Two commands each."""
    for _ in range(times):
        talk.identify()


@contextlib.contextmanager
def _served(task: Task) -> Iterator[str]:
    """The terminal of ``task``, served as fast as it goes."""
    words = ["serve", "--platform", PLATFORM, "--benchmark", task.scenario.benchmark]
    command = [*SIMBENCH, *words, "--pace", "fast"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def comparing() -> Iterator[Row]:
    """Two stored results of 200 entries, the whole command."""
    stored = read_run(GATE / "new.json")
    with TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("base.json", "new.json")]
        for file, source in zip(files, ("baseline.json", "new.json"), strict=True):
            results = read_run(GATE / source).results
            many = (replace(r, id=f"{r.id}-{n}") for r in results for n in range(100))
            file.write_text(json_export.render(replace(stored, results=tuple(many))))
        command = [*SIMBENCH, "compare", *map(str, files)]
        times = [_seconds(lambda: _printed(command)) for _ in range(PAIRS)]
    yield "compare, 200 entries", f"{statistics.median(times):.2f} s", "every entry changed"


def _printed(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


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
        what_if(emulator),
        sweeping(),
        suite(),
        same_fingerprint(),
        judging(emulator),
        plugin(),
        serving(emulator),
        comparing(),
    ):
        for row in part:
            console.print(*row, style="dim", highlight=False)
            table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
