"""``simbench compare``: what changed between two stored results, and whether it matters."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from simbench.cli.formats import export_option, outputs, write_all
from simbench.cli.tables.compare import comparison_lines
from simbench.cli.tables.measures import measures_lines
from simbench.comparisons.checked import compare_alike
from simbench.comparisons.comparison import Change, Comparison
from simbench.comparisons.measures import compare as compare_measures
from simbench.comparisons.measures import holds_measures, read_measures
from simbench.comparisons.thresholds import parse_threshold
from simbench.comparisons.wording import heading
from simbench.errors import EXIT_GOOD, EXIT_WRONG, NothingRun, UsageError
from simbench.exports import COMPARISON, formats
from simbench.result.stored import read_stored
from simbench.result.tree import Run

FORMATS = formats(COMPARISON)


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
@click.option(
    "--as",
    "name",
    metavar="NAME",
    help="What the one benchmark, model or firmware of each is called, whatever its file is.",
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
    name: str | None,
    layers: bool,
    force: bool,
    json_path: str | None,
    exports: tuple[str, ...],
) -> int:
    """Compare two stored results, or a baseline and a result, entry by entry.

    Two files that simbench's own bench wrote are compared too, number by number: only --only goes
    with them.

    \b
    Examples:
      simbench compare simbench-baseline.json new.json
      simbench compare base.json new.json --fail-on cycles:+1% --fail-on parity
      simbench compare base.json new.json --fail-on arena_bytes@kws:+0 --layers
      simbench compare base.json new.json --export markdown=comment.md
      simbench compare model_v1.json model_v2.json --as model
    """
    limits = [parse_threshold(text) for text in thresholds]
    files = outputs(json_path, exports, FORMATS)
    if holds_measures(base) and holds_measures(new):
        options = {"--fail-on": thresholds, "--as": name, "--layers": layers, "--force": force}
        _refuse({**options, "--json": json_path, "--export": exports}, base)
        return _report_measures(compare_measures(read_measures(base), read_measures(new), only))
    comparison = compare_alike(
        _read(base), _read(new), only=only, name=name, thresholds=limits, force=force
    )
    write_all(
        files, lambda form: FORMATS[form](comparison), lambda: _show(comparison, every_layer=layers)
    )
    return _verdict(comparison)


def _show(comparison: Comparison, *, every_layer: bool) -> None:
    lines = "\n".join(comparison_lines(comparison, every_layer=every_layer))
    click.echo(lines, color=False if os.environ.get("NO_COLOR") else None)


def _refuse(options: Mapping[str, object], path: Path) -> None:
    """Raise UsageError for an option that was given and means nothing for measures."""
    for option, value in options.items():
        if value:
            raise UsageError(f"{option} is of results, and {path} holds measures: leave it out")


def _report_measures(changes: Sequence[Change]) -> int:
    if not any(change.absolute is not None for change in changes):
        raise NothingRun("nothing was compared: no number is in both files")
    click.echo("\n".join(measures_lines(changes)))
    return EXIT_GOOD


def _read(path: Path) -> Run:
    stored = read_stored(path)
    for note in stored.notes:
        _log(note)
    return stored.run


def _verdict(comparison: Comparison) -> int:
    """The exit code; what was forced, broke or breached is said on standard error, last."""
    for note in comparison.notes:
        _log(note)
    if comparison.differences:
        _log(f"compared all the same (--force): {'; '.join(comparison.differences)}")
    for entry in comparison.entries:
        if entry.is_broken:
            _log(f"{entry.id}: {heading(entry)}")
    for line in comparison.breaches:
        _log(line)
    return EXIT_WRONG if comparison.breaches else EXIT_GOOD


def _log(sentence: str) -> None:
    click.echo(f"simbench: {sentence}", err=True)
