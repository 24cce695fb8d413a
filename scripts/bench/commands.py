"""What whole commands cost: the suite, a sweep, a comparison, a session of pytest."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import PAIRS, SIMBENCH, Row, command_rows, spent
from workloads import PLATFORM

from simbench.exports import json as json_export
from simbench.result.stored import read_run

_GATE = Path(__file__).resolve().parents[2] / "examples" / "gate"


def suite() -> Iterator[Row]:
    """The command a user types, everything built: simulated, and again with what is kept."""
    command = [*SIMBENCH, "run", "--platform", PLATFORM]
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "SIMBENCH_CACHE": folder}
        spent(command, environment)  # keeps it
        yield from command_rows("suite, simulated", [*command, "--no-cache"], environment)
        yield from command_rows("suite, from the store", command, environment)


def sweep() -> Iterator[Row]:
    """A study of 10,000 points on one stored run, by what it writes."""
    axes = ("clock_hz=40MHz..139MHz:1MHz", "memories.flash.wait_states=0..9")
    energy = "energy.clock=100pJ..109pJ:1pJ"
    command = [*SIMBENCH, "sweep", "--platform", PLATFORM, "--benchmark", "kws"]
    command += [word for axis in (*axes, energy) for word in ("--set", axis)]
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "SIMBENCH_CACHE": folder}
        for form in ("csv", "parquet", "html"):
            words = [*command, f"--{form}", str(Path(folder) / f"points.{form}")]
            spent(words, environment)  # the first simulates
            yield from command_rows(f"10,000 points to {form}", words, environment)


def plugin() -> Iterator[Row]:
    """A pytest session of one empty test that does not use the plugin, with and without it."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
        without = [*command, "-p", "no:simbench"]
        pairs = [(spent(without).cpu_s, spent(command).cpu_s) for _ in range(PAIRS)]
    ratio = statistics.median(loaded / bare for bare, loaded in pairs)
    how = f"of a session of {statistics.median(bare for bare, _ in pairs) * 1e3:.0f} ms"
    yield Row("pytest with the plugin, not used / without", ratio, how)


def compare() -> Iterator[Row]:
    """Two stored results of 200 entries, every one changed."""
    stored = read_run(_GATE / "new.json")
    with TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("base.json", "new.json")]
        for file, source in zip(files, ("baseline.json", "new.json"), strict=True):
            results = read_run(_GATE / source).results
            many = (replace(r, id=f"{r.id}-{n}") for r in results for n in range(100))
            file.write_text(json_export.render(replace(stored, results=tuple(many))))
        yield from command_rows("compare of 200 entries", [*SIMBENCH, "compare", *map(str, files)])
