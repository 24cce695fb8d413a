"""``simbench platform``: begin a board of your own."""

from __future__ import annotations

from pathlib import Path

import click

from simbench.catalog.drafts import check_name, draft
from simbench.catalog.platforms import platform_path, read_platform
from simbench.catalog.schema import platform_schema
from simbench.cli.names import PLATFORM
from simbench.cli.output import OutputFile
from simbench.errors import EXIT_GOOD, UsageError
from simbench.files.jsonschema import render

SCHEMA_FILE = ".simbench-platform.schema.json"


@click.group(name="platform")
def command() -> None:
    """Begin a board of your own.

    \b
    Examples:
      simbench platform new STM32G474 --like stm32l4r5
      simbench run --platform stm32g474.yaml --benchmark kws
    """


@command.command(name="new")
@click.argument("name")
@click.option(
    "--like",
    required=True,
    type=PLATFORM,
    metavar="NAME",
    help="The board whose file it begins as: one with the same core, and a flash like it.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def new(name: str, like: str, force: bool) -> int:
    """Write NAME.yaml here: every key that a board needs, where a datasheet has it, and none of the
    other board's claims. A schema for editors is written beside it.

    \b
    Example:
      simbench platform new STM32G474 --like stm32l4r5
    """
    board = check_name(name)
    target = Path(f"{board}.yaml")
    if target.exists() and not force:
        raise UsageError(f"{target} is there already: move it away, or replace it with --force")
    text = draft(board, platform_path(like), SCHEMA_FILE)
    OutputFile(str(target)).write(text)
    OutputFile(SCHEMA_FILE).write(render(platform_schema()))
    made = read_platform(target)  # it runs as it is
    click.echo(
        f"{target} is {made.title}, with the numbers of {like}: change them, each with its source, "
        f"then 'simbench run --platform {target}'",
        err=True,
    )
    return EXIT_GOOD
