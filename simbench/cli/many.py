"""``simbench run --models``: a row for each model and platform, as it comes."""

from __future__ import annotations

import contextlib
import functools
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from simbench.cli.console import console, log_to
from simbench.cli.options import LOCAL, chosen_scheduler, executor_options
from simbench.cli.output import STDOUT, OutputFile, Unwritten
from simbench.errors import EXIT_GOOD, EXIT_INFRASTRUCTURE, EXIT_USAGE, EXIT_WRONG, UsageError
from simbench.exports.rows import CsvRows, ParquetRows, RowsFile
from simbench.result.tree import ERROR, FAILED, UNSUPPORTED
from simbench.search.asked import PARITY, Asked
from simbench.search.model import listed
from simbench.store import Store

_CODES = ((ERROR, EXIT_INFRASTRUCTURE), (FAILED, EXIT_WRONG), (UNSUPPORTED, EXIT_USAGE))
_TOLD_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Many:
    """What was asked of many models: the folder or pattern of files, and how rows are written."""

    models: str
    parquet: str | None
    parity: str
    layers: bool
    jobs: int | None
    scheduler: str | None


def many_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options of many models; ``command`` takes them together, as ``many``."""

    @functools.wraps(command)
    def together(
        *,
        many_models: str | None,
        parquet: str | None,
        parity: str | None,
        layers: bool,
        jobs: int | None,
        executor: str,
        scheduler: str | None,
        **others: object,
    ) -> int:
        if many_models is not None:
            address = chosen_scheduler(executor, scheduler)
            many = Many(many_models, parquet, parity or _PARITY, layers, jobs, address)
            return command(many=many, **others)
        given: dict[str, object] = {
            **{"--parquet": parquet, "--parity": parity, "--layers": layers, "--jobs": jobs},
            "--executor": executor != LOCAL or scheduler,
        }
        for option, value in given.items():
            if value:
                raise UsageError(f"{option} is of many models: name them with --models")
        return command(many=None, **others)

    for option in reversed(_OPTIONS):
        together = option(together)
    return together


_PARITY = "one"
_OPTIONS = (
    click.option(
        "--models",
        "many_models",
        metavar="DIR",
        help="Measure every model of a folder, or a pattern of files: a row for each and platform.",
    ),
    click.option(
        "--parquet",
        metavar="PATH",
        help="Write the rows of --models as Parquet. Default: CSV on standard output.",
    ),
    click.option(
        "--parity",
        type=click.Choice(tuple(PARITY)),
        help="Outputs that are compared with the host's, of each of --models. Default: one.",
    ),
    click.option("--layers", is_flag=True, help="Give rows of --models their layers, in Parquet."),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Processes that measure --models. Default: one for each core.",
    ),
    executor_options("Where --models are measured."),
)


def check_alone(others: Mapping[str, object]) -> None:
    """Raise UsageError where an option of ``others``, by name, was given beside --models."""
    for option, value in others.items():
        if value:
            raise UsageError(f"{option} is not of many models: leave it out, or --models")


def run_many(many: Many, asked: Asked, store: Store | None) -> int:
    """Measure ``many`` models as they are ``asked`` for, and write the rows as they come. Returns
    the exit code."""
    from simbench.search.run import search  # a run of few models loads nothing that measures many

    terminal = console(stderr=True)
    log = log_to(terminal)
    chosen = list(listed(many.models))
    came = search(chosen, asked, store, many.jobs, log, log, many.scheduler)
    statuses: Counter[str] = Counter()
    with _rows_file(many.parquet) as file, _told(terminal, len(chosen)) as told:
        try:
            for model in came:
                file.write(model.rows)
                statuses.update(row.status for row in model.rows)
                told.one(is_kept=model.is_kept)
        except KeyboardInterrupt:
            if store is not None:
                log(f"{told.done:,} of {len(chosen):,} models are kept: the same command goes on")
            raise
    counted = ", ".join(f"{number:,} {status}" for status, number in statuses.most_common())
    log(f"{told.said()}; rows: {counted}")
    return next((code for status, code in _CODES if statuses[status]), EXIT_GOOD)


@contextlib.contextmanager
def _rows_file(parquet: str | None) -> Iterator[RowsFile]:
    """Where the rows go; however it ends, what came is there and whole."""
    if parquet in (None, STDOUT):
        if parquet is not None:
            raise UsageError("Parquet is not for standard output: name a file, or leave it out")
        yield CsvRows(sys.stdout.write)
        return
    assert parquet is not None
    OutputFile(parquet)  # what cannot be written is said now
    try:
        file = ParquetRows(Path(parquet))
        try:
            yield file
        finally:
            file.close()
    except OSError as error:
        raise Unwritten(parquet, error) from error


class _Told:
    """How far a search is: a bar on a terminal, elsewhere a line now and then."""

    def __init__(self, terminal: Console, total: int, bar: Progress) -> None:
        self.done = self._kept = 0
        self._total, self._terminal, self._bar = total, terminal, bar
        self._task = bar.add_task("measuring", total=total, rate="")
        self._began = self._last = time.monotonic()

    def one(self, *, is_kept: bool) -> None:
        """Another model is done."""
        self.done += 1
        self._kept += is_kept
        self._bar.update(self._task, advance=1, rate=self._rate())
        if not self._terminal.is_terminal and time.monotonic() - self._last > _TOLD_EVERY_S:
            self._last = time.monotonic()
            click.echo(f"simbench: {self.said()}", err=True)

    def said(self) -> str:
        """How far it is, in words."""
        kept = f", {self._kept:,} of them kept before" if self._kept else ""
        left = self._left_s()
        ahead = f", about {left:,.0f} s left" if left else ""
        return f"{self.done:,} of {self._total:,} models{kept}, {self._rate()}{ahead}"

    def _rate(self) -> str:
        return f"{self._per_s():,.1f} models/s"

    def _per_s(self) -> float:
        took = time.monotonic() - self._began
        return (self.done - self._kept) / took if took else 0.0

    def _left_s(self) -> float:
        rate = self._per_s()
        return (self._total - self.done) / rate if rate else 0.0


@contextlib.contextmanager
def _told(terminal: Console, total: int) -> Iterator[_Told]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    shown = Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal)
    with shown:
        yield _Told(terminal, total, shown)
