"""The published firmware itself: the very images that were measured, run as they are and priced.

Same instructions, same layout, same board: what differs from the published cycles is the model's.
The images are their owners' and in no package; the rows of ``platforms/firmware.csv`` are facts.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from simbench.backends import Backend
from simbench.catalog.benchmarks import Benchmark
from simbench.catalog.platforms import Cache, Memory, Platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.cost.price import Price, estimate
from simbench.cost.residuals import load_target
from simbench.errors import InfrastructureError, NothingRun, UsageError
from simbench.files.fetch import Progress, quiet
from simbench.files.paths import data_dir
from simbench.firmware.section import Section
from simbench.session.observe import observe
from simbench.store import Store
from simbench.task.inputs import Input
from simbench.task.own import own_image
from simbench.task.tasks import ElfTask
from simbench.validation.exact import ExactResult
from simbench.validation.facts import read_facts

KERNELS = "published"
WIRE_BYTES: Mapping[str, int] = {"ad": 2560, "ic": 3072, "kws": 490, "vww": 27648}
"""What the official runner sends for one inference: ad as float32, the others as bytes."""
_YES: Mapping[str, bool] = {"yes": True, "no": False}
_SEED = 2026
_TIME_LIMIT_S = 40.0


@dataclass(frozen=True, slots=True)
class FirmwareRow:
    """A published image with its published result.

    ``image`` is its path in a checkout of the results, ``base`` where a .bin belongs. The inference
    is from ``begin`` to ``end``. ``flash_width_bytes`` is how wide the submission sets the flash
    up, by an option that is in no image, where that is not as the platform's file says. ``blind``
    is whether no effect of the core was looked for in rows of the board.
    """

    round: str
    submitter: str
    system: str
    platform: str
    benchmark: str
    arithmetic: str
    image: str
    sha256: str
    base: int | None
    begin: int
    end: int
    cycles: int
    energy_j: float | None
    supply_v: float | None
    regulator: str
    flash_width_bytes: int | None
    blind: bool
    stack: str
    source: str

    @property
    def name(self) -> str:
        """A name in words."""
        return f"{self.submitter} {self.round} {self.system} {self.benchmark}"


def firmware_rows(path: Path | None = None) -> tuple[FirmwareRow, ...]:
    """The rows of ``path``, by default the built-in ones.

    Raises UsageError naming file and line.
    """
    return read_facts(path or data_dir("platforms") / "firmware.csv", _row)


def found_images(rows: Iterable[FirmwareRow], folder: Path) -> dict[FirmwareRow, Path]:
    """The images of ``rows`` in ``folder``, one checkout or several side by side, by their hash.

    Raises UsageError for no folder, and NothingRun where it has none of them.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder: give a checkout of published results")
    roots = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    found = {}
    for row in rows:
        path = next((root / row.image for root in roots if _is_it(root / row.image, row)), None)
        if path is not None:
            found[row] = path
    if not found:
        raise NothingRun(
            f"{folder} has none of the published images: check out a tiny_results repository whole"
        )
    return found


def validate_firmware(
    found: Mapping[FirmwareRow, Path],
    platforms: Mapping[str, Platform],
    benchmarks: Mapping[str, Benchmark],
    backend: Backend,
    progress: Progress = quiet,
    store: Store | None = None,
) -> tuple[ExactResult, ...]:
    """Every image of ``found`` whose platform is in ``platforms``, run and priced.

    An image that does not run is said to ``progress``, and is no row.
    """
    tasks = {
        row: published_task(row, path, platforms[row.platform], benchmarks[row.benchmark])
        for row, path in found.items()
        if row.platform in platforms
    }

    def priced(row: FirmwareRow) -> ExactResult | None:
        task = tasks[row]
        try:
            seen = observe(task, backend, store)
        except InfrastructureError as error:
            progress(f"{row.name}: {error}")
            return None
        counts = seen.observation.counts
        price = estimate(counts, counts.inference, load_target(seen.task.platform))
        return _result(row, task.platform.core, price)

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return tuple(exact for exact in pool.map(priced, tasks) if exact is not None)


def _result(row: FirmwareRow, core: str, price: Price) -> ExactResult:
    cycles, energy = price.cycles, price.energy_j
    return ExactResult(
        round=row.round,
        submitter=row.submitter,
        system=row.system,
        platform=row.platform,
        core=core,
        benchmark=row.benchmark,
        arithmetic=row.arithmetic,
        blind=row.blind,
        cycles=row.cycles,
        modelled=round(cycles.value),
        lower=round(cycles.lower),
        upper=round(cycles.upper),
        energy_j=row.energy_j,
        modelled_energy_j=None if energy is None else energy.value,
    )


def published_task(
    row: FirmwareRow, path: Path, platform: Platform, benchmark: Benchmark
) -> ElfTask:
    """The task of a published image: sent an input of the official size, its second inference
    measured."""
    own = own_image(path, set_up(platform, row), row.base)
    return ElfTask(
        scenario=Scenario(benchmark.id, platform.id, Variant(KERNELS)),
        platform=own.platform,
        benchmark=benchmark,
        image=own.image,
        machine=f"the chip of {platform.id}",
        section=Section(row.begin, row.end, is_last=True),
        inputs=(_input(row.benchmark),),
        time_limit_s=_TIME_LIMIT_S,
        chip=own.board,
        blobs=own.blobs,
    )


def set_up(platform: Platform, row: FirmwareRow) -> Platform:
    """``platform`` with its flash as wide as the submission set it up."""
    width = row.flash_width_bytes
    if width is None:
        return platform
    flash = _widened(platform.memories["flash"], width)
    return replace(platform, memories={**platform.memories, "flash": flash})


def _widened(flash: Memory, width: int) -> Memory:
    """What a miss brings is what the flash gives at once."""

    def cache(known: Cache | None) -> Cache | None:
        return known and replace(known, sector_bytes=max(known.sector_bytes, width))

    return replace(
        flash,
        width_bytes=width,
        instruction_cache=cache(flash.instruction_cache),
        data_cache=cache(flash.data_cache),
    )


def _input(benchmark: str) -> Input:
    generator = np.random.default_rng(_SEED)
    size = WIRE_BYTES[benchmark]
    if benchmark == "ad":
        wire = generator.normal(-10.0, 10.0, size // 4).astype("<f4").tobytes()
    else:
        wire = generator.bytes(size)
    return Input("seeded, of the official size", wire, b"")


def _is_it(path: Path, row: FirmwareRow) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256


def _row(cells: Mapping[str, str]) -> FirmwareRow:
    return FirmwareRow(
        round=cells["round"],
        submitter=cells["submitter"],
        system=cells["system"],
        platform=cells["platform"],
        benchmark=cells["benchmark"],
        arithmetic=cells["arithmetic"],
        image=cells["image"],
        sha256=cells["sha256"],
        base=int(cells["base"], 16) if cells["base"] else None,
        begin=int(cells["begin"], 16),
        end=int(cells["end"], 16),
        cycles=int(cells["cycles"]),
        energy_j=float(cells["energy_uj"]) * 1e-6 if cells["energy_uj"] else None,
        supply_v=float(cells["supply_v"]) if cells["supply_v"] else None,
        regulator=cells["regulator"],
        flash_width_bytes=int(cells["flash_width"]) if cells["flash_width"] else None,
        blind=_YES[cells["blind"]],
        stack=cells["stack"],
        source=cells["source"],
    )
