"""Which of many passages of a section is measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from simbench.errors import UsageError

MOST_PASSES = 10_000
_TEXT = re.compile(r"(?:(?P<which>least|median|most):)?(?P<number>\d+)")


class Which(StrEnum):
    """The last of so many passages, or of all of them the one of the least, the median or the most
    instructions; of several, the first."""

    LAST = "last"
    LEAST = "least"
    MEDIAN = "median"
    MOST = "most"


@dataclass(frozen=True, slots=True)
class Passes:
    """``number`` passages from the first on, of which ``which`` is measured."""

    number: int = 1
    which: Which = Which.LAST

    def chosen(self, instructions: Sequence[int]) -> int:
        """The index of the measured passage, whose ``instructions`` are given for each of them.

        The median of an even number is the lower of the two in the middle.
        """
        if self.which is Which.LAST:
            return self.number - 1
        order = sorted(instructions)
        place = {Which.LEAST: 0, Which.MEDIAN: (len(order) - 1) // 2, Which.MOST: -1}[self.which]
        return instructions.index(order[place])

    def told(self, instructions: Sequence[int]) -> str | None:
        """A sentence on the passages of so many ``instructions``; None where there is but one."""
        if self.number == 1:
            return None
        chosen, least, most = self.chosen(instructions), min(instructions), max(instructions)
        said = "" if self.which is Which.LAST else f", the {self.which} by instructions"
        return (
            f"measured is passage {chosen + 1} of {self.number}{said}: {instructions[chosen]:,}; "
            f"they take {least:,} (passage {instructions.index(least) + 1}) to {most:,} "
            f"(passage {instructions.index(most) + 1})"
        )


def read_passes(text: str) -> Passes:
    """The passes that ``text`` names: "3" is the third, "median:100" that of the first hundred.

    Raises UsageError for anything else.
    """
    found = _TEXT.fullmatch(text)
    number = int(found["number"]) if found is not None else 0
    if found is None or not 1 <= number <= MOST_PASSES:
        raise UsageError(
            f"pass={text} of --section cannot be read: give pass=3 for the third, or "
            f"pass=least:100, pass=median:100 or pass=most:100 (1 to {MOST_PASSES:,})"
        )
    return Passes(number, Which(found["which"] or Which.LAST))
