"""Stored results: the JSON document ``simbench.result/1``, read back into the result tree.

A document of an older schema reads too: what it lacks gets the tree's defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from simbench.errors import UsageError
from simbench.result.tree import SCHEMA, Run, fingerprint


@dataclass(frozen=True, slots=True)
class Stored:
    """A run read from a file, with the fingerprint written there (None where there is none).

    ``notes`` are sentences on what is odd about the file: it was edited, or has no fingerprint.
    """

    run: Run
    fingerprint: str | None
    notes: tuple[str, ...] = ()


def read_run(path: Path) -> Run:
    """The run stored at ``path``. Raises :class:`UsageError` like :func:`read_stored`."""
    return read_stored(path).run


def read_stored(path: Path) -> Stored:
    """The run stored at ``path``, and what is odd about the file.

    Raises :class:`UsageError` where there is no such file, where it is no JSON or cut short,
    where it holds something else or is newer than this simbench, and where a value has the wrong
    type.
    """
    return stored_of(path, read_document(path))


def stored_of(path: Path, document: dict[str, Any]) -> Stored:
    """The run that the ``document`` read from ``path`` holds.

    Raises :class:`UsageError` like :func:`read_stored`.
    """
    _check_schema(path, document.get("schema"))
    try:
        run = msgspec.convert(document, Run)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path} is damaged: {error}; run simbench again to replace it") from None
    mark = document.get("fingerprint")
    return Stored(run, mark if isinstance(mark, str) else None, _notes(path, document))


def read_document(path: Path) -> dict[str, Any]:
    """The JSON document at ``path``. Raises :class:`UsageError` where there is none."""
    try:
        document = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name a stored result") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(
            f"{path} is no whole JSON document ({error}): it was cut short or is something else"
        ) from None
    if not isinstance(document, dict):
        raise UsageError(f"{path} holds no result: write one with simbench run --json")
    return document


def _check_schema(path: Path, schema: object) -> None:
    name, _, version = SCHEMA.partition("/")
    kind, _, found = schema.partition("/") if isinstance(schema, str) else ("", "", "")
    if kind != name or not (found.isascii() and found.isdigit()):
        said = f"schema {schema}" if isinstance(schema, str) else "no schema"
        raise UsageError(
            f"{path} holds {said} where {SCHEMA} is read: write one with simbench run --json"
        )
    if len(found) > len(version) or int(found) > int(version):
        raise UsageError(
            f"{path} holds {schema}, and this simbench reads up to {SCHEMA}: update simbench"
        )


def _notes(path: Path, document: dict[str, Any]) -> tuple[str, ...]:
    mark = document.get("fingerprint")
    if mark == fingerprint(document):
        return ()
    wrong = "has no fingerprint" if mark is None else "was edited: its fingerprint does not match"
    return (f"{path.name} {wrong}, so its numbers may not be what was measured",)
