"""The JSON Schema of a platform's file, from the names and units that its reader goes by.

It ships as ``result/schemas/platform-1.schema.json``, so that editors complete and check boards.
"""

from __future__ import annotations

from simbench.catalog.chips import CONTROLLED, UART_KINDS
from simbench.catalog.cores import core_files
from simbench.catalog.platforms import ENERGY_GROUPS, MEMORY_KINDS, PLACED
from simbench.files.jsonschema import Schema, one_of, quantity, table, text, top

_FLAG: Schema = {"type": "boolean"}
_SEGMENTS = tuple(segment.name.lower() for segment in PLACED)


def platform_schema() -> Schema:
    """The schema of a platform's file."""
    body = table(
        {
            "id": text("The file's name without .yaml."),
            "version": text("A label for people."),
            "title": text("The board, its chip, its core and its clock."),
            "core": {"description": "The core.", "anyOf": [one_of(core_files()), text()]},
            "sources": table({}, others=text(), description="Manual, section and table, by name."),
            "clock": quantity("Hz", "The core's clock."),
            "supply": quantity("V", "The supply that the energy is of."),
            "memories": table({}, others=_memory(), description="What can be placed in."),
            "placement": table(
                {name: text() for name in _SEGMENTS},
                required=_SEGMENTS,
                description="The memory of each segment.",
            ),
            "energy": {"anyOf": [{"type": "null"}, _energy()]},
            "energy_reason": text("Why no energy is known, where it is null."),
            "sleep": table(
                {"mode": text(), "current": quantity("A"), "source": text()},
                required=["mode", "current"],
                description="How it sleeps between inferences with all its RAM kept.",
            ),
            "model_error": text("How the error of the estimates is known."),
            "accuracy": text("As model_error, in files of before."),
            "chip": _chip(),
            "native": {"type": "object"},
        },
        required=[
            *("id", "version", "title", "core", "clock", "supply"),
            *("memories", "placement", "energy"),
        ],
    )
    return top("simbench.platform/1", "A board: every number with its source.", body)


def _memory() -> Schema:
    return table(
        {
            "kind": one_of(MEMORY_KINDS),
            "address": quantity(""),
            "alias": quantity("", "A second address of it."),
            "size": quantity("bytes"),
            "width": quantity("bytes", "What an access brings."),
            "wait_states": quantity("", "Cycles beyond the first of an access."),
            "executable": _FLAG,
            "prefetch": _FLAG,
            "instruction_cache": _cache(),
            "data_cache": _cache(),
        },
        required=["kind", "address", "size", "width", "wait_states"],
    )


def _cache() -> Schema:
    return table(
        {
            "lines": quantity(""),
            "line": quantity("bytes"),
            "sector": quantity("bytes", "What of a line a miss reads."),
            "ways": quantity(""),
            "keeps_jumps_only": _FLAG,
            "unit": text("The same for two that are one piece of hardware."),
        },
        required=["lines", "line", "ways"],
    )


def _energy() -> Schema:
    joules = quantity("J")
    return table(
        {
            "static": quantity("W", "What flows whatever happens."),
            "clock": quantity("J", "Of each cycle, stalled or not."),
            "instruction": table(
                dict.fromkeys(ENERGY_GROUPS, joules), required=ENERGY_GROUPS, description="On top."
            ),
            "access": table({}, others=joules, description="Of each word moved, by memory."),
            "line": table({}, others=joules, description="Of each read past caches, by memory."),
            "whole": table(
                {
                    "cycle": joules,
                    "executing": quantity(""),
                    "words": quantity(""),
                    "reads": quantity(""),
                },
                required=["cycle", "executing", "words", "reads"],
                description="What the parts were split from.",
            ),
        },
        required=["static", "clock", "instruction", "access", "line"],
    )


def _chip() -> Schema:
    span = table(
        {"address": quantity(""), "size": quantity("bytes"), "source": text()},
        required=["address", "size"],
    )
    bits = quantity("")
    register = table(
        {
            "address": bits,
            **dict.fromkeys(("set", "clear", "reset", "ticks"), bits),
            "follows": {"type": "array", "items": text()},
            "controls": table(
                {"memory": text(), **dict.fromkeys(CONTROLLED, bits), "source": text()},
                required=["memory"],
            ),
            "source": text(),
        },
        required=["address"],
    )
    uart = table(
        {"kind": one_of(UART_KINDS), "address": bits, "interrupt": bits, "source": text()},
        required=["kind", "address"],
    )
    return table(
        {
            "registers": table({}, others=register),
            "uarts": table({}, others=uart),
            "blocks": table({}, others=span),
            "memories": table({}, others=span),
            "source": text(),
        },
        description="What firmware linked for the chip itself finds beside the memories.",
    )
