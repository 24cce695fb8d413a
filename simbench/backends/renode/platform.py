"""A machine as Renode's platform description (.repl), and the script (.resc) that makes it.

Syntax: Renode's documentation, "Describing platforms" and "Monitor and script syntax"; parameters
of a peripheral are those of its class's constructor in renode-infrastructure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from simbench.backends.board import Blob
from simbench.backends.renode.machines import Machine
from simbench.counts import Segment
from simbench.firmware.image import AddressRange, Image

DESCRIPTION = "board.repl"
SCRIPT = "board.resc"
FIRMWARE = "firmware.elf"
BESIDE_SCRIPT = "$ORIGIN"
"""What Renode calls the folder of the script that it includes."""

LOG_INFO, LOG_ERRORS = 1, 3
"""Levels of Renode's log. What the UART says is logged as information."""

SHOW_UART = "showAnalyzer uart"
"""The command after which what the UART says is shown: in the log, where there is no window."""

PERFORMANCE_MIPS = 100
"""Instructions that pass in a microsecond of virtual time; no count depends on it."""

_PAGE = 0x1000
_SEED = 1
_QUANTUM_S = "0.0001"


def blob_name(number: int) -> str:
    """The file of the blob of that number."""
    return f"blob{number}.bin"


def memories(image: Image, blobs: Sequence[Blob]) -> tuple[AddressRange, ...]:
    """What the image's segments, its bank and ``blobs`` need, in whole pages, what adjoins joined.

    Addresses outside of them have no memory, so that an access there is a fault, as on the board.
    """
    ranges = [r for segment in image.segments.values() for r in segment]
    ranges += [AddressRange(b.address, b.address + max(len(b.data), 1)) for b in blobs]
    symbols = image.symbols
    if "__bank_start" in symbols and "__bank_end" in symbols:
        ranges.append(AddressRange(symbols["__bank_start"], symbols["__bank_end"]))
    if "simbench_config" in symbols:
        start = symbols["simbench_config"]
        ranges.append(AddressRange(start, start + _PAGE))
    return tuple(_joined(sorted((_down(r.start), _up(r.end)) for r in ranges if r.size)))


def description(machine: Machine, ranges: Iterable[AddressRange]) -> str:
    """The platform description: a core, its interrupt controller, memories, and one UART.

    It names no SVD and no other file, so nothing is fetched when Renode reads it.
    """
    blocks = [
        f"// {machine.name}, reduced by simbench to what a benchmark uses",
        "nvic: IRQControllers.NVIC @ sysbus 0xE000E000\n"
        f"    systickFrequency: {machine.clock_hz}\n"
        "    -> cpu@0",
        f'cpu: CPU.CortexM @ sysbus\n    cpuType: "{machine.core}"\n    nvic: nvic',
        *(_memory(f"memory{i}", r) for i, r in enumerate(ranges)),
        f"uart: UART.CMSDK_APB_UART @ sysbus {machine.uart:#010x}\n"
        f"    frequency: {machine.clock_hz}\n"
        f"    TxInterrupt -> nvic@{machine.transmit_interrupt}\n"
        f"    RxInterrupt -> nvic@{machine.receive_interrupt}",
        _memory("fpga_io", AddressRange(machine.fpga_io, machine.fpga_io + _PAGE)),
    ]
    return "\n\n".join(blocks) + "\n"


def script(
    image: Image,
    blobs: Sequence[Blob],
    folder: str = BESIDE_SCRIPT,
    *,
    log_level: int = LOG_INFO,
) -> tuple[str, ...]:
    """The Monitor's commands that make the board of the files in ``folder``, one a line.

    Everything that could differ from run to run is set: seed, one thread, quantum, and virtual time
    that does not wait for the host's.
    """
    loads = (
        f"sysbus LoadBinary {folder}/{blob_name(i)} {blob.address:#010x}"
        for i, blob in enumerate(blobs)
    )
    return (
        "# a board for firmware that simbench built, nothing on it depending on the host",
        f"logLevel {log_level}",
        f"emulation SetSeed {_SEED}",
        "emulation SetGlobalSerialExecution true",
        f'emulation SetGlobalQuantum "{_QUANTUM_S}"',
        "emulation SetGlobalAdvanceImmediately true",
        "using sysbus",
        'mach create "board"',
        f"machine LoadPlatformDescription {folder}/{DESCRIPTION}",
        f"sysbus LoadELF {folder}/{FIRMWARE}",
        *loads,
        f"cpu VectorTableOffset {_vectors(image):#010x}",
        f"cpu PerformanceInMips {PERFORMANCE_MIPS}",
    )


def _vectors(image: Image) -> int:
    """The vector table: where an image says it is, else the lowest of its code."""
    lowest = min(r.start for r in image.segments[Segment.CODE])
    return image.symbols.get("simbench_vectors", lowest)


def _memory(name: str, span: AddressRange) -> str:
    return f"{name}: Memory.MappedMemory @ sysbus {span.start:#010x}\n    size: {span.size:#x}"


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[AddressRange]:
    start, end = 0, 0
    for low, high in spans:
        if low > end or start == end:
            if start != end:
                yield AddressRange(start, end)
            start, end = low, high
        end = max(end, high)
    if start != end:
        yield AddressRange(start, end)


def _down(address: int) -> int:
    return address // _PAGE * _PAGE


def _up(address: int) -> int:
    return -(-address // _PAGE) * _PAGE
