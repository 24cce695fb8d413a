"""A new board's file, begun from that of another: its keys, and none of its claims."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from simbench.errors import UsageError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,30}")
_TOP = re.compile(r"(?P<key>[a-z_]+):")
_SOURCE = re.compile(r"(?P<start>  [\w-]+: )(?P<text>.*)")
_HINTS = {
    "clock": "the clock that it is run at: the datasheet's most for the supply and range below",
    "supply": "what the energy below is measured at: the conditions of the datasheet's tables",
    "memories": "addresses and sizes: the datasheet's memory map; wait_states: the reference "
    "manual's table of latencies by clock and supply; caches, prefetch: its chapter on the flash",
    "placement": "as the chip's usual linker script has it; code in a memory that is executable",
    "energy": "run-mode currents by clock, in the datasheet's electrical characteristics: "
    "what is there at any clock is static, what grows with it is a cycle's",
    "model_error": "what is known of the error: nothing, until it was compared with silicon",
    "chip": "for --elf alone: registers that firmware waits for, and UARTs (the reference manual)",
}


def check_name(name: str) -> str:
    """``name`` in lower case, as a platform's id. Raises UsageError where it can be none."""
    lower = name.lower()
    if not _NAME.fullmatch(lower):
        raise UsageError(
            f"{name} can be no board's name: use at most 31 letters, digits, dots and dashes"
        )
    return lower


def draft(name: str, like: Path, schema: str | None) -> str:
    """The file of the new board ``name`` (its id), with the keys and the numbers of ``like``'s.

    Its sources say that they are of the other board, its energy is null, and its error not known.
    ``schema`` is a path or an address for editors.
    """
    parts = dict(_parts(like.read_text(encoding="utf-8")))
    other = like.stem
    made = {
        "id": f"id: {name}\n",
        "version": 'version: "1"\n',
        "title": f"title: {json.dumps(_title(name, parts['title']))}\n",
        "sources": "".join(_other_sources(parts.get("sources", ""), other)),
        "energy": _no_energy(parts["energy"], other),
        "model_error": "model_error: not validated, for the file is new\n",
    }
    for key in ("accuracy", "energy_reason", "sleep"):  # claims that are the other board's
        parts.pop(key, None)
    parts.setdefault("model_error", "")
    begun = (
        f"{name}, begun from {other}. Every number is {other}'s until you change it, and then "
        "needs its source: {value: 80MHz, source: NAME}, with NAME under sources. What a source "
        "leaves open is a range: {value: 5, lower: 4, upper: 6, source: NAME}."
    )
    lines = [f"# yaml-language-server: $schema={schema}\n"] if schema is not None else []
    lines += _comment(begun)
    for key, text in parts.items():
        lines += ["\n", *_comment(_HINTS.get(key, "")), made.get(key, text).rstrip("\n") + "\n"]
    return "".join(lines)


def _comment(text: str) -> list[str]:
    return [f"# {line}\n" for line in wrap(text, 96)]


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """The top keys of a platform's file, each with its lines, without the comments between."""
    key, lines = "", list[str]()
    for line in text.splitlines(keepends=True):
        found = _TOP.match(line)
        if found is not None:
            if key:
                yield key, "".join(lines)
            key, lines = found["key"], []
        if key and not line.startswith("#") and line.strip():
            lines.append(line)
    if key:
        yield key, "".join(lines)


def _title(name: str, line: str) -> str:
    rest = line.partition(":")[2].partition(", ")[2].strip().strip('"')
    return f"{name.upper()}, {rest}" if rest else name.upper()


def _other_sources(text: str, other: str) -> Iterator[str]:
    """The sources by the names that numbers use, each said to be another board's."""
    yield "sources:\n"
    for line in text.splitlines()[1:]:
        found = _SOURCE.fullmatch(line)
        if found is not None:
            said = f"of {other}, to be replaced by a source of this board"
            yield f"{found['start']}{said}\n"


def _no_energy(text: str, other: str) -> str:
    """No energy, and the other board's table as a comment, for its keys."""
    reason = json.dumps("it has not been looked up in a datasheet or measured")
    keys = "".join(f"# {line}\n" for line in text.splitlines()[1:] if line.strip())
    said = (
        f"# such a table instead of null and its reason; these numbers are {other}'s\n# energy:\n"
    )
    return f"energy: null\nenergy_reason: {reason}\n{said}{keys}"
