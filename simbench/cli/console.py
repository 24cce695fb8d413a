"""The terminal: tables on standard output, sentences on standard error."""

from __future__ import annotations

import os
from functools import cache, partial

from rich.console import Console

from simbench.cli.ending import QUIET
from simbench.files.fetch import Progress

_LEAST_COLUMNS = 80


def console(*, stderr: bool = False) -> Console:
    """The terminal as it is; a name in colons, as a file's may be, is not made a picture.

    Tables need 80 columns: where it has fewer, it breaks lines itself, and no number is cut.
    """
    is_quiet = stderr and bool(os.environ.get(QUIET))
    made = Console(stderr=stderr, emoji=False, highlight=False, quiet=is_quiet)
    if not stderr and made.width < _LEAST_COLUMNS:
        made.width = _LEAST_COLUMNS
    return made


@cache
def log_to(console: Console) -> Progress:
    """Says sentences on ``console``, each of them once in a run."""
    return cache(partial(console.print, style="dim", markup=False, soft_wrap=True))
