"""Identity by content: what makes a price, as hashes. A label typed by hand decides nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache

from simbench.catalog.cores import built_in_records
from simbench.catalog.platforms import Platform
from simbench.cost.cores.core import PIPELINES, Core
from simbench.files.datafile import Quantity
from simbench.files.installed import version_of
from simbench.files.plugins import distribution_of
from simbench.store import sources_hash

_FOR_PEOPLE: Mapping[type, frozenset[str]] = {
    Platform: frozenset(
        {"id", "version", "title", "model_error", "energy_reason", "chip", "sleep"}
    ),
    Core: frozenset({"id", "version", "title", "sources"}),
    Quantity: frozenset({"source"}),
}
"""What of each says who or why, and no price of an inference depends on."""


def content_sha256(content: object) -> str:
    """The hash of all numbers and names in ``content``, a platform or a core, that price."""
    return digest(_bare(content))


def core_sha256(core: Core) -> str:
    """The hash of all of ``core`` that prices: its numbers, and the pipeline that reads them.

    A plug-in's pipeline is told by its distribution and that one's version; the code of the others
    is in :func:`pricing_code_sha256`.
    """
    numbers, plugin = content_sha256(core), _plugin_of(core.pipeline_class)
    return numbers if plugin is None else digest([numbers, plugin])


@cache
def pricing_code_sha256() -> str:
    """The hash of the code that turns counts into prices, and of the decoder beneath it."""
    return digest([sources_hash("simbench.cost.price"), version_of("capstone")])


@cache
def _plugin_of(pipeline_class: str) -> str | None:
    if any(core.pipeline_class == pipeline_class for core in built_in_records()):
        return None
    return distribution_of(PIPELINES, pipeline_class)


def digest(content: object) -> str:
    """The hash of ``content``, which JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _bare(value: object) -> object:
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        hidden = _FOR_PEOPLE.get(type(value), frozenset())
        names = (field.name for field in fields(value))
        return {name: _bare(getattr(value, name)) for name in names if name not in hidden}
    if isinstance(value, Mapping):
        return {str(_bare(key)): _bare(entry) for key, entry in value.items()}
    if isinstance(value, tuple):
        return [_bare(entry) for entry in value]
    return value
