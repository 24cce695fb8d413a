"""Results of sections of a user's own firmware: each has an id of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace

from simbench.result.tree import Result, Run

SECTIONS = "sections"
"""The setting that says what section each result is of, by its id."""

_CHARACTERS = 48
_PLAIN = re.compile(r"begin=\w+,end=\w+(,pass=\w+)?", re.ASCII)


def of_section(benchmark: str, text: str) -> str:
    """What ``benchmark`` is called where the section ``text`` of it is measured.

    "app" and "begin=start_fft,end=return,pass=3" make "app.start_fft-return-3". Where that would be
    long, or leave out more than the words between, digits of the text's hash tell two apart.
    """
    words = re.sub(r"(?:^begin|,end|,pass)=", "-", text)
    name = re.sub(r"\W+", "-", words, flags=re.ASCII).strip("-")
    if _PLAIN.fullmatch(text) and len(name) <= _CHARACTERS:
        return f"{benchmark}.{name}"
    digits = hashlib.sha256(text.encode()).hexdigest()[:4]
    return f"{benchmark}.{name[:_CHARACTERS].strip('-')}-{digits}"


def with_sections_named(run: Run) -> Run:
    """``run`` with the results of sections called after these, as they were not always."""
    sections = run.settings.get(SECTIONS)
    if not isinstance(sections, Mapping):
        return run
    names = {id_: _named(id_, str(text)) for id_, text in sections.items()}
    settings = {**run.settings, SECTIONS: {names[id_]: text for id_, text in sections.items()}}
    results = tuple(_called(result, names) for result in run.results)
    return replace(run, settings=settings, results=results)


def _named(id_: str, text: str) -> str:
    benchmark, at, rest = id_.partition("@")
    return id_ if "." in benchmark else f"{of_section(benchmark, text)}{at}{rest}"


def _called(result: Result, names: Mapping[str, str]) -> Result:
    name = names.get(result.id, result.id)
    if name == result.id:
        return result
    return replace(result, id=name, benchmark=name.partition("@")[0])
