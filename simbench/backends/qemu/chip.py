"""A chip's own map in QEMU: the machine that carries it, and what the chip plugin is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from simbench.backends.board import ChipMap
from simbench.catalog.chips import PERIPHERALS, Chip

_ANY_CORE = "lm3s6965evb"
"""Takes every M-profile core, with 64 interrupts and no security attribution by address."""
_MACHINES = MappingProxyType({"cortex-m4": ("netduinoplus2", None)})  # 96 interrupts
_CORES = MappingProxyType({"cortex-m0plus": "cortex-m3"})  # QEMU has none; a superset of it
_TIME = ("-icount", "shift=3")
"""Time passes by instructions, 8 ns each: a firmware's ticks are then the same every time."""
_OFTEN = 10_000


def machine_options(core: str) -> list[str]:
    """The machine whose map is replaced, and its core."""
    machine, cpu = _MACHINES.get(core, (_ANY_CORE, _CORES.get(core, core)))
    return ["-machine", machine, *(("-cpu", cpu) if cpu else ()), *_TIME]


def chip_config(board: ChipMap, line: int, told: int) -> str:
    """The text that the chip plugin reads; ``line`` and ``told`` are the descriptors of the UART
    and of a pipe for its last words."""
    return "".join(f"{statement}\n" for statement in _statements(board, line, told))


def _statements(board: ChipMap, line: int, told: int) -> Iterator[str]:
    for span in board.memories:
        yield f"memory {span.address:#x} {span.size_bytes:#x}"
    for alias in board.aliases:
        yield f"alias {alias.span.address:#x} {alias.span.size_bytes:#x} {alias.target:#x}"
    yield f"registers {PERIPHERALS[0]:#x} {PERIPHERALS[1]:#x}"
    for block in board.chip.blocks:
        yield f"registers {block.address:#x} {block.size_bytes:#x}"
    for register in board.chip.registers:
        at = f"{register.address:#x}"
        yield f"preset {at} {register.set:#x} {register.clear:#x}"
        yield f"reset {at} {register.reset:#x}"
        yield f"ticks {at} {register.ticks:#x}"
        for follow in register.follows:
            yield f"follow {at} {follow.bits:#x} {follow.shift}"
    for uart in board.chip.uarts:
        yield f"uart {uart.kind} {uart.address:#x} {uart.interrupt}"
    yield f"line {line}"
    yield f"told {told}"


def waited_for(chip: Chip, last_words: str) -> str | None:
    """The register that the firmware kept reading, in words, or None where there is none.

    ``last_words`` are the plugin's: address, answer, times.
    """
    numbers: Mapping[int, int] = dict(enumerate(map(int, last_words.split())))
    if len(numbers) != 3 or numbers[2] < _OFTEN:
        return None
    return (
        f"it kept reading {chip.register_at(numbers[0])}, {numbers[2]:,} times since it last wrote "
        f"a register, and got {numbers[1]:#x}"
    )
