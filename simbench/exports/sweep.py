"""A sweep in every format: its points as a table, the page, the document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simbench.exports.sweep_document import document
from simbench.runs.provenance import TOOL
from simbench.sweeps.files import csv_text, parquet_bytes
from simbench.sweeps.sweep import Sweep


@dataclass(frozen=True, slots=True)
class Swept:
    """A sweep, and the tools and the host that it came from."""

    sweep: Sweep
    environment: Mapping[str, Any]


def render_csv(swept: Swept) -> str:
    """The points as CSV; what is not known is empty."""
    return csv_text(swept.sweep.points)


def render_parquet(swept: Swept) -> bytes:
    """The points as Parquet. Raises UsageError where pyarrow is not installed."""
    return parquet_bytes(swept.sweep.points)


def render_html(swept: Swept) -> str:
    """The page with plots and answers."""
    from simbench.exports.html.sweep import sweep_page  # Bokeh takes long to import

    return sweep_page(swept.sweep)


def render_json(swept: Swept) -> str:
    """Points and answers as one JSON document."""
    return json.dumps(document(swept.sweep, TOOL, swept.environment)) + "\n"
