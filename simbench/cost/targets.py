"""Targets that differ in their numbers alone, and these numbers as arrays over them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import ENERGY_GROUPS, Energy, Memory
from simbench.catalog.platforms import Whole as MeasuredWhole
from simbench.cost.bounds import Bounds, of
from simbench.cost.cores.core import Core
from simbench.cost.cores.pipelines import CORES_KEPT, pipeline
from simbench.cost.features import pace
from simbench.cost.target import Target
from simbench.files.datafile import Quantity


@dataclass(frozen=True, eq=False, slots=True)
class CoreNumbers:
    """What a core takes beyond its runs of instructions, a row for each target.

    ``pipeline`` has (rows, 3) by parameter, ``refills`` is (rows, kinds, 2, 3), as a pipeline's.
    """

    pipeline: Mapping[str, Bounds]
    refills: NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class EnergyNumbers:
    """As :class:`~simbench.catalog.platforms.Energy`, each number (rows, 3)."""

    static_w: Bounds
    clock_j: Bounds
    instruction_j: Mapping[str, Bounds]
    access_j: Mapping[str, Bounds]
    line_j: Mapping[str, Bounds]
    whole: Whole | None


@dataclass(frozen=True, eq=False, slots=True)
class Whole:
    """As :class:`~simbench.catalog.platforms.Whole`: (rows, 3), and (rows,) each."""

    cycle_j: Bounds
    executing: NDArray[np.float64]
    words: NDArray[np.float64]
    reads: NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Numbers:
    """The numbers of targets of one structure: a row for each, or one row where all are the same.

    ``off`` is :attr:`Target.off`.
    """

    clock_hz: NDArray[np.float64]
    off: NDArray[np.float64]
    wait_states: Mapping[str, Bounds]
    core: CoreNumbers
    energy: EnergyNumbers | None


def structure(target: Target) -> Hashable:
    """Equal for two targets with the same memories, caches, placement and pace of instructions.

    What is asked of the two is then the same.
    """
    platform = target.platform
    memories = tuple(_shape(memory) for memory in platform.memories.values())
    placement = tuple(platform.placement.items())
    energy = platform.energy
    known = (energy is None, energy is None or energy.whole is None)
    return memories, placement, known, pace(target.core)


def _shape(memory: Memory) -> Hashable:
    caches = (memory.instruction_cache, memory.data_cache)
    return memory.name, memory.width_bytes, memory.prefetch, caches


def numbers(targets: Sequence[Target]) -> Numbers:
    """The numbers of ``targets``, which are of one structure."""
    platforms = [target.platform for target in targets]
    names = platforms[0].memories
    energies = [p.energy for p in platforms if p.energy is not None]
    return Numbers(
        clock_hz=np.array([platform.clock_hz for platform in platforms]),
        off=np.array([target.off for target in targets]),
        wait_states={
            name: _rows(p.memories[name].wait_states for p in platforms) for name in names
        },
        core=_core_numbers([target.core for target in targets]),
        energy=_energy_numbers(energies, names) if energies else None,
    )


def _rows(quantities: Iterable[Quantity]) -> Bounds:
    """(rows, 3); one row if all are the same."""
    listed = list(quantities)
    first = listed[0]
    if all(quantity is first for quantity in listed):
        listed = [first]
    return np.array([(q.value, q.lower, q.upper) for q in listed], np.float64)


def _core_numbers(cores: Sequence[Core]) -> CoreNumbers:
    distinct = {core: _one_core(core) for core in cores}
    if len(distinct) == 1:
        return distinct[cores[0]]
    found = [distinct[core] for core in cores]
    return CoreNumbers(
        {n: np.concatenate([each.pipeline[n] for each in found]) for n in found[0].pipeline},
        np.concatenate([each.refills for each in found]),
    )


@lru_cache(maxsize=CORES_KEPT)
def _one_core(core: Core) -> CoreNumbers:
    return CoreNumbers(
        {name: of(quantity)[np.newaxis] for name, quantity in core.pipeline.items()},
        pipeline(core).refills()[np.newaxis],
    )


def _energy_numbers(energies: Sequence[Energy], memories: Iterable[str]) -> EnergyNumbers:
    return EnergyNumbers(
        static_w=_rows(e.static_w for e in energies),
        clock_j=_rows(e.clock_j for e in energies),
        instruction_j={g: _rows(e.instruction_j[g] for e in energies) for g in ENERGY_GROUPS},
        access_j={name: _rows(e.access_j[name] for e in energies) for name in memories},
        line_j={name: _rows(e.line_j[name] for e in energies) for name in memories},
        whole=_whole([e.whole for e in energies if e.whole is not None]),
    )


def _whole(wholes: Sequence[MeasuredWhole]) -> Whole | None:
    if not wholes:
        return None
    return Whole(
        cycle_j=_rows(whole.cycle_j for whole in wholes),
        executing=np.array([whole.executing for whole in wholes]),
        words=np.array([whole.words for whole in wholes]),
        reads=np.array([whole.reads for whole in wholes]),
    )
