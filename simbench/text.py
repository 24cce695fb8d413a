"""Numbers the way people read them."""

from __future__ import annotations

from simbench.estimate import Estimate

_PREFIXES = (
    *((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")),
    *((1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p")),
)


def si(value: float, unit: str) -> str:
    """``value`` with three significant digits and an SI prefix: ``si(0.0564, "s")`` is 56.4 ms."""
    if value == 0:
        return f"0 {unit}".strip()
    scale, prefix = si_scale(value)
    shown = value / scale
    return f"{shown:.{_decimals(shown)}f} {prefix}{unit}".strip()


def si_range(estimate: Estimate) -> str:
    """The range of an estimate at the scale and with the decimals of its value: "50.1–62.3"."""
    if estimate.value == 0:
        return f"{estimate.lower:g}–{estimate.upper:g}"
    scale = si_scale(estimate.value)[0]
    decimals = _decimals(estimate.value / scale)
    return "–".join(f"{bound / scale:.{decimals}f}" for bound in (estimate.lower, estimate.upper))


def kib(size_bytes: int) -> str:
    """Bytes in KiB: "116.1 KiB"."""
    return f"{size_bytes / 1024:.1f} KiB"


def score(value: float | None) -> str:
    """A class's score: "0.97", or what a model says that gives no number."""
    return "no number" if value is None else f"{value:.2f}"


def si_scale(value: float) -> tuple[float, str]:
    """What to divide by to read ``value`` well, and that SI prefix: 2.5e6 gives 1e6 and "M"."""
    return next(((s, p) for s, p in _PREFIXES if abs(value) >= 0.9995 * s), _PREFIXES[-1])


def _decimals(value: float) -> int:
    return 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
