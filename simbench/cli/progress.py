"""The bars that show how many simulations are done, and how far a build is."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)


def progress_bar(console: Console) -> Progress:
    """A bar on ``console``, gone when it is done; nothing where that is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def step_line(console: Console) -> Progress:
    """A line on ``console`` that says how far a thing is, gone when it is done."""
    columns = (TextColumn("{task.description}", style="dim", markup=False), BarColumn(bar_width=20))
    return Progress(
        *columns, TaskProgressColumn(), TimeElapsedColumn(), console=console, transient=True
    )
