"""The error of the model: published images as they are, each with what the model made of it.

The images are in no package, so ``platforms/exact.csv`` keeps what came of them; ``simbench
validate --firmware`` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from simbench.files.paths import data_dir
from simbench.validation.facts import read_facts, render_facts

INTEGER = "int8"
NINE_IN_TEN = 0.9
_ENOUGH = 4


@dataclass(frozen=True, slots=True)
class ExactResult:
    """A published image on its board: measured ``cycles``, and the ``modelled`` with their range.

    ``arithmetic`` is "int8" or "float32". ``blind`` is whether no effect of the core was looked for
    in rows of the board.
    """

    round: str
    submitter: str
    system: str
    platform: str
    core: str
    benchmark: str
    arithmetic: str
    blind: bool
    cycles: int
    modelled: int
    lower: int
    upper: int
    energy_j: float | None
    modelled_energy_j: float | None

    @property
    def error(self) -> float:
        """(model - silicon) / silicon, of cycles."""
        return self.modelled / self.cycles - 1

    @property
    def energy_error(self) -> float | None:
        """The same of energy; None where it is not measured or not modelled."""
        if self.energy_j is None or self.modelled_energy_j is None:
            return None
        return self.modelled_energy_j / self.energy_j - 1

    @property
    def covered(self) -> bool:
        """Whether the range of the cycles holds what was measured."""
        return self.lower <= self.cycles <= self.upper


@dataclass(frozen=True, slots=True)
class ExactFigures:
    """Errors over ``rows`` results, at least one; fractions. ``within`` is what nine in ten of them
    stay within."""

    rows: int
    mean_abs_error: float
    max_abs_error: float
    within: float
    covered: float


def figures(results: Iterable[ExactResult]) -> ExactFigures | None:
    """The figures over ``results``, None where there are none."""
    listed = list(results)
    if not listed:
        return None
    errors = [abs(result.error) for result in listed]
    return ExactFigures(
        rows=len(listed),
        mean_abs_error=fmean(errors),
        max_abs_error=max(errors),
        within=float(np.quantile(errors, NINE_IN_TEN)),
        covered=fmean(result.covered for result in listed),
    )


def integers(results: Iterable[ExactResult]) -> list[ExactResult]:
    """The results of int8 networks, which the figures are of."""
    return [result for result in results if result.arithmetic == INTEGER]


def exact_residuals(results: Sequence[ExactResult]) -> dict[str, float]:
    """The error of cycles that nine in ten results stay within, by board, core and "elsewhere".

    A board's is that of the other boards: those of its core where they have enough results, else
    all of them; a board without results has its core's.
    """
    known = integers(results)
    found = {"elsewhere": _within(known)}
    for core in sorted({result.core for result in known}):
        found[core] = _within([result for result in known if result.core == core])
    for board in sorted({result.platform for result in known}):
        others = [result for result in known if result.platform != board]
        core = next(result.core for result in known if result.platform == board)
        alike = [result for result in others if result.core == core]
        found[board] = _within(alike if len(alike) >= _ENOUGH else others or known)
    return found


def kept_results(path: Path | None = None) -> tuple[ExactResult, ...]:
    """What is kept in ``path``, by default the built-in file.

    Raises UsageError naming file and line.
    """
    return read_facts(path or data_dir("platforms") / "exact.csv", _read)


def render_exact(results: Iterable[ExactResult]) -> str:
    """The file of kept results."""
    return render_facts(ExactResult, map(_cells, results))


def _cells(result: ExactResult) -> Mapping[str, object]:
    energies = {"energy_j": result.energy_j, "modelled_energy_j": result.modelled_energy_j}
    shown = {name: None if value is None else f"{value:.4g}" for name, value in energies.items()}
    return asdict(result) | shown


def _within(results: Sequence[ExactResult]) -> float:
    found = figures(results)
    assert found is not None  # there is a result
    return found.within


def _read(cells: Mapping[str, str]) -> ExactResult:
    return ExactResult(
        round=cells["round"],
        submitter=cells["submitter"],
        system=cells["system"],
        platform=cells["platform"],
        core=cells["core"],
        benchmark=cells["benchmark"],
        arithmetic=cells["arithmetic"],
        blind={"yes": True, "no": False}[cells["blind"]],
        cycles=int(cells["cycles"]),
        modelled=int(cells["modelled"]),
        lower=int(cells["lower"]),
        upper=int(cells["upper"]),
        energy_j=float(cells["energy_j"]) if cells["energy_j"] else None,
        modelled_energy_j=(
            float(cells["modelled_energy_j"]) if cells["modelled_energy_j"] else None
        ),
    )
