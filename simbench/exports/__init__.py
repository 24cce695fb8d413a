"""Exporters: a result or a profile in another format, one small file each with a ``render``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simbench.profiles import Profile
    from simbench.result.tree import Run


def _exporter(module: str) -> Callable[[Any], str]:
    """``render`` of an exporter, imported when it is called: some take long to import."""

    def render(subject: Any) -> str:
        text: str = importlib.import_module(f"simbench.exports.{module}").render(subject)
        return text

    return render


FORMATS: Mapping[str, Callable[[Profile], str]] = {
    "callgrind": _exporter("callgrind"),
    "collapsed": _exporter("collapsed"),
    "speedscope": _exporter("speedscope"),
}
"""Formats that a profile can be written in, by name."""

RUN_FORMATS: Mapping[str, Callable[[Run], str]] = {
    "json": _exporter("json"),
    "html": _exporter("html"),
    "csv": _exporter("csv"),
    "markdown": _exporter("markdown"),
    "junit": _exporter("junit"),
    "bmf": _exporter("bmf"),
    "github-benchmark": _exporter("github_benchmark"),
    "github-summary": _exporter("github_summary"),
}
"""Formats that a run can be written in, by name."""
