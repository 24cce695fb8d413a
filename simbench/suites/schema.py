"""The JSON Schema of the suite file, from the names and units that its reader goes by.

It ships as ``schemas/suite-1.schema.json``, so that editors complete and check ``simbench.yaml``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import platform_files
from simbench.catalog.scenario import DEFAULT_KERNELS, PINNED_TOOLCHAIN, TOOLCHAINS
from simbench.files.datafile import UNITS
from simbench.firmware.build import KERNELS
from simbench.suites.budgets import BUDGETS
from simbench.suites.file import NAME
from simbench.task.tasks import DEFAULT_SAMPLES, MOST_SAMPLES

_Schema = dict[str, Any]


def render() -> str:
    """The schema as indented JSON with a newline at its end."""
    return json.dumps(suite_schema(), indent=2) + "\n"


def suite_schema() -> _Schema:
    """The schema of a suite file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "simbench.suite/1",
        "description": "What simbench runs in a repository, on which boards, within which budgets.",
        **_object(
            platforms=_list(
                "Boards: names, or your own files.",
                {"anyOf": [_one_of(platform_files()), {"type": "string", "pattern": r"\.yaml$"}]},
            ),
            benchmarks=_list(
                "Built-in benchmarks. Default: all where there are no models, else none.",
                _one_of(load_benchmarks()),
            ),
            kernels=_list(f"Kernel sets. Default: {DEFAULT_KERNELS}.", _one_of(KERNELS)),
            toolchains=_list(
                f"Compilers: {', '.join(TOOLCHAINS)}, or your own by path. "
                f"Default: {PINNED_TOOLCHAIN}.",
                {"type": "string", "pattern": r"\S"},
            ),
            models=_models(),
            samples={
                "description": "Seeded inputs whose outputs are compared with the host's. "
                f"Default: {DEFAULT_SAMPLES}.",
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_SAMPLES,
            },
            budgets={
                "description": "Budgets by the result they hold for: kws@stm32f4/cmsis-nn, or "
                "less of it: kws@stm32f4, kws. Wildcards: *@stm32f4.",
                "type": "object",
                "additionalProperties": _object(**{m: _number(u) for m, u in BUDGETS.items()}),
            },
        ),
        "required": ["platforms"],
    }


def _models() -> _Schema:
    return {
        "description": "Your own models by name. Files are relative to the suite file.",
        "type": "object",
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": {
            **_object(
                file={"description": "The .tflite file.", "type": "string", "pattern": r"\S"},
                inputs={
                    "description": "Your own inputs (.npy, .npz, .bin, .png, .wav); the first is "
                    "the measured one.",
                    "type": "array",
                    "items": {"type": "string"},
                },
            ),
            "required": ["file"],
        },
    }


def _object(**properties: _Schema) -> _Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _list(description: str, items: _Schema) -> _Schema:
    return {"description": description, "type": "array", "minItems": 1, "items": items}


def _one_of(names: Iterable[str]) -> _Schema:
    return {"enum": list(names)}


def _number(unit: str) -> _Schema:
    number = r"[0-9][0-9_]*(\.[0-9]+)?([eE][-+]?[0-9]+)?"
    suffix = rf"\s*({'|'.join(UNITS[unit])})?" if UNITS[unit] else ""
    return {
        "anyOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": f"^{number}{suffix}$"},
        ]
    }
