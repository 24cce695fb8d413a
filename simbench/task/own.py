"""A user's own firmware on the chip that it is linked for: checked, placed and mapped."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from simbench.backends.board import Alias, Blob, ChipMap
from simbench.catalog.chips import Span
from simbench.catalog.platforms import Memory, Platform
from simbench.counts import Segment
from simbench.errors import UsageError
from simbench.firmware.cycle_counter import asks_cycle_counter
from simbench.firmware.image import AddressRange, Image
from simbench.firmware.load import Load, Skip, elf_loads, is_raw, raw_loads, with_skips
from simbench.firmware.read import elf_architecture, read_image
from simbench.firmware.rtos import CurrentTask, current_task
from simbench.firmware.section import code_address

_SKIP = re.compile(r"(?P<place>[^=]+)(=(?P<value>0[xX][0-9a-fA-F]+|\d+))?")
_VECTORS_BYTES = 8
_BEHIND_A_LOADER = (0, 0x100)  # the RP2040's second stage takes 256 bytes
_READ_ONLY = "flash"
_SPARE = (Segment.ARENA, Segment.WEIGHTS)
# Addenda to the ABI for the Arm Architecture (IHI 0045), Tag_CPU_arch: what each core executes
_V6M, _V7M, _V8M = {11, 12}, {10, 11, 12}, {10, 11, 12, 13, 16, 17}
_ARCHITECTURES: Mapping[str, set[int]] = {
    "cortex-m0plus": _V6M,
    "cortex-m3": _V7M,
    "cortex-m4": _V7M | {13},
    "cortex-m7": _V7M | {13},
    "cortex-m33": _V8M,
    "cortex-m55": _V8M | {21},
    "cortex-m85": _V8M | {21},
}


@dataclass(frozen=True, slots=True)
class OwnImage:
    """A user's image, the ``platform`` with the segments where the image has them, the ``board``
    that carries it, and the bytes that are loaded there. ``linked`` are the segments as an ELF has
    them; ``asks_cycle_counter`` is whether its code does, ``tasks`` where its RTOS tells them."""

    image: Image
    platform: Platform
    board: ChipMap
    blobs: tuple[Blob, ...]
    linked: Mapping[Segment, tuple[AddressRange, ...]]
    asks_cycle_counter: bool
    tasks: CurrentTask | None


def own_image(
    path: Path, platform: Platform, base: int | None = None, skips: Sequence[str] = ()
) -> OwnImage:
    """The ELF, .hex or .bin at ``path`` on the chip of ``platform``.

    ``base`` is the first address of a .bin; ``skips`` are functions that return at once, "NAME" or
    "0xADDRESS", each with "=VALUE" where it returns one. Accesses are told apart by memory. Raises
    UsageError for an image that is for another core or map.
    """
    assert platform.chip is not None
    is_bare = is_raw(path)
    if not is_bare and base is not None:
        raise UsageError(f"{path} is an ELF, which has its addresses: leave out --base")
    image = _bare_image(path) if is_bare else read_image(path)
    if not is_bare:
        _check_core(path, platform.core)
        _check_static(image, platform)
    loads = raw_loads(path, base) if is_bare else elf_loads(path)
    _check_map(path, loads, platform)
    vectors, stack, reset = _vectors(path, loads, platform, is_bare=is_bare)
    by_segment = _by_segment(platform, image, stack, reset)
    placement = {segment: memory.name for segment, memory in by_segment.items()}
    static, code = placement[Segment.STATIC], placement[Segment.CODE]
    rest = {Segment.ARENA: static, Segment.WEIGHTS: code}
    ranges = {segment: tuple(_ranges(memory)) for segment, memory in by_segment.items()}
    linked, asks = image.segments, not is_bare and asks_cycle_counter(image)
    image = replace(image, segments=ranges)
    loads = with_skips(loads, [_skip(text, image) for text in skips])
    return OwnImage(
        image=image,
        platform=replace(platform, placement={**rest, **placement}),
        board=chip_map(platform, vectors),
        blobs=tuple(_blobs(loads, platform, struct.pack("<II", stack, reset))),
        linked=linked,
        asks_cycle_counter=asks,
        tasks=None if is_bare else current_task(image),
    )


def _blobs(loads: Sequence[Load], platform: Platform, vectors: bytes) -> Iterator[Blob]:
    """What is loaded; where the chip has memory at 0 and the image nothing, what a boot loader does
    there: send the core to the image."""
    for load in loads:
        yield Blob(load.address, load.data)
    lowest = min(load.address for load in loads)
    if lowest >= _VECTORS_BYTES and any(m.address == 0 for m in platform.memories.values()):
        yield Blob(0, vectors)


def chip_map(platform: Platform, vectors: int) -> ChipMap:
    """The board with the map of ``platform``; the ``vectors`` are seen at 0 too."""
    assert platform.chip is not None
    memories = platform.memories.values()
    own = tuple(Span(m.address, m.size_bytes) for m in memories)
    return ChipMap(
        core=platform.core,
        memories=(*own, *platform.chip.memories),
        aliases=tuple(_aliases(platform, own, vectors)),
        chip=platform.chip,
    )


def _aliases(platform: Platform, own: Sequence[Span], vectors: int) -> Iterator[Alias]:
    memories = list(platform.memories.values())
    for memory in memories:
        if memory.alias is not None:
            yield Alias(Span(memory.alias, memory.size_bytes), memory.address)
    boot = next(m for m in memories if m.holds(vectors))
    seen = [Span(m.alias, m.size_bytes) for m in memories if m.alias is not None]
    if not any(span.holds(0) for span in (*own, *seen)):
        # the core of the emulated machine begins at 0, wherever the chip's boot ROM sends it
        start = vectors
        if boot.alias is not None and not Span(boot.address, boot.size_bytes).holds(vectors):
            start += boot.address - boot.alias
        left = boot.address + boot.size_bytes - start
        free = min(span.address for span in (*own, *seen))
        yield Alias(Span(0, min(left, free)), start)


def _bare_image(path: Path) -> Image:
    data = path.read_bytes()
    return Image(path, hashlib.sha256(data).hexdigest(), {}, {}, len(data), 0, 0, 0)


def _check_core(path: Path, core: str) -> None:
    architecture = elf_architecture(path)
    if architecture is not None and architecture not in _ARCHITECTURES.get(core, {architecture}):
        raise UsageError(
            f"{path} is built for another core than {core}: build it for that, or name its board"
        )


def _check_static(image: Image, platform: Platform) -> None:
    for part in image.segments.get(Segment.STATIC, ()):
        if _memory_at(platform, part.start) is None:
            raise UsageError(
                f"the image's static is at {part.start:#010x}, where {platform.id} has no memory: "
                f"link it for {platform.title}"
            )


def _check_map(path: Path, loads: Sequence[Load], platform: Platform) -> None:
    assert platform.chip is not None
    for load in loads:
        if not any(
            span.holds(load.address) and load.end <= span.address + span.size_bytes
            for span in _spans(platform)
        ):
            raise UsageError(
                f"{path} is for {load.address:#010x} to {load.end:#010x}, where {platform.id} has "
                f"no memory for all of it: link it for {platform.title}"
            )


def _spans(platform: Platform) -> Iterator[Span]:
    assert platform.chip is not None
    yield from platform.chip.memories
    for memory in platform.memories.values():
        for r in _ranges(memory):
            yield Span(r.start, r.size)


def _ranges(memory: Memory) -> Iterator[AddressRange]:
    for start in (memory.address, memory.alias):
        if start is not None:
            yield AddressRange(start, start + memory.size_bytes)


def _vectors(
    path: Path, loads: Sequence[Load], platform: Platform, *, is_bare: bool
) -> tuple[int, int, int]:
    """Where the vector table is, the first stack pointer in it, and where the core begins.

    It is what is loaded first, or where a boot loader would look for it behind itself.
    """
    for load in loads:
        for offset in _BEHIND_A_LOADER:
            if len(load.data) < offset + _VECTORS_BYTES:
                continue
            stack, reset = struct.unpack_from("<II", load.data, offset)
            is_code = reset & 1 and any(each.address <= reset < each.end for each in loads)
            # an ELF says itself where its data are, which may be too much for the board
            if is_code and (not is_bare or _is_stack(platform, stack)):
                return load.address + offset, stack, reset
    first = loads[0]
    start = first.data[:_VECTORS_BYTES].ljust(_VECTORS_BYTES, b"\0")
    words = ", ".join(f"{word:#010x}" for (word,) in struct.iter_unpack("<I", start))
    raise UsageError(
        f"{path} has no vector table at {first.address:#010x}, but {words}: is it for "
        f"{platform.id}, and --base right?"
    )


def _memory_at(platform: Platform, address: int) -> Memory | None:
    return next((m for m in platform.memories.values() if m.holds(address)), None)


def _is_stack(platform: Platform, stack: int) -> bool:
    memory = _memory_at(platform, stack - 4)
    return memory is not None and memory.kind != _READ_ONLY


def _by_segment(platform: Platform, image: Image, stack: int, reset: int) -> dict[Segment, Memory]:
    """A segment for each memory: that of the code, of the stack or an ELF's data, and what else
    there is."""
    code, static = _memory_at(platform, reset), _memory_at(platform, stack - 4)
    if static is None:
        data = image.segments.get(Segment.STATIC, ())
        static = _memory_at(platform, data[0].start) if data else None
    static = static or platform.memory_of(Segment.STATIC)
    assert code is not None  # the reset is in what was loaded, and that in a memory
    rest = [m for m in platform.memories.values() if m not in (code, static)]
    found = {Segment.CODE: code, Segment.STATIC: static}
    return found | dict(zip(_SPARE, rest, strict=False))


def _skip(text: str, image: Image) -> Skip:
    found = _SKIP.fullmatch(text)
    if found is None:
        raise UsageError(f"--skip {text} cannot be read: give NAME or 0xADDRESS, and =VALUE")
    value = None if found["value"] is None else int(found["value"], 0)
    if value is not None and value > 0xFFFFFFFF:
        raise UsageError(f"--skip {text}: a function returns 32 bits in a register, not more")
    return Skip(code_address(found["place"], image), value)
