"""Letters for terminals and logs that have few: an energy is read where there is no µ."""

from __future__ import annotations

import codecs
import sys
from io import TextIOWrapper

_PLAIN = {"µ": "u", "–": "-", "—": "-", "−": "-", "…": "...", "×": "x", "±": "+-", "²": "2"}
_ERRORS = "simbench"


def make_printable() -> None:
    """From now on what standard output and error cannot encode is written in plainer letters."""
    codecs.register_error(_ERRORS, _plainer)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors=_ERRORS)


def _plainer(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_PLAIN.get(letter, "?") for letter in letters), error.end
