"""The Monitor, which answers without repeating what it is asked."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))


class Monitor:
    """Of the session that FAKE_RENODE names."""

    def __init__(self) -> None:
        fake = importlib.import_module("fake_renode")
        self._fake = fake.Fake(
            {**json.loads(Path(os.environ["FAKE_RENODE"]).read_text()), "echo": False}
        )

    def execute(self, command: str) -> tuple[str, str]:
        """The answer, and what went wrong."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            self._fake.obey(command)
        return said.getvalue().removesuffix(self._fake.prompt), ""
