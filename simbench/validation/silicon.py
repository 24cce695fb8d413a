"""Published measurements on real boards: facts, one row each, in ``platforms/silicon.csv``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from simbench.files.paths import data_dir
from simbench.validation.facts import read_facts

Number = TypeVar("Number", int, float)

LIKE = "like"
OTHER_STACK = "other-stack"
_OPTIMISED = re.compile(r"-O[23]\b")
_LIKE_STACKS = ("TFLM", "TFLite Micro", "microTVM")


@dataclass(frozen=True, slots=True)
class SiliconRow:
    """One published result of one benchmark on one board.

    ``platform`` is the one that models the board, empty for none. ``weights_in_ram`` is so where
    the submission says it. ``supply_v`` and ``regulator`` are None and empty where it does not.
    ``calibrates`` names what of the platform was derived from the row: "energy", or nothing.
    """

    round: str
    submitter: str
    board: str
    platform: str
    benchmark: str
    stack: str
    kernels: str
    compiler: str
    weights_in_ram: bool
    cycles: int
    energy_j: float | None
    supply_v: float | None
    regulator: str
    calibrates: str
    source: str
    note: str

    @property
    def likeness(self) -> str:
        """How comparable the row is.

        "like" where the same kernels were built for speed, under an interpreter or a compiler that
        leaves the layers as they are; all else is "other-stack".
        """
        same_kernels = "CMSIS-NN" in self.kernels and self.stack.startswith(_LIKE_STACKS)
        for_speed = _OPTIMISED.search(self.compiler) is not None
        return LIKE if same_kernels and for_speed else OTHER_STACK


def silicon_rows(path: Path | None = None) -> tuple[SiliconRow, ...]:
    """The rows of ``path``, by default the built-in ones, in order of the file.

    Raises UsageError naming file, line and what is wrong.
    """
    return read_facts(path or data_dir("platforms") / "silicon.csv", _row)


def _row(cells: Mapping[str, str]) -> SiliconRow:
    return SiliconRow(
        round=cells["round"],
        submitter=cells["submitter"],
        board=cells["board"],
        platform=cells["platform"],
        benchmark=cells["benchmark"],
        stack=cells["stack"],
        kernels=cells["kernels"],
        compiler=cells["compiler"],
        weights_in_ram={"ram": True, "flash": False}[cells["weights"]],
        cycles=_positive(int(cells["cycles"])),
        energy_j=_positive(float(cells["energy_uj"])) * 1e-6 if cells["energy_uj"] else None,
        supply_v=_positive(float(cells["supply_v"])) if cells["supply_v"] else None,
        regulator=cells["regulator"],
        calibrates=cells["calibrates"],
        source=cells["source"],
        note=cells["note"],
    )


def _positive(value: Number) -> Number:
    if not value > 0:
        raise ValueError(f"{value} is not a positive number")
    return value
