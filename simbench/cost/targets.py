"""Targets that differ in their numbers alone, and these numbers as arrays over them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.catalog.platforms import ENERGY_GROUPS, Energy, Memory, Platform
from simbench.cost.bounds import Bounds, of
from simbench.cost.cores.core import Core
from simbench.cost.cores.pipelines import CORES_KEPT, pipeline
from simbench.cost.features import pace
from simbench.cost.identity import content_sha256, digest, pricing_code_sha256
from simbench.files.datafile import Quantity


@dataclass(frozen=True, eq=False)
class Target:
    """What prices are of: a platform with its core. ``off`` is how far the model was from silicon
    there, a fraction; 0 leaves ranges to what the sources say."""

    platform: Platform
    core: Core
    off: float

    @cached_property
    def identity(self) -> Mapping[str, str]:
        """The hash of all that makes a price here: "platform", "core", "residual" and "code".

        Names and what is written for people (versions, titles, sources) are in none of them.
        """
        return {
            "platform": content_sha256(self.platform),
            "core": content_sha256(self.core),
            "residual": f"{self.off:g}",
            "code": pricing_code_sha256(),
        }

    @cached_property
    def source(self) -> str:
        """What its estimates name as their source, ending in the hash of :attr:`identity`."""
        platform, core = self.platform, self.core
        price = digest(self.identity)[:12]
        return f"{core.id} {core.version} on {platform.id} {platform.version}, price {price}"


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


def price_settings(targets: Iterable[Target]) -> dict[str, Mapping[str, Any]]:
    """What decides the prices of ``targets``, for a document's settings: labels, and hashes."""
    listed = list(targets)
    return {
        "platforms": {target.platform.id: target.platform.version for target in listed},
        "cores": {target.core.id: target.core.version for target in listed},
        "prices": {target.platform.id: dict(target.identity) for target in listed},
    }


def structure(target: Target) -> Hashable:
    """Equal for two targets with the same memories, caches, placement and pace of instructions.

    What is asked of the two is then the same.
    """
    platform = target.platform
    memories = tuple(_shape(memory) for memory in platform.memories.values())
    placement = tuple(platform.placement.items())
    return memories, placement, platform.energy is None, pace(target.core)


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
    )
