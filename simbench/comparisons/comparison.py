"""The tree that a comparison of two runs is: entries, their metrics before and after, causes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simbench.errors import UsageError
from simbench.result.frames import Row, rows_frame
from simbench.result.tree import OK, Layer, Result

if TYPE_CHECKING:
    import pandas

CODE = "code"
PRICE = "price"
TOOL = "simbench"

IDENTITY = ("firmware", "model", "input")
"""What was run, by the names of its hashes among an entry's facts."""

_ROUNDING = 1e-9  # another machine may add floating point numbers in another order


@dataclass(frozen=True, slots=True)
class Change:
    """One metric before and after; ``None`` where it was, or is, not known."""

    metric: str
    unit: str
    base: float | None
    new: float | None

    @property
    def absolute(self) -> float | None:
        """After minus before, in the metric's unit."""
        return None if self.base is None or self.new is None else self.new - self.base

    @property
    def relative(self) -> float | None:
        """The change as a share of what was before; None where that was nothing."""
        return self.absolute / self.base if self.absolute is not None and self.base else None

    @property
    def is_real(self) -> bool:
        """Whether the two differ by more than the rounding of sums. What was not known before
        cannot have changed; what is not known any more has."""
        if self.base is None or self.new is None:
            return self.base is not None
        return abs(self.new - self.base) > _ROUNDING * abs(self.base)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something other than a quantity that differs: a status, or the hash of a file."""

    name: str
    base: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A layer's metrics; ``base`` is None where the layer is new, ``new`` where it has gone."""

    base: Layer | None
    new: Layer | None
    changes: tuple[Change, ...]

    @property
    def layer(self) -> Layer:
        """The layer as it is, or was."""
        found = self.new or self.base
        assert found is not None
        return found

    @property
    def cycles(self) -> Change:
        """What the layer costs, before and after."""
        return next(change for change in self.changes if change.metric == "cycles")

    @property
    def is_real(self) -> bool:
        """Whether anything of the layer changed, or it is in one of the runs alone."""
        is_paired = self.base is not None and self.new is not None
        return not is_paired or any(change.is_real for change in self.changes)


@dataclass(frozen=True, slots=True)
class Entry:
    """A result before and after. ``base`` is None where the entry is new, ``new`` where it is
    missing (it has no changes then); ``changes`` holds every metric, ``facts`` what differs.

    ``causes`` says what changed: the code (firmware, model or input), the price of instructions,
    or, where both are the same, simbench itself. It is empty where either was not executed.
    ``price_causes`` says what of the price changed ("platform mine"), where both runs say it.
    """

    id: str
    base: Result | None
    new: Result | None
    changes: tuple[Change, ...] = ()
    facts: tuple[Fact, ...] = ()
    layers: tuple[LayerChange, ...] = ()
    causes: tuple[str, ...] = ()
    price_causes: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """ "missing", "added", "changed" or "equal"."""
        if self.new is None:
            return "missing"
        if self.base is None:
            return "added"
        return "changed" if self.is_changed else "equal"

    @property
    def is_compared(self) -> bool:
        """Whether the entry is in both runs."""
        return self.base is not None and self.new is not None

    @property
    def is_broken(self) -> bool:
        """Whether the entry was ok and is not any more."""
        if self.base is None or self.new is None:
            return False
        return self.base.status == OK != self.new.status

    @property
    def is_changed(self) -> bool:
        """Whether the entry is in both runs and anything differs."""
        has_changes = any(change.is_real for change in self.changes)
        return bool(self.facts) or has_changes or any(layer.is_real for layer in self.layers)


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Two runs compared. ``differences`` are the conditions that make numbers incomparable,
    ``breaches`` a sentence for each broken threshold, ``notes`` what is odd about the runs."""

    entries: tuple[Entry, ...]
    differences: tuple[str, ...]
    breaches: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """The comparison in a line: "<comparison of 4: 3 equal, 1 changed>"."""
        states = Counter(entry.state for entry in self.entries)
        said = ", ".join(f"{number} {state}" for state, number in states.items())
        return f"<comparison of {len(self)}: {said or 'nothing'}>"

    def __len__(self) -> int:
        """The number of entries."""
        return len(self.entries)

    def __getitem__(self, id_: str) -> Entry:
        """The entry called ``id_``. Raises UsageError where there is none."""
        for entry in self.entries:
            if entry.id == id_:
                return entry
        there = ", ".join(entry.id for entry in self.entries)
        raise UsageError(f"there is no entry {id_}: there are {there or 'none'}")

    def rows(self) -> Iterator[Row]:
        """A dictionary for each metric of each entry; what is not known is None."""
        return (
            {
                "id": entry.id,
                "state": entry.state,
                "metric": change.metric,
                "unit": change.unit,
                "base": change.base,
                "new": change.new,
                "change": change.absolute,
                "relative": change.relative,
            }
            for entry in self.entries
            for change in entry.changes
        )

    def to_pandas(self) -> pandas.DataFrame:
        """The metrics as a pandas DataFrame. Raises UsageError where pandas is not installed."""
        return rows_frame(tuple(self.rows()))

    def _repr_html_(self) -> str:
        """The entries as a table, and what thresholds and conditions say of them."""
        from simbench.comparisons.notebook import comparison_html  # which words this module's tree

        return comparison_html(self)
