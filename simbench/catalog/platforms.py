"""Platforms: boards as data, one YAML file each, every number with its source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from pathlib import Path

from simbench.catalog.chips import Chip, chip_from
from simbench.catalog.chosen import called, chosen
from simbench.counts import CacheGeometry, Segment
from simbench.errors import UsageError
from simbench.files.datafile import Quantity, Table, read
from simbench.files.paths import data_dir, user_dirs

MEMORY_KINDS = ("flash", "sram", "ccm", "tcm", "external")
ENERGY_GROUPS = ("alu", "multiply", "divide", "load_store", "branch", "float", "other")
"""Groups of instructions that a platform gives an energy for."""
MAX_SECTORS = 16
_TABLES_KEPT = 1 << 12  # studies write values into a board's file, and leave most tables as read
PHASES = 4
_CLOCK = re.compile(r"\bat [\d.]+ MHz")
PLACED = (Segment.CODE, Segment.WEIGHTS, Segment.STATIC, Segment.ARENA)


@dataclass(frozen=True, slots=True)
class Cache:
    """An instruction or data cache (or accelerator) in front of a memory.

    A miss reads ``sector_bytes`` of a line. Without ``keeps_sequential``, lines that a prefetch has
    read ahead are not kept. Caches of one ``unit`` are one piece of hardware and share its lines.
    """

    name: str
    kind: str
    lines: int
    line_bytes: int
    ways: int
    sector_bytes: int
    keeps_sequential: bool = True
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory of a platform. ``wait_states`` are cycles beyond the first of an access that no
    cache answers; ``width_bytes`` is what one access brings; ``prefetch`` reads the next line
    ahead. Code cannot run from memory that is not ``executable``. Where the memory is seen a second
    time, ``alias`` is that address."""

    name: str
    kind: str
    address: int
    alias: int | None
    size_bytes: int
    width_bytes: int
    wait_states: Quantity
    executable: bool
    prefetch: bool
    instruction_cache: Cache | None
    data_cache: Cache | None

    def holds(self, address: int) -> bool:
        """Whether ``address`` is in this memory or its alias."""
        return self.free_from(address) is not None

    def free_from(self, address: int) -> int | None:
        """Bytes from ``address`` to the end of this memory or its alias; None outside both."""
        offset = self.offset_of(address)
        return None if offset is None else self.size_bytes - offset

    def offset_of(self, address: int) -> int | None:
        """Where in this memory ``address``, or its alias's, is; None outside both."""
        for start in (self.address, self.alias):
            if start is not None and start <= address < start + self.size_bytes:
                return address - start
        return None


@dataclass(frozen=True, slots=True)
class Whole:
    """What the parts of an energy were split from: ``cycle_j`` of a cycle of a measured code, which
    executes in ``executing`` of its cycles, moves ``words`` in one and reads past the caches
    ``reads`` times."""

    cycle_j: Quantity
    executing: float
    words: float
    reads: float


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of a platform at its supply and clock. In joules and watts.

    ``static_w`` flows whatever happens; ``clock_j`` is spent each cycle, stalled or not;
    ``instruction_j`` on top of it each cycle that an instruction of a group executes, stalls for
    memory apart; ``access_j`` by a word loaded or stored, and ``line_j`` by a read past the caches,
    by memory. Where there is a ``whole``, all of these together are as it says.
    """

    static_w: Quantity
    clock_j: Quantity
    instruction_j: Mapping[str, Quantity]
    access_j: Mapping[str, Quantity]
    line_j: Mapping[str, Quantity]
    whole: Whole | None = None


@dataclass(frozen=True, slots=True)
class Sleep:
    """How a board sleeps between inferences with all its RAM kept: the ``mode`` in words, and what
    it takes then, in amperes at the platform's supply."""

    mode: str
    current_a: Quantity


@dataclass(frozen=True, slots=True)
class Platform:
    """A board. ``version`` is a label for people.

    ``chip`` is what a firmware that is linked for the chip itself finds beside its memories.
    ``model_error`` says how the error of its estimates is known, or why it is not. Where
    ``energy`` is None, ``energy_reason`` says why it is not known. ``sleep`` is None where it is
    not known.
    """

    id: str
    version: str
    title: str
    core: str
    clock_hz: float
    supply_v: float
    memories: Mapping[str, Memory]
    placement: Mapping[Segment, str]
    energy: Energy | None
    model_error: str
    energy_reason: str | None = None
    chip: Chip | None = None
    sleep: Sleep | None = None

    @property
    def heading(self) -> str:
        """The title, with the clock that the board has: a copy of a file may have another."""
        return _CLOCK.sub(f"at {self.clock_hz / 1e6:g} MHz", self.title)

    def memory_of(self, segment: Segment) -> Memory:
        """The memory ``segment`` lives in. Accesses outside all segments count as static's."""
        placed = Segment.STATIC if segment is Segment.OTHER else segment
        return self.memories[self.placement[placed]]


def platform_caches(
    platform: Platform, *, linked_for_it: bool = False
) -> tuple[CacheGeometry, ...]:
    """The caches whose events a run must count to be priced on ``platform``.

    Where an image is not ``linked_for_it``, how its code lies in a cache's lines is not known: the
    instruction cache is then watched at several phases. Of a cache that may or may not keep what a
    prefetch read, both are watched.
    """
    caches: list[tuple[CacheGeometry, str]] = []
    phases = 1 if linked_for_it else PHASES
    fetching = (m.instruction_cache for m in platform.memories.values())
    units_of_code = {cache.unit for cache in fetching if cache is not None and cache.unit}
    for memory in platform.memories.values():
        placed = tuple(s for s in PLACED if platform.placement[s] == memory.name)
        if memory.instruction_cache is not None and Segment.CODE in placed:
            caches += _phases(memory.instruction_cache, (Segment.CODE,), phases)
        if memory.data_cache is not None and placed:
            with_code = memory.data_cache.unit in units_of_code
            caches += _phases(memory.data_cache, placed, phases if with_code else 1)
    return tuple(_sharing(caches))


def _phases(
    cache: Cache, segments: tuple[Segment, ...], phases: int
) -> Iterator[tuple[CacheGeometry, str]]:
    """The cache as it is watched, with its unit: once for each phase."""
    first = _geometry(cache, segments)
    for phase in range(0, cache.line_bytes, max(cache.line_bytes // phases, 4)):
        name = f"{cache.name}+{phase}" if phase else cache.name
        yield replace(first, name=name, phase_bytes=phase), cache.unit
    if not cache.keeps_sequential:
        yield replace(first, name=f"{cache.name}-all", keeps_sequential=True), ""


def _sharing(caches: Iterable[tuple[CacheGeometry, str]]) -> Iterator[CacheGeometry]:
    """The caches, those of one unit at one phase sharing the lines of the first."""
    owners: dict[tuple[str, int], str] = {}
    for cache, unit in caches:
        owner = owners.setdefault((unit, cache.phase_bytes), cache.name) if unit else cache.name
        yield replace(cache, shares="" if owner == cache.name else owner)


def _geometry(cache: Cache, segments: tuple[Segment, ...]) -> CacheGeometry:
    return CacheGeometry(
        cache.name,
        cache.kind,
        cache.lines,
        cache.line_bytes,
        cache.ways,
        segments,
        sector_bytes=cache.sector_bytes,
        keeps_sequential=cache.keeps_sequential,
    )


def _check_controls(top: Table, platform: Platform) -> None:
    registers = () if platform.chip is None else platform.chip.registers
    for register in registers:
        name = register.controls and register.controls.memory
        if name is not None and name not in platform.memories:
            where = top.table("chip").table("registers").table(register.name).table("controls")
            raise where.fail("memory", f"{name} is not one of {', '.join(platform.memories)}")


def platform_files(directories: Sequence[Path] = ()) -> dict[str, Path]:
    """Platform files by name: the built-in ones, and those of a user's ``directories``.

    Those of ``SIMBENCH_PATH`` are a user's too. A user's file goes before a built-in one of the
    same name.
    """
    files: dict[str, Path] = {}
    for directory in (data_dir("platforms"), *user_dirs("platforms"), *directories):
        if not directory.is_dir():
            raise UsageError(f"{directory} is not a folder of platform files")
        files.update({path.stem: path for path in sorted(directory.glob("*.yaml"))})
    return dict(sorted(files.items()))


def load_platform(name: str, directories: Sequence[Path] = ()) -> Platform:
    """The platform called ``name``, or in the user's file ``name`` where that ends in ".yaml".

    Raises UsageError for an unknown name, giving the nearest, or a file that is wrong.
    """
    return read_platform(platform_path(name, directories))


def platform_path(name: str, directories: Sequence[Path] = ()) -> Path:
    """The file of the platform called ``name``, in any case, or a user's that ends in ".yaml".

    Raises UsageError for an unknown name, saying what was meant.
    """
    if name.endswith(".yaml"):
        return Path(name)
    files = platform_files(directories)
    return files[called("platform", name, tuple(files))]


def platform_names(patterns: Iterable[str]) -> tuple[str, ...]:
    """Platforms by name, "all", a pattern ("stm32*") or a file, each once.

    Raises UsageError where there is none.
    """
    known = tuple(platform_files())
    names = (
        (pattern,) if pattern.endswith(".yaml") else chosen("platform", (pattern,), known)
        for pattern in patterns
    )
    return tuple(dict.fromkeys(name for found in names for name in found))


def read_platform(path: Path) -> Platform:
    """The platform in the file ``path``, checked.

    Raises UsageError naming file, line and key, and what is wrong.
    """
    return platform_from(read(path), path)


def platform_from(top: Table, path: Path) -> Platform:
    """The platform that the table ``top`` of the file ``path`` describes, checked likewise."""
    identifier = top.text("id")
    if identifier != path.stem:
        raise top.fail("id", f"{identifier} must be the file's name, {path.stem}")
    memories = _memories(top.table("memories"))
    _refuse_overlaps(top, memories)
    platform = Platform(
        id=identifier,
        version=top.text("version"),
        title=top.text("title"),
        core=top.text("core"),
        clock_hz=top.quantity("clock", "Hz", minimum=1e3, maximum=1e10).value,
        supply_v=top.quantity("supply", "V", minimum=0.5, maximum=6.0).value,
        memories=memories,
        placement=_placement(top.table("placement"), memories),
        energy=None if top.is_null("energy") else _energy(top.table("energy"), tuple(memories)),
        model_error=model_error_of(top),
        energy_reason=top.text("energy_reason") if top.is_null("energy") else None,
        chip=chip_from(top.table("chip")) if "chip" in top else None,
        sleep=_sleep(top.table("sleep")) if "sleep" in top else None,
    )
    _check_controls(top, platform)
    if "native" in top:  # in files of before: an emulator's machine, which nothing uses any more
        top.table("native")
    top.finish()
    return platform


def model_error_of(top: Table) -> str:
    """How the error of a platform's estimates is known. Files of before say "accuracy" for it."""
    return top.text("accuracy" if "accuracy" in top else "model_error")


def _memories(table: Table) -> dict[str, Memory]:
    return {name: _memory(table.table(name), name) for name in table}


@lru_cache(maxsize=_TABLES_KEPT)
def _memory(table: Table, name: str) -> Memory:
    kind = table.text("kind")
    if kind not in MEMORY_KINDS:
        raise table.fail("kind", f"{kind} is not one of {', '.join(MEMORY_KINDS)}")
    memory = Memory(
        name=name,
        kind=kind,
        address=table.integer("address", maximum=0xFFFFFFFF),
        alias=table.integer("alias", maximum=0xFFFFFFFF) if "alias" in table else None,
        size_bytes=table.integer("size", "bytes", minimum=1, maximum=1 << 32),
        width_bytes=table.integer("width", "bytes", minimum=1, maximum=64),
        wait_states=table.quantity("wait_states", maximum=1000),
        executable=table.flag("executable"),
        prefetch=table.flag("prefetch"),
        instruction_cache=_cache(table, "instruction", name),
        data_cache=_cache(table, "data", name),
    )
    if memory.address + memory.size_bytes > 1 << 32:
        raise table.fail("size", "reaches beyond the end of the address space")
    table.finish()
    return memory


def _cache(memory: Table, kind: str, name: str) -> Cache | None:
    key = f"{kind}_cache"
    return _cache_in(memory.table(key), kind, name) if key in memory else None


@lru_cache(maxsize=_TABLES_KEPT)
def _cache_in(table: Table, kind: str, name: str) -> Cache:
    lines = table.integer("lines", minimum=1, maximum=65534)
    line_bytes = table.integer("line", "bytes", minimum=4, maximum=1024)
    ways = table.integer("ways", minimum=1, maximum=lines)
    sector_bytes = line_bytes
    if "sector" in table:
        sector_bytes = table.integer("sector", "bytes", minimum=4, maximum=line_bytes)
    jumps_only = table.flag("keeps_jumps_only")
    if line_bytes & (line_bytes - 1):
        raise table.fail("line", f"{line_bytes} bytes is not a power of two")
    if sector_bytes & (sector_bytes - 1) or line_bytes // sector_bytes > MAX_SECTORS:
        raise table.fail("sector", f"{sector_bytes} bytes do not divide a line of {line_bytes}")
    if lines % ways:
        raise table.fail("ways", f"{lines} lines do not divide into {ways} ways")
    unit = table.text("unit") if "unit" in table else ""
    table.finish()
    return Cache(
        f"{name}-{kind}", kind, lines, line_bytes, ways, sector_bytes, not jumps_only, unit
    )


def _refuse_overlaps(top: Table, memories: Mapping[str, Memory]) -> None:
    for a, b in combinations(memories.values(), 2):
        if a.address < b.address + b.size_bytes and b.address < a.address + a.size_bytes:
            raise top.fail("memories", f"{a.name} and {b.name} overlap")


def _placement(table: Table, memories: Mapping[str, Memory]) -> dict[Segment, str]:
    placement = {}
    for segment in PLACED:
        key = segment.name.lower()
        if key not in table:
            raise table.fail(key, f"the segment {key} is mapped to no memory")
        name = table.text(key)
        if name not in memories:
            raise table.fail(key, f"{name} is not one of the memories {', '.join(memories)}")
        placement[segment] = name
    if not memories[placement[Segment.CODE]].executable:
        raise table.fail("code", f"no code can run from {placement[Segment.CODE]}")
    table.finish()
    return placement


@lru_cache(maxsize=_TABLES_KEPT)
def _energy(table: Table, memories: tuple[str, ...]) -> Energy:
    energy = Energy(
        static_w=table.quantity("static", "W", maximum=100.0),
        clock_j=table.quantity("clock", "J", maximum=1.0),
        instruction_j=_joules(table, "instruction", ENERGY_GROUPS),
        access_j=_joules(table, "access", memories),
        line_j=_joules(table, "line", memories),
        whole=_whole(table.table("whole")) if "whole" in table else None,
    )
    table.finish()
    return energy


def _sleep(table: Table) -> Sleep:
    sleep = Sleep(table.text("mode"), table.quantity("current", "A", maximum=1.0))
    table.finish()
    return sleep


def _whole(table: Table) -> Whole:
    whole = Whole(
        cycle_j=table.quantity("cycle", "J", maximum=1.0),
        executing=table.quantity("executing", maximum=1.0).value,
        words=table.quantity("words", maximum=4.0).value,
        reads=table.quantity("reads", maximum=1.0).value,
    )
    table.finish()
    return whole


def _joules(energy: Table, key: str, names: Iterable[str]) -> dict[str, Quantity]:
    table = energy.table(key)
    joules = {name: table.quantity(name, "J", maximum=1.0) for name in names}
    table.finish()
    return joules
