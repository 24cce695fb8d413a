"""Values of axes the way people read them."""

from __future__ import annotations

from typing import Any

from simbench.result.units import format_kib, format_si

_UNITS = {"clock": "Hz", "supply": "V", "energy.static": "W"}
_SIZES = ("size", "width", "line", "sector")


def value_in_words(path: str, value: Any) -> str:
    """The value of the column ``path`` of a sweep's points: "40.0 MHz", "5", "sram"."""
    if not isinstance(value, float):
        return str(value)
    unit = _UNITS.get(path) or ("J" if path.startswith("energy.") else "")
    if unit:
        return format_si(value, unit)
    is_size = path.startswith("memories.") and path.rpartition(".")[2] in _SIZES
    return format_kib(round(value)) if is_size and value >= 1024 else f"{value:g}"


def metric_in_words(name: str, value: float) -> str:
    """A value of what a goal can be set for: "20.0 ms", "64.0 KiB"."""
    if name.endswith("_bytes"):
        return format_kib(round(value))
    return format_si(value, {"time_s": "s", "energy_j": "J"}.get(name, ""))
