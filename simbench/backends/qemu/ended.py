"""Why an emulator ended that nobody stopped, from its status and what it wrote."""

from __future__ import annotations

import re
import signal

from simbench.backends.naming import place
from simbench.errors import FirmwareFault, InfrastructureError, SimbenchError, UsageError
from simbench.firmware.image import Image

_PROGRAM_COUNTER = re.compile(r"R15=([0-9a-fA-F]{8})")
_OTHER_INTERFACE = re.compile(
    r"plugin requires API version \d+, but this QEMU|undefined symbol: qemu_plugin_"
)
_OVERLAP = "regions are overlapping"
_REGION = re.compile(r"^ +(.*\(addresses 0x.*\))$", re.MULTILINE)
_WARNING = "warning:"


def takes_no_plugin(text: str) -> bool:
    """Whether the emulator wrote that a plugin is of another interface than its own."""
    return _OTHER_INTERFACE.search(text) is not None


def ended_error(status: int | None, text: str, image: Image) -> SimbenchError:
    """The error of an emulator that ended with ``status`` (minus a signal's number) and wrote
    ``text`` to its standard error."""
    if "Lockup" in text:
        found = _PROGRAM_COUNTER.search(text)
        where = place(image, int(found[1], 16)) if found else "at an unknown address"
        return FirmwareFault(
            f"the core locked up {where}: a fault inside a fault handler; look at the stack "
            "size, and at the vector table"
        )
    if status is not None and status < 0:
        return InfrastructureError(_killed(-status))
    if _OVERLAP in text:
        regions = " and ".join(_REGION.findall(text)) or image.path.name
        return UsageError(f"parts of the image overlap ({regions}): link them apart")
    # a warning is no reason: QEMU writes some at every start
    lines = [line for line in text.splitlines() if line.strip() and _WARNING not in line]
    if status == 0 and not lines:
        return FirmwareFault(
            "the firmware reset the board, and nothing is measured across a reset: look at its "
            "fault handler and its watchdog"
        )
    said = lines[0] if lines else "nothing"
    return InfrastructureError(f"QEMU ended by itself (status {status}), saying: {said}")


def _killed(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "of no name"
    hint = ""
    if number == signal.SIGKILL:
        hint = ": perhaps the machine ran out of memory; end something else, or run less at once"
    return f"QEMU was killed by signal {number}, {name}{hint}"
