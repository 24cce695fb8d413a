"""Exporters: every format of every subject, found by name, one small file each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from simbench.errors import UsageError
from simbench.files.plugins import load_maker

GROUP = "simbench.exports"
"""The group of a plug-in's entry points, which are called SUBJECT.FORMAT ("run.mine")."""

SUBJECTS = RUN, PROFILE, SWEEP, COMPARISON, VALIDATION = (
    "run",
    "profile",
    "sweep",
    "comparison",
    "validation",
)
"""What can be written: a :class:`simbench.result.tree.Run`, a :class:`simbench.profiles.Profile`, a
:class:`simbench.exports.sweep.Swept`, a :class:`simbench.comparisons.comparison.Comparison`, a
:class:`simbench.exports.validation.Validated`."""

Render = Callable[[Any], Any]
"""A subject as the content of a file: text, or bytes."""

# by format: the module that has it, and its function where that is not ``render``
_FORMATS: Mapping[str, Mapping[str, str]] = {
    RUN: {
        "json": "json",
        "html": "html",
        "csv": "csv",
        "markdown": "markdown",
        "junit": "junit",
        "bmf": "bmf",
        "github-benchmark": "github_benchmark",
        "github-summary": "github_summary",
    },
    PROFILE: {
        "callgrind": "callgrind",
        "collapsed": "collapsed",
        "speedscope": "speedscope",
    },
    SWEEP: {
        "csv": "sweep:render_csv",
        "parquet": "sweep:render_parquet",
        "html": "sweep:render_html",
        "json": "sweep:render_json",
    },
    COMPARISON: {
        "json": "comparison:render_json",
        "markdown": "comparison:render_markdown",
        "github-summary": "comparison:render_summary",
    },
    VALIDATION: {
        "json": "validation:render_json",
        "page": "validation:render_page",
        "residuals": "validation:render_residuals",
    },
}


class Formats(Mapping[str, Render]):
    """The formats that a subject can be written in, by name, each imported when it is used.

    Built-in ones are listed; those of plug-ins, the entry points SUBJECT.FORMAT of :data:`GROUP`,
    are found by name, for looking for them is slow. A built-in format goes before a plug-in's.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._places = _FORMATS[subject]

    def __getitem__(self, name: str) -> Render:
        """The function that writes ``name``. Raises SimbenchError where a plug-in is bad."""
        if name in self._places:
            return _built_in(self._places[name])
        render = load_maker(GROUP, f"{self._subject}.{name}")
        if render is None:
            raise KeyError(name)
        return _textual(f"{self._subject}.{name}", render)

    def __iter__(self) -> Iterator[str]:
        """The names of the built-in formats."""
        return iter(self._places)

    def __len__(self) -> int:
        """How many formats are built in."""
        return len(self._places)


def formats(subject: str) -> Formats:
    """The formats that ``subject`` can be written in."""
    return Formats(subject)


def _built_in(place: str) -> Render:
    """An exporter, imported when it is called: some take long to import."""
    module, _, function = place.partition(":")

    def render(subject: Any) -> Any:
        found = importlib.import_module(f"simbench.exports.{module}")
        return getattr(found, function or "render")(subject)

    return render


def _textual(name: str, render: Render) -> Render:
    """A plug-in's ``render``, which must give text or bytes."""

    def render_text(subject: Any) -> str | bytes:
        content = render(subject)
        if not isinstance(content, str | bytes):
            raise UsageError(
                f"the plug-in {name} of {GROUP} gave no text, but {type(content).__name__}"
            )
        return content

    return render_text
