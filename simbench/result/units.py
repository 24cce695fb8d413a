"""Numbers the way people read them."""

from __future__ import annotations

from simbench.result.estimate import Estimate
from simbench.result.tree import Accuracy

_PREFIXES = (
    *((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")),
    *((1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p")),
)
_DAY = 86_400.0
_SPANS = (
    *(("years", 365.25 * _DAY, 730 * _DAY), ("days", _DAY, 2 * _DAY)),
    *(("h", 3600.0, 7200.0), ("min", 60.0, 120.0)),
)
"""A unit, its seconds, and from how many on it is taken."""


def format_si(value: float, unit: str) -> str:
    """``value`` with three significant digits and an SI prefix: 0.0564 and "s" give "56.4 ms"."""
    if value == 0:
        return f"0 {unit}".strip()
    scale, prefix = si_scale(value)
    shown = value / scale
    return f"{shown:.{_decimals(shown)}f} {prefix}{unit}".strip()


def format_range(estimate: Estimate) -> str:
    """The range of an estimate at the scale and with the decimals of its value: "50.1–62.3"."""
    if estimate.value == 0:
        return f"{estimate.lower:g}–{estimate.upper:g}"
    scale = si_scale(estimate.value)[0]
    decimals = _decimals(estimate.value / scale)
    return "–".join(f"{bound / scale:.{decimals}f}" for bound in (estimate.lower, estimate.upper))


def format_count(number: int, thing: str) -> str:
    """How many of a thing: "1 point", "1,000 points"."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


def format_kib(size_bytes: int) -> str:
    """Bytes in KiB: "116.1 KiB"."""
    return f"{size_bytes / 1024:.1f} KiB"


def format_score(value: float | None) -> str:
    """A class's score: "0.97", or what a model says that gives no number."""
    return "no number" if value is None else f"{value:.2f}"


def format_accuracy(accuracy: Accuracy) -> str:
    """How good a model is: "92.3 % of 1,000 samples right on the host, target 90 %: met"."""
    metric = accuracy.metric.removeprefix("smoke-")
    is_area = metric == "auc"
    value = f"AUC {accuracy.value:.3f} over" if is_area else f"{100 * accuracy.value:.1f} % of"
    source = "smoke set: " if accuracy.metric != metric else ""
    right = "" if is_area else " right"
    said = f"{source}{value} {accuracy.samples:,} samples{right} on the {accuracy.on}"
    if accuracy.target is None:
        return said
    target = f"{accuracy.target:.2f}" if is_area else f"{100 * accuracy.target:g} %"
    return f"{said}, target {target}: {'met' if accuracy.passed else 'missed'}"


def format_duration(seconds: float) -> str:
    """How long, as people say it: "908 ms", "3.2 h", "41 days", "2.3 years"."""
    for unit, length, least in _SPANS:
        if seconds >= least:
            shown = seconds / length
            return f"{shown:.{0 if shown >= 10 else 1}f} {unit}"
    return format_si(seconds, "s")


def si_scale(value: float) -> tuple[float, str]:
    """What to divide by to read ``value`` well, and that SI prefix: 2.5e6 gives 1e6 and "M"."""
    return next(((s, p) for s, p in _PREFIXES if abs(value) >= 0.9995 * s), _PREFIXES[-1])


def _decimals(value: float) -> int:
    return 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
