"""Profiles of the keyword spotter, each measured once for all tests of a process."""

from __future__ import annotations

from functools import cache

from simbench.backends import backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import Platform, load_platform
from simbench.catalog.scenario import Scenario
from simbench.cost.residuals import load_target
from simbench.firmware.lines import source_lines
from simbench.profiles import Profile, build_profile
from simbench.session.measure import Observation, measure
from simbench.task.tasks import ModelTask, suite_task


@cache
def observed(platform: str, benchmark: str = "kws") -> tuple[ModelTask, Observation]:
    emulator, board = backend("qemu"), load_platform(platform)
    task = suite_task(
        Scenario(benchmark, platform),
        board,
        load_benchmarks()[benchmark],
        emulator.machine(board.core),
        1,
    )
    return task, measure(task, emulator)


@cache
def kws_profile(platform: str) -> Profile:
    return profile_on(platform, load_platform(platform))


def profile_on(measured: str, priced: Platform) -> Profile:
    """The counts of the platform ``measured``, priced as on another with its core."""
    task, seen = observed(measured)
    target = load_target(priced)
    return build_profile("kws", seen.counts, task.image, task.model, target, source_lines)
