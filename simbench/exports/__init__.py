"""Exporters: every format of every subject, found by name, one small file each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

RUN, PROFILE, SWEEP, COMPARISON, VALIDATION = (
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


def formats(subject: str) -> Mapping[str, Render]:
    """The formats that ``subject`` can be written in, by name, each imported when it is used."""
    return {name: _render(place) for name, place in _FORMATS[subject].items()}


def _render(place: str) -> Render:
    """An exporter, imported when it is called: some take long to import."""
    module, _, function = place.partition(":")

    def render(subject: Any) -> Any:
        found = importlib.import_module(f"simbench.exports.{module}")
        return getattr(found, function or "render")(subject)

    return render
