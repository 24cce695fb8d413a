"""``simbench report``: a stored result as a table, a page, or in another format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from simbench.cli.console import console
from simbench.cli.formats import export_option, outputs, write_all
from simbench.cli.tables.run import run_tables
from simbench.errors import EXIT_GOOD, NothingRun
from simbench.exports import RUN, formats
from simbench.exports import html as html_export
from simbench.result.stored import Stored, read_stored
from simbench.result.tree import Result

FORMATS = formats(RUN)

_HTML = "html"


@click.command(name="report")
@click.argument("path", type=click.Path(path_type=Path), metavar="RUN.json")
@click.option(
    "--html",
    "html_path",
    metavar="PATH",
    help="Write a page with figures, one file that needs nothing else; '-' is standard output.",
)
@export_option(FORMATS)
def command(path: Path, html_path: str | None, exports: tuple[str, ...]) -> int:
    """Show a stored result again: as the table, as a page with figures, or in another format.

    \b
    Examples:
      simbench report kws.json
      simbench report kws.json --html kws.html
      simbench report kws.json --export markdown=kws.md
    """
    pages = [] if html_path is None else [f"{_HTML}={html_path}"]
    files = outputs(None, [*pages, *exports], FORMATS)
    stored = read_stored(path)
    if not stored.run.results:
        raise NothingRun(f"{path} holds no result: its run ended before the first")
    for note in stored.notes:
        click.echo(f"simbench: {note}", err=True)
    write_all(
        files,
        lambda form: _render(form, stored),
        lambda: None if files else _report(stored.run.results),
    )
    return EXIT_GOOD


def _render(form: str, stored: Stored) -> str:
    return html_export.render_stored(stored) if form == _HTML else str(FORMATS[form](stored.run))


def _report(results: Sequence[Result]) -> None:
    for table in run_tables(results):
        console().print(table)
