"""What simbench fetched and built on this machine, by kind, beside the store of results."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from simbench.files.paths import build_dir

BUILT = ("downloads", "firmware", "runtimes", "plugin", "verifier")
"""Kinds, which are folders: sources and the compiler, images, libraries of other runtimes, the
counting plugin for QEMU, and the checker of models."""


def kept_folder(kind: str) -> Path:
    """The folder of a kind of :data:`BUILT`, which need not be there."""
    return build_dir() / kind


def folder_bytes(folder: Path) -> int:
    """What the files below ``folder`` take; 0 where there is none."""
    sizes = 0
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            sizes += path.lstat().st_size if path.exists() or path.is_symlink() else 0
    return sizes


def clear_built(kind: str) -> int:
    """Remove what is kept of ``kind``; returns the bytes freed. Raises OSError where it cannot."""
    folder = kept_folder(kind)
    freed = folder_bytes(folder)
    if folder.exists():
        shutil.rmtree(folder)
    return freed
