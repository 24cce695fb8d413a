"""Write the JSON Schemas of files that people write, from what their readers go by."""

from __future__ import annotations

from pathlib import Path

import simbench
from simbench.catalog.schema import platform_schema
from simbench.files.jsonschema import render
from simbench.suites.schema import suite_schema
from simbench.sweeps.schema import study_schema

FOLDER = Path(simbench.__file__).parent / "result" / "schemas"
SCHEMAS = {"platform": platform_schema, "study": study_schema, "suite": suite_schema}


def main() -> None:
    """Write each of them."""
    for name, schema in SCHEMAS.items():
        (FOLDER / f"{name}-1.schema.json").write_text(render(schema()))


if __name__ == "__main__":
    main()
