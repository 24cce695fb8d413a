"""Which interpreters answer on this Python, and what only some of them can."""

from __future__ import annotations

import pytest

from simbench.models.reference import reference_version

ONLY_MICRO = reference_version().startswith("tflite-micro")
"""No wheel of tflite-runtime or ai-edge-litert 1.2 is for this Python: 3.13 and later."""

NOT_IN_MICRO = ("upsample_int8.tflite",)
"""Models with an operator that tflite-micro has not: TILE."""

needs_litert = pytest.mark.skipif(
    ONLY_MICRO, reason="tflite-micro misreads the file: needs tflite-runtime or ai-edge-litert"
)
