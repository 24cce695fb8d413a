"""The terminal: tables on standard output, sentences on standard error."""

from __future__ import annotations

import os
import re
from functools import cache

from rich.console import Console
from rich.progress import Progress as RichProgress

from simbench.cli.ending import QUIET
from simbench.cli.progress import step_line
from simbench.files.fetch import Progress

_LEAST_COLUMNS = 80
_STEP = re.compile(r"(?P<what>.+): (?P<percent>\d+) %")
_WHOLE = 100


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
    """Says sentences on ``console``, each of them once in a run; one that ends in how far a thing
    is ("building it: 40 %") moves a line of its own in a terminal, and is said once elsewhere."""
    return _Log(console)


class _Log:
    """What is said, and the line that moves."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: set[str] = set()
        self._line: RichProgress | None = None

    def __call__(self, sentence: str) -> None:
        """Say ``sentence``."""
        step = _STEP.fullmatch(sentence)
        if step is not None and self._console.is_terminal:
            self._move(step["what"], int(step["percent"]))
            return
        self._end()
        said = sentence if step is None else step["what"]
        if said not in self._said:
            self._said.add(said)
            self._console.print(said, style="dim", markup=False, soft_wrap=True)

    def _move(self, what: str, percent: int) -> None:
        if self._line is None:
            self._line = step_line(self._console)
            self._line.start()
        task = next((t for t in self._line.tasks if t.description == what), None)
        number = self._line.add_task(what, total=100) if task is None else task.id
        self._line.update(number, completed=percent)
        if percent >= _WHOLE:
            self._end()

    def _end(self) -> None:
        if self._line is not None:
            self._line.stop()
            self._line = None
