"""The stable machines as Renode is told of them: Arm's MPS2 and MPS3 boards, reduced to what a
benchmark uses.

Addresses and interrupts are those that the firmware is built for (firmware_images/boards). Core
types are tlib's names; the Cortex-M0+'s machine has a Cortex-M3, as in QEMU.
"""

from __future__ import annotations

from dataclasses import dataclass

from simbench.errors import UsageError


@dataclass(frozen=True, slots=True)
class Machine:
    """A core, its CMSDK UART with its interrupts, and the FPGA's registers beside it.

    ``fpga_io`` has the counter of the firmware's time stamps. Renode has no model of it: it is
    plain memory there, so that every time stamp is 0.
    """

    name: str
    core: str
    uart: int
    transmit_interrupt: int
    receive_interrupt: int
    fpga_io: int
    clock_hz: int


_MACHINES = {
    machine.name: machine
    for machine in (
        Machine("mps2-an385", "cortex-m3", 0x40004000, 1, 0, 0x40028000, 25_000_000),
        Machine("mps2-an386", "cortex-m4", 0x40004000, 1, 0, 0x40028000, 25_000_000),
        Machine("mps2-an500", "cortex-m7", 0x40004000, 1, 0, 0x40028000, 25_000_000),
        Machine("mps2-an505", "cortex-m33", 0x50200000, 33, 32, 0x50302000, 20_000_000),
        Machine("mps3-an547", "cortex-m55", 0x49303000, 34, 33, 0x49302000, 32_000_000),
    )
}


def machine_of(name: str) -> Machine:
    """The machine called ``name``. Raises UsageError where simbench describes none to Renode."""
    if name not in _MACHINES:
        raise UsageError(
            f"simbench does not describe the machine {name} to Renode, only "
            f"{', '.join(_MACHINES)}: run firmware of your own with --backend qemu"
        )
    return _MACHINES[name]
