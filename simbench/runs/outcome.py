"""A run from Python: its results as plain numbers, as rows and as a table, ready to be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from simbench.errors import UsageError
from simbench.result.frames import Row, ranged, rows_frame
from simbench.result.metrics import METRICS, selects, value_of
from simbench.result.notebook import UNKNOWN, Cell, estimate_cell, kib_cell, table_html
from simbench.result.tree import DOES_NOT_FIT, FAILED, OK, Result, Run
from simbench.result.units import format_accuracy, format_count, format_score
from simbench.runs.remarks import by_sentence
from simbench.suites.budgets import breaches, shown

if TYPE_CHECKING:
    import pandas

_LAYERS_SHOWN = 3
_ESTIMATES = ("cycles", "time_s", "energy_j")
_HEADINGS = (
    *("result", "status", "exact", "instructions", "cycles", "time", "energy"),
    *("arena, KiB", "RAM, KiB", "flash, KiB"),
)


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """What was run, immutable. ``run`` is the result tree with all there is to know; ``warnings``
    say what went wrong on the way and changed no number, such as a damaged entry of the store.

    Of a single result, the numbers are attributes, in the units of their names. Estimates are
    their values; ``result`` has everything, their ranges included:
    ``outcome.result.cycles.upper``. Asking for what is not known raises UsageError, saying why.
    Of several, each is an outcome of its own, by iteration or by name: ``outcome["kws"]``.
    """

    run: Run
    warnings: tuple[str, ...] = ()

    @property
    def results(self) -> tuple[Result, ...]:
        """The results, in the order they were asked for."""
        return self.run.results

    @property
    def result(self) -> Result:
        """The only result. Raises UsageError where there is not one."""
        if len(self.results) != 1:
            names = ", ".join(result.id for result in self.results)
            raise UsageError(
                f"there are {format_count(len(self.results), 'result')}, and one is asked for: "
                f"choose by name, as in outcome[{(names or 'kws').partition(',')[0]!r}]"
            )
        return self.results[0]

    @property
    def is_good(self) -> bool:
        """Whether every output is right and every budget and target met: what ``simbench run``
        exits with 0 for. A model that does not fit is good where it has no budget."""
        return all(map(_is_good, self.results))

    @property
    def status(self) -> str:
        """How it went: "ok", "failed", "does-not-fit" or "error"."""
        return self.result.status

    @property
    def instructions(self) -> int:
        """Instructions executed in one inference, exact."""
        return int(self._number("instructions"))

    @property
    def cycles(self) -> float:
        """Cycles of one inference."""
        return self._number("cycles")

    @property
    def time_s(self) -> float:
        """Time of one inference."""
        return self._number("time_s")

    @property
    def energy_j(self) -> float:
        """Energy of one inference."""
        return self._number("energy_j")

    @property
    def arena_bytes(self) -> int:
        """The smallest arena that works."""
        return int(self._number("arena_bytes"))

    @property
    def ram_bytes(self) -> int:
        """RAM: static and arena."""
        return int(self._number("ram_bytes"))

    @property
    def flash_bytes(self) -> int:
        """Flash: code and weights."""
        return int(self._number("flash_bytes"))

    @property
    def stack_bytes(self) -> int:
        """The most stack that was in use."""
        return int(self._number("stack_bytes"))

    @property
    def parity(self) -> bool:
        """Whether every output was the host's, bit for bit."""
        return self._number("wrong_outputs") == 0

    def __len__(self) -> int:
        """The number of results."""
        return len(self.results)

    def __iter__(self) -> Iterator[Outcome]:
        """Each result as an outcome of its own."""
        return (self._with(result) for result in self.results)

    def __getitem__(self, pattern: str) -> Outcome:
        """The results that ``pattern`` names: "kws", "kws@stm32f4", "*@stm32f4/cmsis-nn".

        Raises UsageError where there are none.
        """
        chosen = [result for result in self.results if selects(pattern, result.id)]
        if not chosen:
            there = ", ".join(result.id for result in self.results) or "none"
            raise UsageError(f"there is no result {pattern}: there are {there}")
        return self._with(*chosen)

    def __repr__(self) -> str:
        """A result in a line: "kws@stm32f4/cmsis-nn ok: cycles 10.9 M, energy_j 9.65 mJ, ..."."""
        return "\n".join(map(_line, self.results)) or "<no results>"

    def rows(self) -> Iterator[Row]:
        """The results as dictionaries, ranges included; what is not known is None."""
        return map(_row, self.results)

    def to_pandas(self) -> pandas.DataFrame:
        """The results as a pandas DataFrame. Raises UsageError where pandas is not installed."""
        return rows_frame(tuple(self.rows()))

    def write_json(self, path: str | Path) -> None:
        """Write the result tree as JSON, which ``read`` and the verbs of the command line read."""
        text = json.dumps(self.run.document(), indent=2) + "\n"
        Path(path).write_text(text, encoding="utf-8")

    def _repr_html_(self) -> str:
        """The results as a table, with what is to be said of them."""
        cells = map(_cells, self.results)
        remarks = (*_remarks(self.results), *self.warnings)
        return table_html(
            format_count(len(self), "result"), _HEADINGS, cells, remarks, text_columns=2
        )

    def _with(self, *results: Result) -> Outcome:
        return replace(self, run=replace(self.run, results=results))

    def _number(self, metric: str) -> float:
        value = value_of(METRICS[metric].read(self.result))
        if value is None:
            known = self.result.missing or {}
            why = self.result.reason or known.get(metric) or "it was not measured"
            raise UsageError(f"{self.result.id} has no {metric}: {why}")
        return value


def complaint(outcome: Outcome, *, parity: bool) -> str | None:
    """Why the one result of ``outcome`` is not good, and which layers cost most; None where it is.

    Without ``parity``, outputs may differ from the host's.
    """
    result = outcome.result
    wrong = list(breaches(result))
    if result.status not in ((OK,) if parity else (OK, FAILED)):
        wrong = [f"{result.id} is {result.status}: {result.reason}"]
    if not wrong:
        return None
    return "\n".join([*wrong, *_costliest(result)])


def _costliest(result: Result) -> Sequence[str]:
    if result.cycles is None or not result.layers or result.status == DOES_NOT_FIT:
        return ()
    layers = sorted(result.layers, key=lambda layer: -layer.cycles.value)[:_LAYERS_SHOWN]
    rows = [
        f"  {100 * layer.cycles.value / result.cycles.value:4.1f} %  layer {layer.index}: "
        f"{layer.op} {layer.name.partition(';')[0]}"
        for layer in layers
    ]
    return ("most cycles go into", *rows)


def _is_good(result: Result) -> bool:
    is_accurate = result.accuracy is None or result.accuracy.passed is not False
    return result.status in (OK, DOES_NOT_FIT) and is_accurate and not breaches(result)


def _line(result: Result) -> str:
    names = ("instructions", "cycles", "time_s", "energy_j", "arena_bytes")
    values = ((name, value_of(METRICS[name].read(result))) for name in names)
    said = [f"{name} {shown(name, value)}" for name, value in values if value is not None]
    return f"<{result.id} {result.status}: {', '.join(said) or result.reason}>"


def _row(result: Result) -> Row:
    row: Row = {
        "id": result.id,
        "benchmark": result.benchmark,
        "platform": result.platform,
        "kernels": result.kernels,
        "status": result.status,
        "reason": result.reason,
    }
    for name, metric in METRICS.items():
        is_estimate = name in _ESTIMATES
        row |= ranged(name, getattr(result, name)) if is_estimate else {name: metric.read(result)}
    row["coverage"] = result.coverage
    row["accuracy"] = None if result.accuracy is None else result.accuracy.value
    return row


def _cells(result: Result) -> tuple[Cell, ...]:
    memory = result.memory
    sizes = (None,) * 3 if memory is None else (memory.arena_bytes, *memory.placed)
    return (
        result.id,
        result.status if result.reason is None else (result.status, result.reason),
        UNKNOWN if result.parity is None else result.parity.shown,
        UNKNOWN if result.instructions is None else f"{result.instructions:,}",
        estimate_cell(result.cycles, ""),
        estimate_cell(result.time_s, "s"),
        estimate_cell(result.energy_j, "J"),
        *map(kib_cell, sizes),
    )


def _remarks(results: Sequence[Result]) -> Iterator[str]:
    """Missed budgets, accuracy and what was said of inputs; then what is not known, and notes."""
    for result in results:
        yield from breaches(result)
        for said in result.predictions:
            yield f"{result.id} says of {said.input}: {said.label} {format_score(said.score)}"
        if result.accuracy is not None:
            yield f"{result.id}: {format_accuracy(result.accuracy)}"
    for sentence, of in by_sentence(results).items():
        yield f"{', '.join(result.id for result in of)}: {sentence}"
