"""The terminal: tables on standard output, sentences on standard error."""

from __future__ import annotations

from functools import cache, partial

from rich.console import Console

from simbench.files.fetch import Progress


def console(*, stderr: bool = False) -> Console:
    """The terminal as it is; a name in colons, as a file's may be, is not made a picture."""
    return Console(stderr=stderr, emoji=False, highlight=False)


@cache
def log_to(console: Console) -> Progress:
    """Says sentences on ``console``, each of them once in a run."""
    return cache(partial(console.print, style="dim", markup=False, soft_wrap=True))
