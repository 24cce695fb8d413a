"""What a result would be at other settings of its board: prices worked out, to be looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AS_IS = "as-is"
"""The value that leaves what the file says, with its range."""
ABSENT = "none"
"""The value that takes a key away, as a cache."""

Span = tuple[float, float, float]
"""A value, its lower and its upper bound."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Paths of a board's file that are set together, and the ``values`` written at each of them.

    They are named and written as for ``simbench sweep --set``. The board as it is has ``as_is``, an
    index of ``values``; ``says`` is what the file has there, where that is one number or word.
    """

    paths: tuple[str, ...]
    values: tuple[str, ...]
    as_is: int
    says: str | None = None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One simulation's prices at every combination of ``choices``, the last changing fastest.

    ``cycles`` has the combinations without the first choice, the clock, on which they do not
    depend; ``energy_j``, empty where the board's is not known, has them all. In place of what has
    no price there is a sentence. ``clock_hz`` are the clocks. ``left_out`` says of what has no
    choice why, by its path.
    """

    clock_hz: tuple[float, ...]
    choices: tuple[Choice, ...]
    cycles: tuple[Span | str, ...]
    energy_j: tuple[Span | str, ...]
    left_out: Mapping[str, str]
