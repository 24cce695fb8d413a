"""The caches that a board watches, as what counts them takes them; and when they see what runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simbench.backends.board import LaunchSpec
from simbench.counts import CacheGeometry
from simbench.errors import UsageError

HOST_S_DOING = (
    "_ZN8simbench14ReadSerialPortEv",
    "_ZN8simbench15WriteSerialPortEc",
    "_ZN8simbench12MicrosecondsEv",
)
"""The functions of simbench's firmware that reach devices. What the core executes from there to the
next inference is the host's doing: how often it polls, how many digits a time has that it prints;
and from QEMU 10 on a block is entered anew behind an access to a device, which is like a jump."""
INFERENCE = "th_infer"
CACHES_REST, CACHES_WAKE = 5, 6
"""Kinds of markers, as in qemu/plugin/blocks.h."""

_MAX_CACHES = 16
_MAX_LINES = 65534
_MAX_SECTORS = 16


def cache_markers(spec: LaunchSpec) -> Iterator[tuple[int, int]]:
    """Addresses of simbench's own images from which on caches rest or are awake, and which."""
    if spec.chip is None:
        kinds = {INFERENCE: CACHES_WAKE} | dict.fromkeys(HOST_S_DOING, CACHES_REST)
        for function in spec.image.functions:
            if function.name in kinds:
                yield function.start, kinds[function.name]


def caches_as_numbers(caches: Sequence[CacheGeometry]) -> Iterator[tuple[int, ...]]:
    """Of each: whether it is of data, lines, bytes of a line, ways, whether a store allocates, bits
    of its segments, bytes of a sector, whether it keeps what it runs into, its phase, and the place
    from 1 of the cache whose lines it shares, or 0.

    Raises UsageError where one cannot be built, or there are too many.
    """
    if len(caches) > _MAX_CACHES:
        raise UsageError(f"at most {_MAX_CACHES} caches can be watched at once; leave some out")
    for cache in caches:
        yield (*_numbers(cache), _shared(cache, caches))


def _numbers(cache: CacheGeometry) -> tuple[int, ...]:
    power_of_two = cache.line_bytes >= 4 and cache.line_bytes & (cache.line_bytes - 1) == 0
    whole = cache.ways >= 1 and 1 <= cache.lines <= _MAX_LINES and cache.lines % cache.ways == 0
    sector = cache.sector_bytes or cache.line_bytes
    power_of_two = power_of_two and sector >= 4 and sector & (sector - 1) == 0
    whole = whole and 1 <= cache.line_bytes // sector <= _MAX_SECTORS
    whole = whole and 0 <= cache.phase_bytes < cache.line_bytes
    if not (power_of_two and whole) or cache.kind not in ("instruction", "data"):
        raise UsageError(
            f"the cache {cache.name!r} cannot be built: it needs a kind (instruction or data), "
            "lines that are a multiple of its ways, line_bytes that are a power of two, at most "
            f"{_MAX_SECTORS} sectors a line, and a phase within a line"
        )
    segments = sum(1 << int(segment) for segment in set(cache.segments))
    geometry = (int(cache.kind == "data"), cache.lines, cache.line_bytes, cache.ways)
    ways = (int(cache.write_allocate), segments, sector, int(cache.keeps_sequential))
    return (*geometry, *ways, cache.phase_bytes)


def _shared(cache: CacheGeometry, caches: Sequence[CacheGeometry]) -> int:
    """The place of the cache whose lines ``cache`` shares, from 1; 0 where it has its own."""
    if not cache.shares:
        return 0
    for place, other in enumerate(caches[: caches.index(cache)], 1):
        ours, theirs = ((c.lines, c.line_bytes, c.ways, c.sector_bytes) for c in (cache, other))
        if other.name == cache.shares and ours == theirs:
            return place
    raise UsageError(
        f"the cache {cache.name!r} shares the lines of {cache.shares!r}, which is no cache before "
        "it of the same size; correct its unit in the platform's file"
    )
