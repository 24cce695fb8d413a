"""The axes of a study: paths in the files of a board and its core, with the values they take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from itertools import product
from math import prod
from types import MappingProxyType

from simbench.errors import UsageError
from simbench.files.datafile import UNITS, parse_number

MAX_POINTS = 200_000
"""Points that a study may have."""

ALIASES: Mapping[str, str] = MappingProxyType({"clock_hz": "clock", "supply_v": "supply"})
"""Names of the results for keys of the platform files."""

_NUMBER = re.compile(r"(?P<number>[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?)(?P<unit>[A-Za-z]*)")

Setting = Mapping[str, str]
"""Changes to a board: what is written at each path instead. Empty is the board as it is."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A path in a platform's file, or below ``core.`` in its core's, and the values it takes.

    Values are written as in those files: ``40MHz``, ``5``, ``true``, ``sram``.
    """

    path: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Axes that take their first values together, then their second, and so on."""

    name: str
    axes: tuple[Axis, ...]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The settings of the group, in order."""
        paths = [axis.path for axis in self.axes]
        together = zip(*(axis.values for axis in self.axes), strict=True)
        return tuple(dict(zip(paths, values, strict=True)) for values in together)


def parse_axis(text: str) -> Axis:
    """An axis written ``path=values``, with ``values`` as :func:`parse_values` has them."""
    path, separator, values = text.partition("=")
    path = path.strip()
    if not separator or not path:
        raise UsageError(f"{text!r} is not path=values, as in clock_hz=40MHz,80MHz")
    return Axis(ALIASES.get(path, path), parse_values(path, values))


def parse_values(path: str, text: str) -> tuple[str, ...]:
    """Values written as a list ``a,b,c`` of values and ranges ``first..last`` or
    ``first..last:step``.

    Raises UsageError naming ``path``, the axis.
    """
    values: list[str] = []
    for item in text.split(","):
        item = item.strip()
        if not item:
            raise UsageError(f"{path}: {text!r} has a place with no value in it")
        values += _range(path, item) if ".." in item else [item]
    return tuple(values)


def group(axes: Iterable[Axis], name: str = "") -> Group:
    """Axes that go together. Raises UsageError where they are not of one length, or come to the
    same twice."""
    found = tuple(axes)
    if not found:
        raise UsageError("there are no axes to go together: name one, with its values")
    first = found[0]
    for axis in found[1:]:
        if len(axis.values) != len(first.values):
            raise UsageError(
                f"{axis.path} has {len(axis.values)} values and {first.path} {len(first.values)}: "
                "axes that go together need as many each"
            )
    together = list(zip(*(axis.values for axis in found), strict=True))
    for values in together:
        if together.count(values) > 1:
            raise UsageError(f"{first.path}: {', '.join(values)} is given twice")
    return Group(name or first.path, found)


def check_groups(groups: Iterable[Group]) -> tuple[Group, ...]:
    """``groups``, where no path is in two places and the study is not too large."""
    found = tuple(groups)
    paths = [axis.path for g in found for axis in g.axes]
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"{path} is set twice: give all its values in one place")
    check_size(prod(len(g.axes[0].values) for g in found))
    return found


def check_size(points: int) -> None:
    """Raise UsageError where ``points`` are more than a study may have."""
    if points > MAX_POINTS:
        raise UsageError(
            f"{points:,} points are more than the {MAX_POINTS:,} a study may have: give the axes "
            "fewer values, or name fewer boards"
        )


def crossed(groups: Iterable[Group]) -> tuple[Setting, ...]:
    """Every combination of the groups' settings, the last group changing fastest."""
    settings = (g.settings for g in groups)
    return tuple(
        {path: value for setting in chosen for path, value in setting.items()}
        for chosen in product(*settings)
    )


@lru_cache(maxsize=1 << 14)
def plain(text: str) -> float | str:
    """A value as a number in SI units or bytes, or the text itself where it is none: 168e6."""
    for unit in UNITS:
        try:
            return parse_number(text, unit)
        except ValueError:
            continue
    return text


def nearest(path: str, known: Iterable[str]) -> str:
    """The paths most like ``path``, for a sentence."""
    return ", ".join(get_close_matches(path, list(known), 3, cutoff=0.3))


def _range(path: str, text: str) -> Iterator[str]:
    bounds, _, step = text.partition(":")
    first, last = (_quantity(path, text, end) for end in bounds.split("..", 1))
    each = _quantity(path, text, step or f"1{first.unit}")
    ends = (first, last, each)
    kind = next((k for k, units in UNITS.items() if all(q.fits(units) for q in ends)), None)
    if kind is None:
        raise UsageError(f"{path}: {text}: write first, last and step in units of one kind")
    start, end, by = (quantity.scaled(kind) for quantity in ends)
    if by <= 0 or end < start:
        raise UsageError(f"{path}: {text}: a range goes up, as in 0..5 or 40MHz..120MHz:20MHz")
    count = int((end - start) / by) + 1
    if count > MAX_POINTS:
        raise UsageError(f"{path}: {text}: {count:,} values are more than {MAX_POINTS:,}")
    for index in range(count):
        value = (start + index * by) / _scale(kind, first.unit)
        yield f"{value.normalize():f}{first.unit}"


@dataclass(frozen=True, slots=True)
class _Quantity:
    number: Decimal
    unit: str

    def fits(self, units: Mapping[str, float]) -> bool:
        return not self.unit or self.unit in units

    def scaled(self, kind: str) -> Decimal:
        return self.number * _scale(kind, self.unit)


def _scale(kind: str, unit: str) -> Decimal:
    return Decimal(str(UNITS[kind].get(unit, 1.0)))


def _quantity(path: str, whole: str, text: str) -> _Quantity:
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{path}: {whole}: {text!r} is not a number; a range is written 0..5")
    return _Quantity(Decimal(match["number"]), match["unit"])
