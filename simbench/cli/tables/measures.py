"""The table of what simbench's own bench measured twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simbench.comparisons.comparison import Change
from simbench.comparisons.wording import ratio, relative

_LINE = "{:<42} {:>12} {:>12} {:>11}"


def measures_lines(changes: Iterable[Change]) -> Iterator[str]:
    """A line for each number: before, after, and by how much it changed."""
    yield _LINE.format("", "base", "new", "change")
    for change in changes:
        base, new = ratio(change.base), ratio(change.new)
        yield _LINE.format(change.metric, base, new, relative(change))
