"""Start boards in QEMU."""

from __future__ import annotations

from simbench.backends.board import Board, Capabilities, LaunchSpec
from simbench.backends.qemu.board import QemuBoard
from simbench.backends.qemu.machines import stable_machine
from simbench.backends.qemu.plugin_build import build_plugin
from simbench.backends.qemu.tool import find_tool


class QemuBackend:
    """qemu-system-arm with the counting plugin."""

    name = "qemu"
    capabilities = Capabilities(blocks=True, edges=True, accesses=True, caches=True)

    def version(self) -> str:
        """The emulator's version. Raises InfrastructureError if it is missing."""
        return find_tool().version

    def machine(self, core: str) -> str:
        """The stable machine for ``core``. Raises UsageError if there is none."""
        return stable_machine(core)

    def launch(self, spec: LaunchSpec) -> Board:
        """Start a board. Raises InfrastructureError if QEMU or its plugin cannot be had."""
        tool = find_tool()
        plugin = build_plugin(tool.series) if spec.counting else None
        return QemuBoard(tool, plugin, spec)
