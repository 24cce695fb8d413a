"""One thing changed at a time: along an axis of a study, or every number by a share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan

from simbench.sweeps.axes import Group, Setting, plain
from simbench.sweeps.sheet import Sheet
from simbench.sweeps.words import value_in_words


@dataclass(frozen=True, slots=True)
class Change:
    """A board with one axis (or a group of them that go together) away from what it is.

    ``axis`` is the name of the axis or group, ``value`` what it is set to in words, of a group its
    first axis. ``number`` is that as a number, and ``was`` the board's own; NaN for a text.
    """

    axis: str
    value: str
    number: float
    was: float
    setting: Setting


def group_changes(files: Sheet, group: Group) -> Iterator[Change]:
    """The board with each setting of ``group`` alone, where it can be made alone."""
    path = group.axes[0].path
    was = _number(files.value(path))
    for setting in group.settings:
        if files.can_be(setting):
            yield Change(group.name, setting[path], _number(setting[path]), was, setting)


def sensitivity_changes(files: Sheet, fraction: float) -> Iterator[Change]:
    """The board with each number that prices are made of lower, and higher, by ``fraction``.

    A number that is 0 has no share of itself and is left out.
    """
    for path in files.prices():
        was = _number(files.value(path))
        if was == 0:
            continue
        for factor in (1 - fraction, 1 + fraction):
            number = was * factor
            said = value_in_words(path, number)
            yield Change(path, said, number, was, {path: repr(number)})


def _number(text: str) -> float:
    value = plain(text)
    return value if isinstance(value, float) else nan
