"""The result document as JSON, the format every other is made from."""

from __future__ import annotations

import json

from simbench.result.tree import Run


def render(run: Run) -> str:
    """``run`` as indented JSON with a newline at its end."""
    return json.dumps(run.document(), indent=2) + "\n"
