"""The JSON Schema of a study file, from the names that its reader goes by.

It ships as ``result/schemas/study-1.schema.json``, so that editors complete and check studies.
"""

from __future__ import annotations

from collections.abc import Iterable

from simbench.catalog.benchmarks import runnable_benchmarks
from simbench.catalog.platforms import platform_files
from simbench.files.jsonschema import Schema, listing, one_of, table, text, top
from simbench.firmware.build import KERNELS
from simbench.sweeps.study import FORMATS, GOALS, OBJECTIVES

_VALUES: Schema = {
    "description": "Values: a list or a range, as 40MHz, 80MHz or 0..5 or 40MHz..120MHz:20MHz.",
    "anyOf": [text(), {"type": "number"}],
}


def study_schema() -> Schema:
    """The schema of a study file."""
    metrics, objectives = "|".join(GOALS), "|".join(OBJECTIVES)
    body = table(
        {
            "platforms": listing(
                "Boards: names, patterns, or your own files.",
                {"anyOf": [one_of(platform_files()), {"type": "string", "pattern": r"\S"}]},
            ),
            "benchmarks": listing("Benchmarks or patterns.", _named(runnable_benchmarks())),
            "kernels": listing("Kernel sets or patterns.", _named(KERNELS)),
            "cross": table({}, others=_VALUES, description="Axes by path: all combinations."),
            "zip": table(
                {}, others=table({}, others=_VALUES), description="Axes that go together, by name."
            ),
            "goal": {
                "description": "What it takes along each axis: time_s <= 20ms.",
                "type": "string",
                "pattern": rf"^\s*({metrics})\s*<=\s*\S",
            },
            "sensitivity": {
                "description": "Every number that prices are made of, lower and higher: 20%.",
                "type": "string",
                "pattern": r"^\s*[0-9.]+%\s*$",
            },
            "pareto": {
                "description": "What points are marked by: time, energy, ram.",
                "type": "string",
                "pattern": rf"^\s*({objectives})(\s*,\s*({objectives}))*\s*$",
            },
            "outputs": table(
                {form: text() for form in FORMATS},
                description="Files to write, in the study's folder or below.",
            ),
        },
        required=["platforms"],
    )
    return top("simbench.study/1", "A what-if study.", body)


def _named(names: Iterable[str]) -> Schema:
    return {"anyOf": [one_of(names), {"type": "string", "pattern": r"[*?\[]|^all$"}]}
