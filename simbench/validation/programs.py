"""Integer programs that others timed on silicon, built again and priced.

The sources are in no package, so ``platforms/programs.csv`` keeps what came of them;
``scripts/programs`` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from simbench.files.paths import data_dir
from simbench.validation.facts import read_facts, render_facts

_YES: Mapping[str, bool] = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """A program on its board: measured ``cycles``, and the ``modelled`` with their range.

    ``calls_library`` is whether what it executes depends on the C library it is linked with, which
    is not the one that was measured.
    """

    suite: str
    program: str
    board: str
    core: str
    calls_library: bool
    cycles: int
    modelled: int
    lower: int
    upper: int
    source: str

    @property
    def error(self) -> float:
        """(model - silicon) / silicon, of cycles."""
        return self.modelled / self.cycles - 1

    @property
    def covered(self) -> bool:
        """Whether the range of the cycles holds what was measured."""
        return self.lower <= self.cycles <= self.upper


def kept_programs(path: Path | None = None) -> tuple[ProgramResult, ...]:
    """What is kept in ``path``, by default the built-in file.

    Raises UsageError naming file and line.
    """
    return read_facts(path or data_dir("platforms") / "programs.csv", _read)


def render_programs(results: Iterable[ProgramResult]) -> str:
    """The file of kept results."""
    return render_facts(ProgramResult, map(asdict, results))


def _read(cells: Mapping[str, str]) -> ProgramResult:
    return ProgramResult(
        suite=cells["suite"],
        program=cells["program"],
        board=cells["board"],
        core=cells["core"],
        calls_library=_YES[cells["calls_library"]],
        cycles=int(cells["cycles"]),
        modelled=int(cells["modelled"]),
        lower=int(cells["lower"]),
        upper=int(cells["upper"]),
        source=cells["source"],
    )
