"""The quick check: tests that are not marked, on a machine without emulator, firmware and browser.

A test says by a marker what else it needs; ``--quick`` leaves those out. A marker that is missing
cannot stay so: there the programs of ``NEEDED`` are stand-ins that refuse, no firmware is built,
and a test that calls a stand-in fails, with the marker to give it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simbench.files.paths import build_dir

MARKERS = {
    "emulator": "runs firmware on an emulator",
    "image": "reads or builds a firmware image, or uses the Arm compiler's tools",
    "browser": "looks at a page in a browser",
    "tool": "runs a program that make setup installs for tests alone",
}
"""Marker to what a test of that marker does."""

_ARM = (
    "addr2line", "ar", "as", "c++filt", "g++", "gcc", "ld", "nm", "objcopy", "objdump", "readelf",
    "size", "strip",
)  # fmt: skip
NEEDED: Mapping[str, tuple[str, ...]] = {
    "emulator": ("qemu-system-arm", "renode"),
    "image": (*(f"arm-none-eabi-{name}" for name in _ARM), "clang", "cmake"),
    "browser": ("chromium",),
    "tool": ("callgrind_annotate", "espeak-ng", "gh", "llvm-mca"),
}
"""Marker to the programs that only its tests may run."""
_BUILT = ("firmware", "plugin", "second-qemu", "newest-qemu")
_STAND_IN = """#!/bin/sh
echo "a test without the marker '{marker}' runs {program}" | tee -a '{calls}' >&2
exit 1
"""


@dataclass(frozen=True, slots=True)
class Bare:
    """A folder that hides what a quick check does without, and hears what was called."""

    calls: Path

    def complaints(self) -> str:
        """What was called since the last question, a line each."""
        said = self.calls.read_text()
        self.calls.write_text("")
        return said


def make_bare(folder: Path) -> Bare:
    """Hide the programs of ``NEEDED`` and all that was built from this process on."""
    bare = Bare(folder / "calls")
    bare.calls.touch()
    programs = folder / "bin"
    programs.mkdir()
    for marker, names in NEEDED.items():
        for name in names:
            stand_in = programs / name
            stand_in.write_text(
                _STAND_IN.format(marker=marker, program=name, calls=bare.calls.resolve())
            )
            stand_in.chmod(0o755)
    os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
    for name in ("SIMBENCH_QEMU", "SIMBENCH_RENODE"):
        os.environ.pop(name, None)
    os.environ["SIMBENCH_BUILD_DIR"] = str(_without_firmware(folder / "build"))
    return bare


def _without_firmware(folder: Path) -> Path:
    """A build folder that has all of this machine's but the firmware and what counts in QEMU."""
    folder.mkdir()
    own = build_dir().resolve()
    (own / "verifier").mkdir(parents=True, exist_ok=True)  # so that it is kept where it is made
    for entry in own.iterdir():
        if entry.name not in _BUILT:
            (folder / entry.name).symlink_to(entry)
    return folder
