"""Versions of installed packages, by the names of their metadata's folders.

:mod:`importlib.metadata` reads those folders too, and takes longer to import than this takes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache

DISTRIBUTION = "simbench-tinyml"
"""What packaging tools call this package; PyPI's ``simbench`` is another project."""


def version_of(package: str) -> str | None:
    """The version of the installed ``package``; None where it is not installed."""
    return _versions().get(_normal(package))


def extra(name: str) -> str:
    """What is to be installed for the optional dependencies called ``name``."""
    return f"{DISTRIBUTION}[{name}]"


@cache
def _versions() -> Mapping[str, str]:
    """By package; of two on the path the first counts, as for an import."""
    versions: dict[str, str] = {}
    for place in filter(os.path.isdir, sys.path):
        for name in os.listdir(place):
            stem, kind = os.path.splitext(name)
            if kind in (".dist-info", ".egg-info") and "-" in stem:
                package, version = stem.split("-")[:2]
                versions.setdefault(_normal(package), version)
    return versions


def _normal(package: str) -> str:
    return package.lower().replace("-", "_").replace(".", "_")
