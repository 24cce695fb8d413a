"""Exporters: a run, a profile or a comparison in another format, one small file each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from simbench.errors import InfrastructureError
from simbench.files.plugins import described, load_plugin

if TYPE_CHECKING:
    from simbench.comparisons.comparison import Comparison
    from simbench.profiles import Profile
    from simbench.result.tree import Run

GROUP = "simbench.exports"
"""The group of a plug-in's entry points, which are called SUBJECT.FORMAT ("run.mine")."""

_Subject = TypeVar("_Subject")


class Formats(Mapping[str, Callable[[_Subject], str]]):
    """The formats that a subject can be written in, by name.

    Built-in ones are listed; those of plug-ins are found by name, for looking for them is slow.
    A built-in format goes before a plug-in's of the same name.
    """

    def __init__(self, subject: str, built_in: Mapping[str, Callable[[_Subject], str]]) -> None:
        self._subject = subject
        self._built_in = built_in

    def __getitem__(self, name: str) -> Callable[[_Subject], str]:
        """The function that writes ``name``. Raises SimbenchError where a plug-in is bad."""
        if name in self._built_in:
            return self._built_in[name]
        loaded = load_plugin(GROUP, f"{self._subject}.{name}")
        if loaded is None:
            raise KeyError(name)
        return _guarded(f"{self._subject}.{name}", loaded)

    def __iter__(self) -> Iterator[str]:
        """The names of the built-in formats."""
        return iter(self._built_in)

    def __len__(self) -> int:
        """How many formats are built in."""
        return len(self._built_in)


def _guarded(name: str, render: object) -> Callable[[Any], str]:
    """A plug-in's ``render``, whose mistakes are one sentence."""
    if not callable(render):
        raise InfrastructureError(
            f"the plug-in {name} of {GROUP} is no function, but {type(render).__name__}"
        )

    def guarded(subject: Any) -> str:
        try:
            text = render(subject)
        except Exception as error:
            raise InfrastructureError(
                f"the plug-in {name} of {GROUP} failed: {described(error)}"
            ) from error
        if not isinstance(text, str):
            raise InfrastructureError(
                f"the plug-in {name} of {GROUP} gave no text, but {type(text).__name__}"
            )
        return text

    return guarded


def _exporter(module: str, function: str = "render") -> Callable[[Any], str]:
    """A function of an exporter, imported when it is called: some take long to import."""

    def render(subject: Any) -> str:
        exporter = importlib.import_module(f"simbench.exports.{module}")
        text: str = getattr(exporter, function)(subject)
        return text

    return render


FORMATS: Formats[Profile] = Formats(
    "profile",
    {
        "callgrind": _exporter("callgrind"),
        "collapsed": _exporter("collapsed"),
        "speedscope": _exporter("speedscope"),
    },
)
"""Formats that a profile can be written in, by name."""

RUN_FORMATS: Formats[Run] = Formats(
    "run",
    {
        "json": _exporter("json"),
        "html": _exporter("html"),
        "csv": _exporter("csv"),
        "markdown": _exporter("markdown"),
        "junit": _exporter("junit"),
        "bmf": _exporter("bmf"),
        "github-benchmark": _exporter("github_benchmark"),
        "github-summary": _exporter("github_summary"),
    },
)
"""Formats that a run can be written in, by name."""

COMPARISON_FORMATS: Formats[Comparison] = Formats(
    "comparison",
    {
        "json": _exporter("comparison", "render_json"),
        "markdown": _exporter("comparison", "render_markdown"),
        "github-summary": _exporter("comparison", "render_summary"),
    },
)
"""Formats that a comparison can be written in, by name."""

SUBJECTS: Mapping[str, Collection[str]] = {
    "run": RUN_FORMATS,
    "profile": FORMATS,
    "comparison": COMPARISON_FORMATS,
}
"""The built-in formats of each subject."""
