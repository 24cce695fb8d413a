"""Start boards in QEMU."""

from __future__ import annotations

from simbench.backends.board import Board, Capabilities, LaunchSpec
from simbench.backends.qemu.tool import find_tool
from simbench.catalog.cores import core_record


class QemuBackend:
    """qemu-system-arm with the counting plugin. ``program`` goes before SIMBENCH_QEMU and the
    PATH."""

    name = "qemu"
    capabilities = Capabilities(
        blocks=True, edges=True, accesses=True, caches=True, chips=True, restarts=True
    )

    def __init__(self, program: str | None = None) -> None:
        self._program = program

    def version(self) -> str:
        """The emulator's version. Raises InfrastructureError if it is missing."""
        return find_tool(self._program).version

    def machine(self, core: str) -> str:
        """The stable machine for ``core``. Raises UsageError if there is none."""
        return core_record(core).machine

    def launch(self, spec: LaunchSpec) -> Board:
        """Start a board. Raises InfrastructureError if QEMU or its plugin cannot be had."""
        from simbench.backends.qemu.board import QemuBoard
        from simbench.backends.qemu.plugin_build import CHIP, build_plugin

        tool = find_tool(self._program)
        plugin = build_plugin(tool.series) if spec.counting else None
        chip = build_plugin(tool.series, CHIP) if spec.chip is not None else None
        return QemuBoard(tool, plugin, spec, chip)
