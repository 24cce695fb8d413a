"""How the bench measures: ratios and counts, which a noisy machine says as a quiet one does.

What takes time is told in *starts*: how many starts of Python with NumPy, measured in turn with it,
take as much CPU time. Seconds are only in the words beside a number.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

SIMBENCH = [sys.executable, "-m", "simbench.cli.main"]
PAIRS = 7
_START = [sys.executable, "-c", "import numpy"]
_ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
# what is spawned from a large process has that one's memory as its own peak, from a small one not
_SMALL_PARENT = """
import json, os, sys, time
start = time.perf_counter()
child = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(child, 0)
seconds = time.perf_counter() - start
print(json.dumps([used.ru_utime + used.ru_stime, seconds, used.ru_maxrss * 1024]), file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number: a ratio or a count. ``how`` says in words what it is of."""

    name: str
    value: float
    how: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a command took, with all that it started: CPU time, wall time, the most memory."""

    cpu_s: float
    wall_s: float
    peak_bytes: int


def spent(command: Sequence[str], environment: Mapping[str, str] = _ENVIRONMENT) -> Spent:
    """What ``command`` takes. Raises CalledProcessError where it fails."""
    small = [sys.executable, "-I", "-S", "-c", _SMALL_PARENT, *command]
    done = subprocess.run(small, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return Spent(*json.loads(done.stderr.splitlines()[-1]))


def command_rows(
    name: str, command: Sequence[str], environment: Mapping[str, str] = _ENVIRONMENT
) -> Iterator[Row]:
    """The CPU time and the memory of ``command``, in those of a start."""
    pairs = [(spent(command, environment), spent(_START)) for _ in range(PAIRS)]
    cpu = statistics.median(run.cpu_s / start.cpu_s for run, start in pairs)
    memory = statistics.median(run.peak_bytes / start.peak_bytes for run, start in pairs)
    cpu_s, wall_s = (
        statistics.median(getattr(r, n) for r, _ in pairs) for n in ("cpu_s", "wall_s")
    )
    peak = max(run.peak_bytes for run, _ in pairs) / 2**20
    yield Row(f"{name}, in starts", cpu, f"{cpu_s:.2f} s of CPU time, {wall_s:.2f} s")
    yield Row(f"{name}, memory in starts", memory, f"peak {peak:.0f} MiB")


def work_row(name: str, work: Callable[[], object], how: str) -> Row:
    """The CPU time of ``work``, which is of this process and of those it starts, in starts."""
    pairs = [(cpu_s(work), spent(_START).cpu_s) for _ in range(PAIRS)]
    ratio = statistics.median(ours / start for ours, start in pairs)
    each = statistics.median(ours for ours, _ in pairs)
    return Row(f"{name}, in starts", ratio, f"{each * 1e3:.3g} ms of CPU time; {how}")


def cpu_s(work: Callable[[], object]) -> float:
    """CPU time of ``work``, in seconds."""
    before = _cpu_s()
    work()
    return _cpu_s() - before


def _cpu_s() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def printed(command: Sequence[str]) -> str:
    """What ``command`` prints. Raises CalledProcessError where it fails."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
