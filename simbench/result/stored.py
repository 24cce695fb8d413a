"""Stored results: the JSON document ``simbench.result/1``, read back into the result tree.

A document of an older schema reads too: what it lacks gets the tree's defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from simbench.errors import UsageError
from simbench.result.sections import with_sections_named
from simbench.result.tree import SCHEMA, Run, fingerprint

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Stored:
    """A run read from a file, with the fingerprint written there (None where there is none).

    ``notes`` are sentences on what is odd about the file: it was edited, or has no fingerprint.
    """

    run: Run
    fingerprint: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON document of ``schema``, or of an older version of it, as the file ``path`` has it.

    ``notes`` are sentences on what is odd about the file.
    """

    path: Path
    schema: str
    content: Mapping[str, Any]
    notes: tuple[str, ...]


def read_run(path: Path) -> Run:
    """The run stored at ``path``. Raises :class:`UsageError` like :func:`read_stored`."""
    return read_stored(path).run


def read_stored(path: Path) -> Stored:
    """The run stored at ``path``, and what is odd about the file.

    Raises :class:`UsageError` as :func:`read_document` does, and where a value has the wrong type.
    """
    return stored_run(read_document(path, {SCHEMA: "run"}))


def stored_run(document: Document) -> Stored:
    """The run that ``document`` holds. Raises :class:`UsageError` where it is damaged."""
    mark = document.content.get("fingerprint")
    run = converted(document, Run)
    return Stored(with_sections_named(run), mark if isinstance(mark, str) else None, document.notes)


def read_document(path: Path, verbs: Mapping[str, str]) -> Document:
    """The document at ``path``, of one of the schemas that ``verbs`` has, each with the verb that
    writes it.

    Raises :class:`UsageError` where there is no such file, where it is no JSON or cut short, and
    where it holds something else or is newer than this simbench.
    """
    content = _content(path, verbs)
    schema = _known_schema(path, content.get("schema"), verbs)
    return Document(path, schema, content, _notes(path, content))


def converted(document: Document, kind: type[Kind]) -> Kind:
    """``document`` as a ``kind``. Raises :class:`UsageError` where a value has the wrong type."""
    try:
        return msgspec.convert(document.content, kind)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"{document.path} is damaged: {error}; run simbench again to replace it"
        ) from None


def _content(path: Path, verbs: Mapping[str, str]) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name a stored result") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(
            f"{path} is no whole JSON document ({error}): it was cut short or is something else"
        ) from None
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds no result: {_advice(verbs)}")
    return content


def _known_schema(path: Path, schema: object, verbs: Mapping[str, str]) -> str:
    """Which of the schemas that ``verbs`` has ``schema`` is a version of."""
    kind, _, found = schema.partition("/") if isinstance(schema, str) else ("", "", "")
    known = next((name for name in verbs if name.partition("/")[0] == kind), None)
    if known is None or not (found.isascii() and found.isdigit()):
        said = f"schema {schema}" if isinstance(schema, str) else "no schema"
        raise UsageError(f"{path} holds {said} where {_either(verbs)} is read: {_advice(verbs)}")
    version = known.partition("/")[2]
    if len(found) > len(version) or int(found) > int(version):
        raise UsageError(
            f"{path} holds {schema}, and this simbench reads up to {known}: update simbench"
        )
    return known


def _advice(verbs: Mapping[str, str]) -> str:
    return f"write one with simbench {_either(verbs.values())} --json"


def _either(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _notes(path: Path, document: dict[str, Any]) -> tuple[str, ...]:
    mark = document.get("fingerprint")
    if mark == fingerprint(document):
        return ()
    wrong = "has no fingerprint" if mark is None else "was edited: its fingerprint does not match"
    return (f"{path.name} {wrong}, so its numbers may not be what was measured",)
