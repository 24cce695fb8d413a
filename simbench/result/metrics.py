"""The quantities of a result that are compared, gated and exported: less is better in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

from simbench.result.estimate import Estimate
from simbench.result.tree import Layer, MemoryUse, Result

Subject = TypeVar("Subject", Result, Layer)
Reading = Estimate | int | None
"""An estimate with its range, an exact count, or None where the fact is not known."""


@dataclass(frozen=True, slots=True)
class Metric(Generic[Subject]):
    """A quantity by name, its unit, and how it is read from a result or a layer."""

    name: str
    unit: str
    read: Callable[[Subject], Reading]


def value_of(reading: Reading) -> float | None:
    """The number that stands for ``reading``: an estimate's value, a count, or None."""
    return reading.value if isinstance(reading, Estimate) else reading


def selects(pattern: str, result_id: str) -> bool:
    """Whether ``pattern`` names a result: ``kws``, ``kws@stm32f4``, ``*@stm32f4/cmsis-nn``.

    What the pattern leaves out matches everything.
    """
    return any(fnmatchcase(result_id, pattern + rest) for rest in ("", "/*", "@*"))


def _memory(read: Callable[[MemoryUse], int | None]) -> Callable[[Result], Reading]:
    return lambda result: None if result.memory is None else read(result.memory)


def _stack(memory: MemoryUse) -> int | None:
    return None if memory.ram is None else memory.ram.stack_used_bytes


def _wrong_outputs(result: Result) -> int | None:
    return None if result.parity is None else result.parity.wrong


_METRICS: tuple[Metric[Result], ...] = (
    Metric("instructions", "instructions", lambda result: result.instructions),
    Metric("cycles", "cycles", lambda result: result.cycles),
    Metric("time_s", "s", lambda result: result.time_s),
    Metric("energy_j", "J", lambda result: result.energy_j),
    Metric("flash_bytes", "bytes", _memory(lambda memory: memory.flash_bytes)),
    Metric("ram_bytes", "bytes", _memory(lambda memory: memory.ram_bytes)),
    Metric("arena_bytes", "bytes", _memory(lambda memory: memory.arena_bytes)),
    Metric("stack_bytes", "bytes", _memory(_stack)),
    Metric("wrong_outputs", "outputs", _wrong_outputs),
)
METRICS: Mapping[str, Metric[Result]] = {metric.name: metric for metric in _METRICS}
"""By name. Wrong outputs are those that differ from the host's reference."""

LAYER_METRICS: tuple[Metric[Layer], ...] = (
    Metric("instructions", "instructions", lambda layer: layer.instructions),
    Metric("cycles", "cycles", lambda layer: layer.cycles),
    Metric("macs", "MACs", lambda layer: layer.macs),
)
