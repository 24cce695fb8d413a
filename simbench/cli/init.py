"""``simbench init``: a suite file and a workflow for the models of a repository."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.cli.names import PLATFORM
from simbench.cli.output import OutputFile
from simbench.errors import UsageError
from simbench.files.jsonschema import render
from simbench.suites.file import SUITE_FILE
from simbench.suites.schema import suite_schema
from simbench.task.tasks import own_benchmark

WORKFLOW_FILE = ".github/workflows/simbench.yml"
DEFAULT_ACTION = "OWNER/simbench@main"
_NO_MODELS_IN = ("build", "dist", "node_modules", "venv")

_WORKFLOW = """\
name: simbench
on: [push, pull_request]
permissions: {{contents: read, pull-requests: write}}
jobs:
  simbench:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: {action}
"""

_BUDGETS = """\
# The most that a result may need; 'simbench run' exits with 1 where it needs more.
# budgets:
#   {name}@{platform}: {{cycles: 12e6, energy_j: 5mJ, arena_bytes: 64KiB}}
"""


@click.command(name="init")
@click.option(
    "--platform",
    "platforms",
    type=PLATFORM,
    multiple=True,
    default=("stm32f4",),
    show_default="stm32f4",
    metavar="NAME",
    help="Platform to run on (repeat).",
)
@click.option(
    "--action",
    default=DEFAULT_ACTION,
    show_default=True,
    metavar="OWNER/REPOSITORY@REF",
    help="Where GitHub finds simbench.",
)
@click.option(
    "--schema",
    metavar="PATH",
    help="Write the suite file's JSON Schema there too, for editors that complete YAML by it.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def command(platforms: Sequence[str], action: str, schema: str | None, force: bool) -> int:
    """Write simbench.yaml with the .tflite files below this folder, and a GitHub workflow.

    \b
    Examples:
      simbench init
      simbench init --platform nrf52840 --platform stm32h7
      simbench init --schema .simbench.schema.json
    """
    boards = [name if name.endswith(".yaml") else load_platform(name).id for name in platforms]
    models = _named(find_models(Path()))
    files = {
        SUITE_FILE: _suite(boards, models, schema),
        WORKFLOW_FILE: workflow(action),
    }
    if schema is not None:
        files[schema] = render(suite_schema())
    _write(files, force=force)
    for name in files:
        click.echo(f"wrote {name}")
    if not models:
        click.echo(f"no .tflite file is below this folder: {SUITE_FILE} names the benchmarks")
    click.echo(
        "keep what pull requests are compared with: simbench run --json run.json && "
        "simbench baseline save run.json"
    )
    if action == DEFAULT_ACTION:
        click.echo(f"in {WORKFLOW_FILE}, put the GitHub account that has simbench for OWNER")
    return 0


def workflow(action: str) -> str:
    """The GitHub workflow that runs the suite with ``action``, and comments on pull requests."""
    return _WORKFLOW.format(action=action)


def find_models(folder: Path) -> Iterator[Path]:
    """The .tflite files below ``folder``, in order, except in hidden and build folders."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f[0] != "." and f not in _NO_MODELS_IN)
        yield from (Path(place, name) for name in sorted(names) if name.endswith(".tflite"))


def _named(models: Iterator[Path]) -> Mapping[str, Path]:
    """The models by names that are not taken, after their files."""
    taken: dict[str, Path] = {}
    for path in models:
        name = wanted = own_benchmark(path).id
        number = 1
        while name in taken:
            number += 1
            name = f"{wanted[:28]}-{number}"
        taken[name] = path
    return taken


def _suite(boards: Sequence[str], models: Mapping[str, Path], schema: str | None) -> str:
    names = list(models) or list(load_benchmarks())
    lines = [f"# yaml-language-server: $schema={schema}"] if schema is not None else []
    lines += ["# What 'simbench run' runs here; 'simbench list' shows what else there is."]
    lines += [f"platforms: [{', '.join(map(_scalar, boards))}]"]
    if models:
        lines += ["models:"]
        for name, path in models.items():
            lines += [f"  {name}:", f"    file: {_scalar(path.as_posix())}"]
    else:
        lines += [f"benchmarks: [{', '.join(names)}]"]
    return "\n".join(lines) + "\n" + _BUDGETS.format(name=names[0], platform=boards[0])


def _scalar(text: str) -> str:
    """The text as a YAML scalar, whatever is in it."""
    return text if re.fullmatch(r"[\w./-]+", text) else json.dumps(text)


def _write(files: Mapping[str, str], *, force: bool) -> None:
    """All of the files or, where one is there and not to be replaced, none."""
    there = [name for name in files if Path(name).exists()]
    if there and not force:
        raise UsageError(f"{there[0]} is there already: move it away, or replace it with --force")
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        OutputFile(name).write(text)
