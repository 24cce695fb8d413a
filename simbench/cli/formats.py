"""``--json PATH`` and ``--export FORMAT=PATH``: the files that a verb writes besides its table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import click

from simbench.cli.names import format_of
from simbench.cli.output import STDOUT, OutputFile, Unwritten
from simbench.errors import UsageError

JSON = "json"

Files = Sequence[tuple[str, OutputFile]]
"""Files with the formats to write them in."""

_Command = TypeVar("_Command", bound=Callable[..., object])


def export_option(formats: Collection[str]) -> Callable[[_Command], _Command]:
    """The option ``--export``, whose values :func:`outputs` takes."""
    return click.option(
        "--export",
        "exports",
        type=format_of(formats),
        multiple=True,
        metavar="FORMAT=PATH",
        help=f"Write it as {', '.join(formats)} too (repeat); '-' is standard output.",
    )


def outputs(json_path: str | None, exports: Sequence[str], formats: Collection[str]) -> Files:
    """The files asked for, with their formats. Raises :class:`UsageError` where one cannot be."""
    wanted = [] if json_path is None else [(JSON, json_path)]
    for export in exports:
        form, separator, path = export.partition("=")
        if not separator or not path or form not in formats:
            raise UsageError(
                f"--export {export} is not FORMAT=PATH: formats are {', '.join(formats)}"
            )
        wanted.append((form, path))
    if [path for _, path in wanted].count(STDOUT) > 1:
        raise UsageError("only one of --json and --export can write to standard output ('-')")
    return [(form, OutputFile(path)) for form, path in wanted]


def write_all(
    files: Files, rendered: Callable[[str], str | bytes], shown: Callable[[], None]
) -> None:
    """Write what is ``rendered`` in each format, and have the table ``shown`` where none of
    ``files`` is standard output.

    Raises :class:`Unwritten` for a file that cannot be written, once all else is.
    """
    lost = []
    for form, file in files:
        try:
            file.write(rendered(form))
        except Unwritten as error:
            lost.append(error)
        file.close()
    if not any(file.is_stdout for _, file in files):
        shown()
    if lost:
        raise lost[0]
