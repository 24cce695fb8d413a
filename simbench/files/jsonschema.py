"""Parts of the JSON Schemas of files that people write, for editors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from simbench.files.datafile import UNITS

Schema = dict[str, Any]
"""A JSON Schema, or a part of one."""

_NUMBER = r"(0[xX][0-9a-fA-F_]+|[0-9][0-9_]*(\.[0-9]+)?([eE][-+]?[0-9]+)?)"


def render(schema: Schema) -> str:
    """``schema`` as indented JSON with a newline at its end."""
    return json.dumps(schema, indent=2) + "\n"


def top(name: str, description: str, body: Schema) -> Schema:
    """The schema of the file format ``name`` ("simbench.platform/1")."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{name.replace('.', ':').replace('/', ':')}",
        "title": name,
        "description": description,
        **body,
    }


def table(
    properties: Mapping[str, Schema],
    *,
    required: Iterable[str] = (),
    others: Schema | bool = False,
    description: str = "",
) -> Schema:
    """A table with these keys, and ``others`` where that is a schema."""
    said = {"description": description} if description else {}
    needed = {"required": list(required)} if required else {}
    body = {"type": "object", "properties": dict(properties), "additionalProperties": others}
    return {**said, **body, **needed}


def listing(description: str, items: Schema) -> Schema:
    """A list of one at least."""
    return {"description": description, "type": "array", "minItems": 1, "items": items}


def one_of(names: Iterable[str]) -> Schema:
    """One of ``names``."""
    return {"enum": list(names)}


def text(description: str = "") -> Schema:
    """A text that says something."""
    said = {"description": description} if description else {}
    return {**said, "type": "string", "pattern": r"\S"}


def number(unit: str) -> Schema:
    """A number in ``unit``, a key of :data:`simbench.files.datafile.UNITS`."""
    suffix = rf"\s*({'|'.join(UNITS[unit])})?" if UNITS[unit] else ""
    return {
        "anyOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": f"^{_NUMBER}{suffix}$"},
        ]
    }


def quantity(unit: str, description: str = "") -> Schema:
    """A number in ``unit``, alone or with its range and its source."""
    said = {"description": description} if description else {}
    bare = number(unit)
    whole = table(
        {"value": bare, "lower": bare, "upper": bare, "source": text()}, required=["value"]
    )
    return {**said, "anyOf": [*bare["anyOf"], whole]}
