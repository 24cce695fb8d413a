"""Where the numbers of a page come from: tools, settings, hashes, and the sources of prices."""

from __future__ import annotations

from collections.abc import Mapping

from simbench.catalog.platforms import model_error_of, platform_files
from simbench.exports.html.blocks import Block, Facts, Section, Text
from simbench.files.datafile import read
from simbench.result.stored import Stored
from simbench.result.tree import Result

_RANGES = (
    "Instructions are counted, and exact. Cycles, time and energy are modelled: a range holds all "
    "that the sources of the model's numbers leave open and, where the board or its core was "
    "compared with silicon, how far the model was off there."
)


def provenance_section(stored: Stored) -> Section:
    """What made the run: tool, environment and settings, and its fingerprint."""
    run = stored.run
    facts = [
        ("tool", " ".join(run.tool.values())),
        *((_words(key), said(value)) for key, value in run.environment.items()),
        *((_words(key), said(value)) for key, value in run.settings.items()),
    ]
    mark = stored.fingerprint or "none"
    return Section(
        "Where the numbers come from",
        [Text(_RANGES), Facts(facts), Facts([("fingerprint", mark)], monospace=True)],
    )


def board_section(name: str, version: str | None) -> Section:
    """What is known of the board called ``name``: its model error, and the sources of its numbers.

    ``version`` is that of the board's file that the run was priced with.
    """
    path = platform_files().get(name)
    if path is None:
        said = f"{name} is no board of this simbench: its own file has the sources."
        return Section(f"Sources of {name}", [Text(said)])
    top = read(path)
    sources = top.table("sources")
    blocks: list[Block] = [Text(f"Model error: {model_error_of(top)}.")]
    if version not in (None, top.text("version")):
        blocks.append(
            Text(
                f"The run was priced with version {version} of this board; these are the sources "
                f"of version {top.text('version')}.",
                warning=True,
            )
        )
    facts = [(key, sources.text(key)) for key in sources]
    file = ("this file", f"{path.name}, version {top.text('version')}")
    return Section(f"Sources of {name}: {top.text('title')}", [*blocks, Facts([*facts, file])])


def hashes(result: Result) -> Facts:
    """sha256 of all that decided ``result``, and of what came out."""
    model, given = result.model, result.input
    found = {
        "model as given": model and model.source_sha256,
        "model as run": model and model.sha256,
        f"input {given.name}" if given else "input": given and given.sha256,
        "output": result.output_sha256,
        "firmware": result.firmware_sha256,
    }
    return Facts([(name, mark) for name, mark in found.items() if mark], monospace=True)


def _words(key: str) -> str:
    return key.replace("_", " ")


def said(value: object) -> str:
    """A setting of a document in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {said(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(said, value)) or "none"
    return "none" if value is None else str(value)
