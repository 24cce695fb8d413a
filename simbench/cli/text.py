"""Numbers the way people read them."""

from __future__ import annotations

from simbench.estimate import Estimate

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def si(value: float, unit: str) -> str:
    """``value`` with three significant digits and an SI prefix: ``si(0.0564, "s")`` is 56.4 ms."""
    if value == 0:
        return f"0 {unit}".strip()
    scale, prefix = next(((s, p) for s, p in _PREFIXES if abs(value) >= 0.9995 * s), _PREFIXES[-1])
    return f"{_digits(value / scale)} {prefix}{unit}".strip()


def si_range(estimate: Estimate, unit: str) -> str:
    """The range of an estimate in the unit of its value: "50.1–62.3 ms"."""
    scale, prefix = next(
        ((s, p) for s, p in _PREFIXES if estimate.value >= 0.9995 * s), _PREFIXES[-1]
    )
    low, high = _digits(estimate.lower / scale), _digits(estimate.upper / scale)
    return f"{low}–{high} {prefix}{unit}".strip()


def kib(size_bytes: int) -> str:
    """Bytes in KiB: "118.8 KiB"."""
    return f"{size_bytes / 1024:.1f} KiB"


def _digits(value: float) -> str:
    decimals = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:.{decimals}f}"
