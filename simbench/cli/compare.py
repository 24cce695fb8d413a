"""``simbench compare``: what changed between two stored results, and whether it matters."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from simbench.cli.formats import export_option, outputs, write_all
from simbench.cli.tables.compare import comparison_lines
from simbench.comparisons import compare
from simbench.comparisons.comparison import Comparison
from simbench.comparisons.thresholds import breaches, parse_threshold
from simbench.comparisons.wording import heading
from simbench.errors import EXIT_GOOD, EXIT_WRONG, NothingRun, UsageError
from simbench.exports.comparison import FORMATS
from simbench.result.metrics import selects
from simbench.result.stored import read_stored
from simbench.result.tree import Run


@click.command(name="compare")
@click.argument("base", type=click.Path(path_type=Path), metavar="BASE.json")
@click.argument("new", type=click.Path(path_type=Path), metavar="NEW.json")
@click.option(
    "--fail-on",
    "thresholds",
    multiple=True,
    metavar="THRESHOLD",
    help="Exit with 1 where METRIC[@ENTRIES][:CHANGE] is exceeded (repeat): cycles:+1%, "
    "arena_bytes:+0, cycles@kws:+1%, parity, outputs, status.",
)
@click.option(
    "--only",
    default="*",
    metavar="ENTRIES",
    help="Compare only these: kws, kws@stm32f4, '*@stm32f4/cmsis-nn'.",
)
@click.option("--layers", is_flag=True, help="Show every layer, not only what changed most.")
@click.option(
    "--force", is_flag=True, help="Compare runs of other settings, cost models or tools too."
)
@click.option(
    "--json",
    "json_path",
    metavar="PATH",
    help="Write the comparison as JSON; '-' is standard output, instead of the table.",
)
@export_option(FORMATS)
def command(
    base: Path,
    new: Path,
    thresholds: tuple[str, ...],
    only: str,
    layers: bool,
    force: bool,
    json_path: str | None,
    exports: tuple[str, ...],
) -> int:
    """Compare two stored results, or a baseline and a result, entry by entry.

    \b
    Examples:
      simbench compare simbench-baseline.json new.json
      simbench compare base.json new.json --fail-on cycles:+1% --fail-on parity
      simbench compare base.json new.json --fail-on arena_bytes@kws:+0 --layers
      simbench compare base.json new.json --export markdown=comment.md
    """
    limits = [parse_threshold(text) for text in thresholds]
    files = outputs(json_path, exports, FORMATS)
    comparison = _compared(_read(base, only), _read(new, only), force)
    found = tuple(line for limit in limits for line in breaches(limit, comparison))
    comparison = replace(comparison, breaches=found)
    if not write_all(files, FORMATS, comparison):
        lines = "\n".join(comparison_lines(comparison, every_layer=layers))
        click.echo(lines, color=False if os.environ.get("NO_COLOR") else None)
    return _verdict(comparison)


def _read(path: Path, only: str) -> Run:
    stored = read_stored(path)
    for note in stored.notes:
        _say(note)
    chosen = (result for result in stored.run.results if selects(only, result.id))
    return replace(stored.run, results=tuple(chosen))


def _compared(base: Run, new: Run, force: bool) -> Comparison:
    comparison = compare(base, new)
    if not any(entry.is_compared for entry in comparison.entries):
        raise NothingRun(
            "nothing was compared: no benchmark, platform and kernel set is in both files"
        )
    if comparison.differences and not force:
        raise UsageError(
            f"the two cannot be compared, for they differ: {'; '.join(comparison.differences)}: "
            "run both alike, or say --force"
        )
    return comparison


def _verdict(comparison: Comparison) -> int:
    """The exit code; what was forced, broke or breached is said on standard error, last."""
    if comparison.differences:
        _say(f"compared all the same (--force): {'; '.join(comparison.differences)}")
    for entry in comparison.entries:
        if entry.is_broken:
            _say(f"{entry.id}: {heading(entry)}")
    for line in comparison.breaches:
        _say(line)
    return EXIT_WRONG if comparison.breaches else EXIT_GOOD


def _say(sentence: str) -> None:
    click.echo(f"simbench: {sentence}", err=True)
