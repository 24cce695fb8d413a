"""``simbench baseline``: a result kept in a repository, to compare later ones with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from simbench.cli.output import OutputFile
from simbench.comparisons.baseline import DEFAULT_FILE, accept, render
from simbench.errors import EXIT_GOOD, NothingRun
from simbench.result.stored import read_run
from simbench.result.tree import OK, Result, Run

_file_option = click.option(
    "--to",
    "file",
    type=click.Path(path_type=Path),
    default=DEFAULT_FILE,
    show_default=True,
    metavar="FILE",
    help="The baseline.",
)


@click.group(name="baseline")
def command() -> None:
    """Keep a result as a baseline: a small, sorted JSON file without host facts or dates.

    \b
    Examples:
      simbench baseline save run.json
      simbench compare simbench-baseline.json new.json --fail-on cycles:+1%
      simbench baseline accept new.json --only 'kws@stm32f4/*'
    """


@command.command(name="save")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN.json")
@_file_option
def save(run: Path, file: Path) -> int:
    """Write a run as the baseline, in the place of any before.

    \b
    Example:
      simbench baseline save run.json --to ci/baseline.json
    """
    stored = read_run(run)
    if not stored.results:
        raise NothingRun(f"nothing was saved: {run} holds no result")
    return _write(stored, stored.results, file)


@command.command(name="accept")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN.json")
@click.option(
    "--only",
    default="*",
    metavar="ENTRIES",
    help="Accept only these: kws, kws@stm32f4, '*@stm32f4/cmsis-nn'. Default: all.",
)
@_file_option
def accept_(run: Path, only: str, file: Path) -> int:
    """Put results of a run into the baseline; the others stay.

    \b
    Example:
      simbench baseline accept new.json --only kws
    """
    baseline, new = read_run(file), read_run(run)
    accepted = accept(baseline, new, only)
    chosen = [result for result in new.results if result in accepted.results]
    return _write(accepted, chosen, file)


def _write(run: Run, taken: Sequence[Result], file: Path) -> int:
    output = OutputFile(str(file))
    output.write(render(run))
    output.close()
    for result in taken:
        doubt = "" if result.status == OK else f", and it is {result.status}: {result.reason}"
        click.echo(f"{result.id}: kept in {file}{doubt}", err=True)
    return EXIT_GOOD
