"""The stable machine of each core: QEMU's MPS2 and MPS3 boards, whose maps do not change.

Sources: Arm application notes AN385, AN386, AN500, AN505 and AN547, and QEMU's documentation,
"Arm MPS2 and MPS3 boards".
"""

from __future__ import annotations

import difflib

from simbench.errors import UsageError

_MACHINES = {
    "cortex-m0plus": "mps2-an385",
    "cortex-m3": "mps2-an385",
    "cortex-m4": "mps2-an386",
    "cortex-m7": "mps2-an500",
    "cortex-m33": "mps2-an505",
    "cortex-m55": "mps3-an547",
}

MACHINES_WITH_MVE = frozenset({"mps3-an547"})


def stable_machine(core: str) -> str:
    """The machine an image for ``core`` runs on. Raises UsageError if QEMU has none for it."""
    machine = _MACHINES.get(core)
    if machine is None:
        near = difflib.get_close_matches(core, _MACHINES) or list(_MACHINES)
        raise UsageError(f"QEMU has no machine for the core {core!r}; choose {', '.join(near)}")
    return machine
