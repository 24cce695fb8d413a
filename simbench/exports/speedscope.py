"""speedscope's JSON: a flame graph of layers and functions, in order of execution.

Format: https://www.speedscope.app/file-format-schema.json, a profile of type "sampled".
"""

from __future__ import annotations

import json
from typing import Any

from simbench import __version__
from simbench.profiles import FunctionCost, Profile

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def render(profile: Profile) -> str:
    """``profile`` as JSON for speedscope; weights are cycles."""
    names = dict.fromkeys(name for f in profile.frames for name in (f.layer, f.function))
    number = {name: index for index, name in enumerate(names)}
    known = {function.name: function for function in profile.functions}
    weights = [frame.cycles for frame in profile.frames]
    document = {
        "$schema": _SCHEMA,
        "exporter": f"simbench {__version__}",
        "name": profile.title,
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(name, known.get(name)) for name in names]},
        "profiles": [
            {
                "type": "sampled",
                "name": f"{profile.title}, cycles",
                "unit": "none",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": [[number[f.layer], number[f.function]] for f in profile.frames],
                "weights": weights,
            }
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _frame(name: str, function: FunctionCost | None) -> dict[str, Any]:
    if function is None or function.source is None:
        return {"name": name}
    return {"name": name, "file": function.source.file, "line": function.source.line}
