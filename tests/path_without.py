"""A PATH that lacks some programs."""

from __future__ import annotations

import os
from pathlib import Path


def path_without(folder: Path, *names: str) -> str:
    """The machine's PATH without the programs whose names begin so, as links in ``folder``."""
    folder.mkdir()
    for place in reversed(os.get_exec_path()):
        for program in Path(place).glob("*") if Path(place).is_dir() else ():
            if not program.name.startswith(names):
                (folder / program.name).unlink(missing_ok=True)
                (folder / program.name).symlink_to(program)
    return str(folder)
