"""A row: what one model costs on one platform."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from simbench.result.frames import Row
from simbench.result.metrics import METRICS, value_of
from simbench.result.tree import DOES_NOT_FIT, ERROR, UNSUPPORTED, Layer, Result


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model on one platform, with the numbers of its ``simbench run``.

    ``model`` is what it was given as, ``sha256`` of its file. ``status`` and ``reason`` are those
    of a result; ``fits`` is None where it is not known. Estimates are in the units of their names,
    with their ranges; what is not known is None. ``layers`` are there where they were asked for.
    """

    model: str
    sha256: str | None
    platform: str
    kernels: str
    status: str
    reason: str | None = None
    fits: bool | None = None
    macs: int | None = None
    instructions: int | None = None
    cycles: float | None = None
    cycles_lower: float | None = None
    cycles_upper: float | None = None
    time_s: float | None = None
    time_s_lower: float | None = None
    time_s_upper: float | None = None
    energy_j: float | None = None
    energy_j_lower: float | None = None
    energy_j_upper: float | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    arena_bytes: int | None = None
    stack_bytes: int | None = None
    wrong_outputs: int | None = None
    coverage: float | None = None
    layers: tuple[Layer, ...] = ()

    def values(self) -> Row:
        """The row as plain values by column, without layers."""
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS = tuple(field.name for field in fields(ModelRow) if field.name != "layers")
"""The columns of a table of rows."""

_ESTIMATES = ("cycles", "time_s", "energy_j")
_EXACT = tuple(name for name in METRICS if name not in _ESTIMATES)


def row_of(model: str, result: Result, *, layers: bool = False) -> ModelRow:
    """The row of ``result``, which is of the model called ``model``."""
    numbers: dict[str, Any] = {name: value_of(METRICS[name].read(result)) for name in _EXACT}
    for name in _ESTIMATES:
        estimate = getattr(result, name)
        if estimate is not None:
            numbers[name], numbers[f"{name}_lower"] = estimate.value, estimate.lower
            numbers[f"{name}_upper"] = estimate.upper
    used = result.model
    unknown = result.status in (ERROR, UNSUPPORTED)
    return ModelRow(
        model=model,
        sha256=None if used is None else used.source_sha256,
        platform=result.platform,
        kernels=result.kernels,
        status=result.status,
        reason=result.reason,
        fits=None if unknown else result.status != DOES_NOT_FIT,
        macs=None if used is None else used.macs,
        coverage=result.coverage,
        layers=result.layers if layers else (),
        **numbers,
    )
