"""Where a document comes from: the tool, the host, and all that decides a number."""

from __future__ import annotations

import platform as host
from collections.abc import Mapping, Sequence
from typing import Any

from simbench import __version__
from simbench.backends import Backend
from simbench.catalog.scenario import PINNED_TOOLCHAIN
from simbench.cost.residuals import load_target
from simbench.cost.target import price_settings
from simbench.firmware.toolchain import toolchain_version
from simbench.models.reference import reference_version
from simbench.result.notice import NOTICE
from simbench.result.sections import SECTIONS
from simbench.task.tasks import ElfTask, Task

TOOL: Mapping[str, str] = {"name": "simbench", "version": __version__}


def environment(
    emulator: Backend, toolchains: Sequence[str] = (PINNED_TOOLCHAIN,)
) -> dict[str, Any]:
    """The tools and the host that a result came from; ``toolchains`` by name."""
    versions = [toolchain_version(name) or name for name in toolchains]
    return {
        "emulator": emulator.name,
        "version": emulator.version(),
        "toolchain": "; ".join(versions),
        **host_facts(),
    }


def host_facts() -> dict[str, Any]:
    """What of the host a result came from, whatever it ran on."""
    return {
        "reference": reference_version(),
        "python": host.python_version(),
        "host": f"{host.system()} {host.machine()}",
        "notice": NOTICE,
    }


def settings(tasks: Sequence[Task], backend: str, samples: int) -> Mapping[str, object]:
    """Everything that changes a number and is not in a result itself."""
    targets = {task.platform.id: load_target(task.platform) for task in tasks}
    return {
        "backend": backend,
        "samples": samples,
        "seeds": {task.benchmark.id: task.benchmark.seed for task in tasks},
        **_sections(tasks),
        **price_settings(targets.values()),
    }


def _sections(tasks: Sequence[Task]) -> Mapping[str, Mapping[str, str]]:
    """What is measured of users' own ELFs, by result, where it is not their inference."""
    named = {
        task.scenario.id: task.section.text
        for task in tasks
        if isinstance(task, ElfTask) and task.section is not None
    }
    return {SECTIONS: named} if named else {}
