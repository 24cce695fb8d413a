"""Cores as data: what Arm's manuals say an instruction takes, one file each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from simbench.catalog.cores import core_path, record_from
from simbench.files.datafile import Quantity, Table, read
from simbench.isa.instruction import InstructionClass

PIPELINES = "simbench.pipelines"
"""The group of a plug-in's entry points, each called as a core's ``pipeline_class``."""

_EVERY_CORE = frozenset(
    {
        InstructionClass.ALU,
        InstructionClass.MULTIPLY,
        InstructionClass.LOAD,
        InstructionClass.LOAD_MULTIPLE,
        InstructionClass.STORE,
        InstructionClass.STORE_MULTIPLE,
        InstructionClass.BRANCH,
        InstructionClass.BRANCH_CONDITIONAL,
        InstructionClass.CALL,
        InstructionClass.BRANCH_INDIRECT,
        InstructionClass.HINT,
        InstructionClass.BARRIER,
        InstructionClass.SYSTEM,
        InstructionClass.UNKNOWN,
    }
)


@dataclass(frozen=True, eq=False, slots=True)
class Core:
    """A core: cycles of each class at zero wait states, and the parameters of its pipeline.

    ``cycles`` leaves out the refill of a taken branch and, for transfers of several words, all
    words but the first; a class that the core does not have takes what an unknown one does.
    ``pipeline_class`` is the name of the code that prices with them. ``version`` is a label for
    people; ``sources`` are the manuals.
    """

    id: str
    version: str
    title: str
    pipeline_class: str
    cycles: Mapping[InstructionClass, Quantity]
    pipeline: Mapping[str, Quantity]
    sources: Mapping[str, str]


def load_core(name: str) -> Core:
    """The core called ``name`` ("cortex-m4").

    Raises UsageError when there is no such core.
    """
    return read_core(core_path(name))


@cache
def read_core(path: Path) -> Core:
    """The core in the file ``path``, checked.

    Raises UsageError naming file, line and key, and what is wrong.
    """
    return core_from(read(path), path)


def core_from(top: Table, path: Path) -> Core:
    """The core that the table ``top`` of the file ``path`` describes, checked likewise."""
    record = record_from(top, path)
    sources = top.table("sources")
    core = Core(
        id=record.id,
        version=top.text("version"),
        title=record.title,
        pipeline_class=record.pipeline_class,
        cycles=_cycles(top.table("cycles")),
        pipeline=_pipeline(top.table("pipeline")),
        sources={name: sources.text(name) for name in sources},
    )
    top.finish()
    return core


def _cycles(table: Table) -> dict[InstructionClass, Quantity]:
    given = {
        kind: table.quantity(kind.value, maximum=1000)
        for kind in InstructionClass
        if kind in _EVERY_CORE or kind.value in table
    }
    table.finish()
    return {kind: given.get(kind, given[InstructionClass.UNKNOWN]) for kind in InstructionClass}


def _pipeline(table: Table) -> dict[str, Quantity]:
    return {name: table.quantity(name, maximum=1000) for name in table}
