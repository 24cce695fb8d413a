"""The JSON Schema of the suite file, from the names and units that its reader goes by.

It ships as ``schemas/suite-1.schema.json``, so that editors complete and check ``simbench.yaml``.
"""

from __future__ import annotations

from simbench.catalog.benchmarks import runnable_benchmarks
from simbench.catalog.platforms import platform_files
from simbench.catalog.scenario import DEFAULT_KERNELS, PINNED_TOOLCHAIN, TOOLCHAINS
from simbench.files.jsonschema import Schema, listing, number, one_of, table, text, top
from simbench.firmware.build import KERNELS
from simbench.suites.budgets import BUDGETS
from simbench.suites.file import NAME
from simbench.task.tasks import DEFAULT_SAMPLES, MOST_SAMPLES


def suite_schema() -> Schema:
    """The schema of a suite file."""
    body = table(
        {
            "platforms": listing(
                "Boards: names, or your own files.",
                {"anyOf": [one_of(platform_files()), {"type": "string", "pattern": r"\.yaml$"}]},
            ),
            "benchmarks": listing(
                "Built-in benchmarks. Default: all where there are no models, else none.",
                one_of(runnable_benchmarks()),
            ),
            "kernels": listing(f"Kernel sets. Default: {DEFAULT_KERNELS}.", one_of(KERNELS)),
            "toolchains": listing(
                f"Compilers: {', '.join(TOOLCHAINS)}, or your own by path. "
                f"Default: {PINNED_TOOLCHAIN}.",
                text(),
            ),
            "models": _models(),
            "samples": {
                "description": "Seeded inputs whose outputs are compared with the host's. "
                f"Default: {DEFAULT_SAMPLES}.",
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_SAMPLES,
            },
            "budgets": {
                "description": "Budgets by the result they hold for: kws@stm32f4/cmsis-nn, or "
                "less of it: kws@stm32f4, kws. Wildcards: *@stm32f4.",
                "type": "object",
                "additionalProperties": table({m: number(u) for m, u in BUDGETS.items()}),
            },
        },
        required=["platforms"],
    )
    said = "What simbench runs in a repository, on which boards, within which budgets."
    return top("simbench.suite/1", said, body)


def _models() -> Schema:
    return {
        "description": "Your own models by name. Files are relative to the suite file.",
        "type": "object",
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": {
            **table(
                {
                    "file": {
                        "description": "The .tflite file.",
                        "type": "string",
                        "pattern": r"\S",
                    },
                    "inputs": {
                        "description": "Your own inputs (.npy, .npz, .bin, .png, .wav); the first "
                        "is the measured one.",
                        "type": "array",
                        "items": {"type": "string"},
                    },
                },
                required=["file"],
            ),
        },
    }
