"""The QEMUs beside the installed one: those that scripts/other_qemus.sh unpacked, and any that was
put by hand at build/NAME-qemu/qemu-system-arm."""

from __future__ import annotations

import pytest

from simbench.files.paths import build_dir

_UNPACKED = ("second-qemu", "newest-qemu")
OTHERS = tuple(
    dict.fromkeys((*_UNPACKED, *(found.name for found in sorted(build_dir().glob("*-qemu")))))
)


def other_qemu(name: str) -> str:
    """The program of one of ``OTHERS``; skips the test where it is not there."""
    program = build_dir() / name / "qemu-system-arm"
    if not program.exists():
        pytest.skip(f"there is no {name}: 'make other-qemus' says why")
    return str(program)


def other_qemus() -> list[str]:
    """The programs that are there."""
    programs = (build_dir() / name / "qemu-system-arm" for name in OTHERS)
    return [str(program) for program in programs if program.exists()]
