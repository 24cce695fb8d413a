"""A chip's own map in QEMU: the machine that carries it, and what the chip plugin is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from simbench.backends.board import ChipMap
from simbench.catalog.chips import PERIPHERALS, Chip

_ANY_CORE = "lm3s6965evb"
"""Takes every M-profile core, with 64 interrupts and no security attribution by address."""
_MACHINES = MappingProxyType({"cortex-m4": ("netduinoplus2", None)})  # 96 interrupts
# QEMU has neither: a superset of the one, and what executes the same as the other
_CORES = MappingProxyType({"cortex-m0plus": "cortex-m3", "cortex-m85": "cortex-m55"})
_SHIFTS = MappingProxyType({"cortex-m4": 3, "cortex-m7": 6, "cortex-m55": 6, "cortex-m85": 6})
_OTHER_SHIFT = 7
"""Time passes by instructions, 2 to the shift ns each: a firmware's ticks are then the same every
time, and take about the instructions that they take on a board. A cycle of the emulated machine's
SysTick is 5.95 ns (168 MHz) on netduinoplus2 and 80 ns (12.5 MHz, as it comes out of reset) on the
other, whatever the board's clock is; the cycles of an instruction, as ad has them here, are 1.6 on
a Cortex-M4, 1.4 on an M33, 1.0 on an M55 and 0.9 on an M7."""
_OFTEN = 10_000


def machine_options(core: str) -> list[str]:
    """The machine whose map is replaced, and its core."""
    shift = _SHIFTS.get(core, _OTHER_SHIFT)
    machine, cpu = _MACHINES.get(core, (_ANY_CORE, _CORES.get(core, core)))
    return ["-machine", machine, *(("-cpu", cpu) if cpu else ()), "-icount", f"shift={shift}"]


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
