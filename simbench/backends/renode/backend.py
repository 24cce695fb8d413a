"""Start boards in Renode."""

from __future__ import annotations

from simbench.backends.board import Board, Capabilities, LaunchSpec
from simbench.backends.renode.board import RenodeBoard
from simbench.backends.renode.hooks import BlockHooks, Hooks
from simbench.backends.renode.machines import machine_of
from simbench.backends.renode.tool import find_tool
from simbench.backends.renode.tracing import Tracer
from simbench.catalog.cores import core_record


class RenodeBackend:
    """Renode, driven by its Monitor. ``program`` goes before SIMBENCH_RENODE and the PATH."""

    name = "renode"
    capabilities = Capabilities(blocks=True, edges=True, accesses=True, caches=True)
    counter: type[Hooks] | type[Tracer] = Hooks

    def __init__(self, program: str | None = None) -> None:
        self._program = program

    def version(self) -> str:
        """The emulator's version. Raises InfrastructureError if it is missing."""
        return find_tool(self._program).version

    def machine(self, core: str) -> str:
        """The stable machine for ``core``, as with QEMU: an image is linked for one address map.

        Raises UsageError if there is none.
        """
        return machine_of(core_record(core).machine).name

    def launch(self, spec: LaunchSpec) -> Board:
        """Start a board. Raises InfrastructureError if there is no Renode, or it will not."""
        return RenodeBoard(find_tool(self._program), spec, self.counter)


class TracedRenodeBackend(RenodeBackend):
    """Renode, counted by the trace that it writes of everything executed: a check on the other."""

    name = "renode-trace"
    capabilities = Capabilities(
        blocks=True,
        edges=True,
        accesses=False,
        caches=False,
        reasons={
            "accesses": "Renode's trace lacks those of LDRD, STRD, LDM.W, VLDR, VSTR, VLDM, VSTM",
            "caches": "Renode has no caches, nor does simbench rebuild them from its trace",
        },
    )
    counter = Tracer


class BlocksRenodeBackend(RenodeBackend):
    """Renode, counting the blocks that it executes: the fastest second opinion on instructions."""

    name = "renode-blocks"
    capabilities = Capabilities(
        blocks=True,
        edges=True,
        accesses=False,
        caches=False,
        reasons={
            "accesses": "of a block of several instructions Renode does not tell which accessed",
            "caches": "what accesses is not known, nor is when",
        },
    )
    counter = BlockHooks
