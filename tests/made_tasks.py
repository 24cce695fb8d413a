"""What tests of kept things share: tasks of another kind, and stand-ins that must not be called."""

from __future__ import annotations

import pytest

from simbench.backends import Board, LaunchSpec
from simbench.backends.qemu.backend import QemuBackend
from simbench.firmware.section import Section
from simbench.task.tasks import ElfTask, ModelTask


class NoEmulator(QemuBackend):
    """QEMU, for those who need none."""

    def launch(self, spec: LaunchSpec) -> Board:
        raise AssertionError(f"an emulator is started on {spec.machine}")


def unexpected(*_: object) -> None:
    pytest.fail("this was made before")


def as_elf(task: ModelTask, section: Section | None = None) -> ElfTask:
    """The image of ``task`` as if it were a user's own."""
    scenario, platform, benchmark = task.scenario, task.platform, task.benchmark
    inputs = task.inputs[:1]
    return ElfTask(scenario, platform, benchmark, task.image, task.machine, section, inputs)
